"""Our own online store for Feast: one row per subject that holds all its views, right where the stock stores err.

What is too old reads as null, not as present; a subject of whom nothing is held is not found, and differs from one
whose value is null; an older row never overwrites a newer one, a correction of the same day does; "now unknown" is a
row like any other. See `features.store.rows`. Feast finds this class and its configuration by their names.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

from feast import Entity, FeatureView
from feast.infra.online_stores.online_store import OnlineStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.repo_config import FeastConfigBaseModel, RepoConfig

from features.store.backends.place import Place
from features.store.cells import cell_of, proto_of
from features.store.columns import ROW_ATTESTED, ROW_COLUMNS, ROW_LEARNED, ROW_STATUS, ROW_TRUE_FROM, STATED
from features.store.errors import StoreError
from features.store.places import mark_key, open_place, subject_key
from features.store.rows import Held, Row, ViewRows, day_number, dump, load, moment_number, moment_of
from features.store.standing import Standing, stand
from features.store.taking_in import take_in

_READING_ON: ContextVar[dt.date] = ContextVar("reading_on")
_READ: ContextVar[dict[str, bytes | None] | None] = ContextVar("read", default=None)


class SubjectOnlineStoreConfig(FeastConfigBaseModel):
    """Where the rows lie: `url` is of PostgreSQL or of Redis, `name` the table or the prefix of the keys."""

    type: Literal["features.store.online_store.SubjectOnlineStore"] = "features.store.online_store.SubjectOnlineStore"
    url: str
    name: str = "facts_online"


@contextmanager
def reading_on(on_date: dt.date) -> Iterator[None]:
    """Reads of Feast's online features inside are of this day."""
    token = _READING_ON.set(on_date)
    try:
        yield
    finally:
        _READING_ON.reset(token)


class SubjectOnlineStore(OnlineStore):
    """One row per subject, read and written by the rules of `features.store.rows`."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, str], Place] = {}

    def place(self, config: RepoConfig) -> Place:
        """The open place of a configuration."""
        online = config.online_store
        assert isinstance(online, SubjectOnlineStoreConfig)
        key = (online.url, online.name)
        if key not in self._places:
            self._places[key] = open_place(*key)
        return self._places[key]

    def online_write_batch(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: list[tuple[EntityKey, dict[str, Value], dt.datetime, dt.datetime | None]],
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Join rows that Feast delivers (`write_to_online_store`, `materialize`) to what is held."""
        news: dict[str, Held] = {}
        for entity_key, values, event, created in data:
            held = news.setdefault(_key(table, entity_key), Held())
            held.take(Held({table.tags["view"]: ViewRows(later=(_row(values, event, created),))}))
        take_in(self.place(config), {key: dump(held) for key, held in news.items()})
        if progress is not None:
            progress(len(data))

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKey],
        requested_features: list[str] | None = None,
    ) -> list[tuple[dt.datetime | None, dict[str, Value] | None]]:
        """What holds of one view on the day of `reading_on`.

        Raises:
            StoreError: no day was named.
        """
        on_date = _READING_ON.get(None)
        if on_date is None:
            raise StoreError("A read of facts names its day: read inside `with reading_on(on_date):`.")
        keys = [_key(table, entity_key) for entity_key in entity_keys]
        subjects = self._read(config, table, keys)
        answers: list[tuple[dt.datetime | None, dict[str, Value] | None]] = []
        for key in keys:
            held = subjects.get(key)
            rows = None if held is None else held.views.get(table.tags["view"])
            row = None if rows is None else stand(rows.rows, on_date)
            hidden = {} if held is None else held.hidden.on(on_date)
            if row is None:
                answers.append((None, None))
            else:
                answers.append(
                    (moment_of(row.row.true_from * 86_400_000_000), _values(table, row, requested_features, hidden))
                )
        return answers

    def _read(self, config: RepoConfig, table: FeatureView, keys: Sequence[str]) -> dict[str, Held]:
        """Subjects by key, each fetched once within one question however many views it asks for."""
        read = _READ.get()
        mark = mark_key(table.tags["view"])
        known: dict[str, bytes | None] = {} if read is None else read
        new = [key for key in (*keys, mark) if key not in known]
        if new:
            found = self.place(config).read(new)
            known.update({key: found.get(key) for key in new})
        noted = known[mark]
        marks = {} if noted is None else {table.tags["view"]: json.loads(noted)}
        return {key: load(held).renewed(marks) for key in keys if (held := known[key]) is not None}

    def get_online_features(self, *args: Any, **keywords: Any) -> Any:  # noqa: ANN401 Feast's own signature
        token = _READ.set({})
        try:
            return super().get_online_features(*args, **keywords)
        finally:
            _READ.reset(token)

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[FeatureView],
        tables_to_keep: Sequence[FeatureView],
        entities_to_delete: Sequence[Entity],
        entities_to_keep: Sequence[Entity],
        partial: bool,
    ) -> None:
        """Make the place. Views that are gone are no longer read, and leave with the next `fill`."""
        self.place(config).prepare()

    def teardown(self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Entity]) -> None:
        self.place(config).drop()

    async def close(self) -> None:
        """Let go of every connection; `features.store.feast_store.close_store` waits for it."""
        for place in self._places.values():
            place.close()
        self._places.clear()


def _key(table: FeatureView, entity_key: EntityKey) -> str:
    return subject_key(table.tags["kind"], entity_key.entity_values[0].string_val)


def _row(values: dict[str, Value], event: dt.datetime, created: dt.datetime | None) -> Row:
    cells = {name: cell_of(value) for name, value in values.items()}
    facts = {name: cell for name, cell in cells.items() if name not in ROW_COLUMNS}
    true_from, learned, attested = cells.get(ROW_TRUE_FROM), cells.get(ROW_LEARNED), cells.get(ROW_ATTESTED)
    event = event if event.tzinfo is not None else event.replace(tzinfo=dt.UTC)
    created = created if created is None or created.tzinfo is not None else created.replace(tzinfo=dt.UTC)
    status = str(cells.get(ROW_STATUS) or STATED)
    day = day_number(event.date())
    closed = status == "closed"
    if not closed and isinstance(true_from, int):
        day = true_from  # a day of expiry is no new statement
    return Row(
        true_from=day,
        learned_at=moment_number(created) if created is not None else learned if isinstance(learned, int) else 0,
        status=STATED if closed else status,
        true_to=day if closed else None,
        attested_on=attested if isinstance(attested, int) else day,
        facts=facts,
    )


def _values(table: FeatureView, row: Standing, requested: list[str] | None, hidden: Container[str]) -> dict[str, Value]:
    said: dict[str, Any] = {
        ROW_STATUS: row.status,
        ROW_ATTESTED: row.row.attested_on,
        ROW_TRUE_FROM: row.row.true_from,
        ROW_LEARNED: row.row.learned_at,
    }
    values: dict[str, Value] = {}
    for field in table.features:
        if requested is not None and field.name not in requested:
            continue
        if field.name in ROW_COLUMNS:
            cell = said[field.name]
        elif field.name in hidden:
            cell = None
        else:
            months = field.tags.get("maximum_age_months")
            cell = row.cell(field.name, None if months is None else int(months))
        values[field.name] = proto_of(cell, field.dtype)
    return values
