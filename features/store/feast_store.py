"""Settings to a configured Feast: which of its stores stand behind the same definitions."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from feast import FeatureStore, FileSource, RepoConfig
from feast.data_format import ParquetFormat
from feast.data_source import DataSource
from psycopg.conninfo import conninfo_to_dict

from features.history.records import View
from features.store.columns import EVENT, LEARNED
from features.store.definitions import Definitions, SourceOf, check_service
from features.store.errors import StoreError
from features.store.places import place_name
from features.store.purposes import feast_name
from features.store.settings import FILES, SPARK, StoreSettings

ONLINE_TYPE = "features.store.online_store.SubjectOnlineStore"
_BATCH = 10_000
"""Rows that Feast hands over at once: half the memory of handing over all."""


def configure(settings: StoreSettings, folder: Path | None = None, *, online: bool = True) -> RepoConfig:
    """Feast's own configuration. It reports to nobody: lineage, MLflow and metrics stay off.

    Args:
        settings: which stores.
        folder: where the registry lies, if it is a file; the settings' folder by default.
        online: with the online store; a training set has no need of it.
    """
    place = folder or settings.folder
    place.mkdir(parents=True, exist_ok=True)
    return RepoConfig(
        project=settings.project,
        provider="local",
        registry=_registry(settings, place),
        offline_store=_offline(settings),
        online_store=_online(settings) if online else None,
        materialization={"online_write_batch_size": _BATCH},
        entity_key_serialization_version=3,
    )


def open_store(config: RepoConfig, definitions: Definitions) -> FeatureStore:
    """Feast with these definitions registered: what it holds besides is removed, what is too much is refused.

    Raises:
        PurposeError: a registered service fetches what its purpose does not read.
    """
    store = FeatureStore(config=config)
    wanted = {found.name for found in definitions.services.values()}
    views = {found.name for found in definitions.feature_views.values()}
    gone = [found for found in store.list_feature_services() if found.name not in wanted]
    gone += [found for found in store.list_feature_views() if found.name not in views]
    for found in definitions.services.values():
        check_service(found, definitions)
    store.apply(definitions.objects, objects_to_delete=gone, partial=False)
    return store


def close_store(store: FeatureStore) -> None:
    """Let go of a store's connections."""
    asyncio.run(store.close())
    for engine in ("read_engine", "write_engine"):  # of a registry in a database; a file has none
        held = getattr(store.registry, engine, None)
        if held is not None:
            held.dispose()


def sources(settings: StoreSettings, snapshot: Path) -> SourceOf:
    """Where the offline rows of each view are, for one snapshot.

    Args:
        settings: which offline store.
        snapshot: the folder of the snapshot's files; its name names the tables of a database.
    """

    def source_of(view: View) -> DataSource:
        name = feast_name(view.id)
        if settings.offline == FILES:
            return FileSource(
                name=name,
                path=str(snapshot_file(snapshot, view)),
                file_format=ParquetFormat(),
                timestamp_field=EVENT,
                created_timestamp_column=LEARNED,
            )
        if settings.in_database:
            return _postgres_source(name, snapshot_table(snapshot, view))
        return _spark_source(name, snapshot_file(snapshot, view))

    return source_of


def snapshot_file(snapshot: Path, view: View) -> Path:
    """The Parquet file of a view in a snapshot."""
    return snapshot.absolute() / f"{feast_name(view.id)}.parquet"


def snapshot_table(snapshot: Path, view: View) -> str:
    """The table of a view in a snapshot."""
    return f"{snapshot.name}_{feast_name(view.id)}"[:63]


def _online(settings: StoreSettings) -> dict[str, str]:
    return {"type": ONLINE_TYPE, "url": settings.online, "name": place_name(settings)}


def _registry(settings: StoreSettings, folder: Path) -> dict[str, Any]:
    if settings.registry == FILES:
        return {"registry_type": "file", "path": str(folder / "registry.db")}
    address = settings.registry.replace("postgresql://", "postgresql+psycopg://", 1)
    return {"registry_type": "sql", "path": address, "cache_ttl_seconds": 60}


def _offline(settings: StoreSettings) -> dict[str, Any]:
    if settings.offline == FILES:
        return {"type": "duckdb"}
    if settings.in_database:
        parts = conninfo_to_dict(settings.offline)
        return {
            "type": "postgres",
            "host": str(parts.get("host", "localhost")),
            "port": int(str(parts.get("port", 5432))),
            "database": str(parts.get("dbname", "postgres")),
            "user": str(parts.get("user", "postgres")),
            "password": str(parts.get("password", "")),
            "sslmode": str(parts.get("sslmode", "prefer")),
        }
    master = "local[*]" if settings.offline == SPARK else settings.offline
    conf = {"spark.master": master, "spark.sql.session.timeZone": "UTC"}
    if settings.offline == SPARK:  # a cluster has settings of its own; on one machine its defaults are for another
        conf |= {"spark.sql.shuffle.partitions": "2", "spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1"}
    return {"type": "spark", "spark_conf": conf}


def _postgres_source(name: str, table: str) -> DataSource:
    # Late: it brings a server's client along, which an installation on files does not need.
    from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import (  # noqa: PLC0415
        PostgreSQLSource,
    )

    return PostgreSQLSource(name=name, table=table, timestamp_field=EVENT, created_timestamp_column=LEARNED)


def _spark_source(name: str, file: Path) -> DataSource:
    # Spark is a gigabyte: an extra.
    try:
        from feast.infra.offline_stores.contrib.spark_offline_store.spark_source import SparkSource  # noqa: PLC0415
    except ImportError as error:
        raise StoreError("The offline store is set to Spark. Run: pip install 'applyfree[spark]'.") from error
    return SparkSource(
        name=name, path=str(file), file_format="parquet", timestamp_field=EVENT, created_timestamp_column=LEARNED
    )
