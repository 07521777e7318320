"""Training sets: what was known of each subject on its own day, fetched by Feast for one purpose.

A snapshot holds what was known at one moment; Feast joins it to subjects and days; what several registers say of one
fact is brought together as the history does it. So a row never knows what was learned after its own moment.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
from feast import FeatureStore

from features.facts.encoding import ID
from features.facts.vocabulary import Vocabulary
from features.store.columns import EVENT, ROW_COLUMNS, key_column
from features.store.definitions import Definitions, check_service, define
from features.store.feast_store import configure, open_store, snapshot_file, snapshot_table, sources
from features.store.joining import column, join_views
from features.store.purposes import Purposes, feast_name
from features.store.settings import FILES, StoreSettings
from features.store.statements import Told, shown
from features.store.tables import drop_tables, write_table
from features.store.timelines import timeline

ON_DATE, KNOWN_AT = "on_date", "known_at"
_ROW, _ASKED = "row", "asked"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Feast over what was known at one moment."""

    store: FeatureStore
    definitions: Definitions
    known_at: dt.datetime

    def read(self, purpose: str, kind: str, spine: pl.DataFrame) -> pl.DataFrame:
        """The facts of a purpose for subjects and days.

        Args:
            purpose: whose facts; nothing else is fetched.
            kind: the kind of subject.
            spine: `id` and `on_date`, in any order.

        Returns:
            The spine with a column for each fact (encoded), in the spine's order. Null is unknown: not held, closed,
            too old, conflicting, withheld or quarantined. Facts that no view carries are left out.

        Raises:
            UnknownPurposeError: nothing active has that name.
            PurposeError: the registered service holds what its purpose does not read.
        """
        self.definitions.purposes.get(purpose)
        if purpose not in self.definitions.services:
            return spine
        service = self.store.get_feature_service(purpose)
        check_service(service, self.definitions)
        wanted: dict[str, list[str]] = {}
        by_name = {feast_name(view.id): view for view in self.definitions.views_of(kind)}
        for projection in service.feature_view_projections:
            if projection.name in by_name:
                wanted[by_name[projection.name].id] = [field.name for field in projection.features]
        if not wanted:
            return spine
        answers = self._ask(kind, spine, wanted)
        views = {view: self.definitions.views[view] for view in wanted}
        facts = {view: [name for name in names if name not in ROW_COLUMNS] for view, names in wanted.items()}
        return pl.concat([spine, join_views(answers, views, facts, self.definitions.vocabulary)], how="horizontal")

    def _ask(self, kind: str, spine: pl.DataFrame, wanted: dict[str, list[str]]) -> pl.DataFrame:
        """Feast's own answers, one row for each row of the spine, in its order."""
        entities = spine.select(
            pl.col(ID).alias(key_column(kind)),
            pl.col(ON_DATE).cast(pl.Datetime("us", "UTC")).alias(EVENT),
            pl.int_range(pl.len(), dtype=pl.Int64).alias(_ASKED),  # signed: Spark takes no other through Arrow
        )
        whole = spine.select(ON_DATE)
        for view, names in wanted.items():
            # View by view: PostgreSQL cuts the names that Feast makes of a view's and a feature's at 63 characters.
            references = [f"{feast_name(view)}:{name}" for name in names]
            job = self.store.get_historical_features(entity_df=entities.to_pandas(), features=references)
            found = pl.DataFrame(job.to_arrow()).sort(_ASKED)
            whole = whole.with_columns(
                found.get_column(n).alias(column(self.definitions.views[view], n)) for n in names
            )
        return whole


@dataclass(frozen=True, slots=True)
class TrainingSets:
    """Makes training sets.

    Attributes:
        settings: which offline store.
        told: the history.
        vocabulary: what facts mean.
        purposes: what each benefit and model reads.
    """

    settings: StoreSettings
    told: Told
    vocabulary: Vocabulary
    purposes: Purposes

    @contextmanager
    def at(self, known_at: dt.datetime) -> Iterator[Snapshot]:
        """Feast over what was known at a moment; its files and tables are gone afterwards."""
        base = self.settings.folder / "snapshots"
        base.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="known_", dir=base) as name:
            folder = Path(name)
            definitions = define(
                self.vocabulary, self.told.views.values(), self.purposes, sources(self.settings, folder)
            )
            try:
                self._write(definitions, folder, known_at)
                config = configure(replace(self.settings, registry=FILES), folder, online=False)
                yield Snapshot(open_store(config, definitions), definitions, known_at)
            finally:
                if self.settings.in_database:
                    drop_tables(self.settings.offline, (snapshot_table(folder, v) for v in definitions.views.values()))

    def read(self, purpose: str, kind: str, spine: pl.DataFrame) -> pl.DataFrame:
        """The facts of a purpose for subjects, each row as known at its own moment.

        Args:
            purpose: whose facts.
            kind: the kind of subject.
            spine: `id`, `on_date` and `known_at` (UTC); few distinct moments, for each is a snapshot.

        Returns:
            As :meth:`Snapshot.read`, in the spine's order.
        """
        numbered = spine.with_row_index(_ROW)
        parts: list[pl.DataFrame] = []
        for (known_at,), rows in numbered.group_by(KNOWN_AT, maintain_order=True):
            with self.at(known_at) as known:
                parts.append(known.read(purpose, kind, rows))
        return pl.concat(parts).sort(_ROW).drop(_ROW) if parts else spine

    def _write(self, definitions: Definitions, folder: Path, known_at: dt.datetime) -> None:
        kinds = dict.fromkeys(view.kind for view in definitions.views.values())
        hidden = {kind: self.told.hidden(kind, known_at) for kind in kinds}
        for view in definitions.views.values():
            stated = shown(self.told.rows_stated(view.id, known_at), hidden[view.kind])
            rows = timeline(stated, view, self.vocabulary)
            if self.settings.in_database:
                write_table(self.settings.offline, snapshot_table(folder, view), rows)
            else:
                rows.write_parquet(snapshot_file(folder, view))
