"""A log of events and a history in a folder, as a test tells them things."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl

from features.events.loading import LifeEvents, Loaded
from features.events.log import EventLog
from features.events.messages import Event
from features.facts.encoding import column_type
from features.facts.values import Known
from features.history.history import History
from features.history.records import STATED, STATUS_TYPE, Batch, View
from tests.unit.features.events.worlds import china, lines

REGISTERS = [
    View("public_security.list", "public_security", "person", ("hukou_area", "birth_date"), full=False),
    View("health.list", "health", "person", ("deceased",), full=False),
    View("justice.list", "justice", "person", ("declared_missing", "imprisoned"), full=False),
]
START = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)


class City:
    """A log and a history in a folder; each load comes an hour after the one before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        views = [*china().views.values(), *REGISTERS]
        self.history = History(folder / "history", china().vocabulary, views)
        self.events = LifeEvents(EventLog(folder / "log"), china(), self.history)
        self.now = START

    def told(self, *events: Event, raw: bytes = b"") -> Loaded:
        path = self.folder / "events.jsonl"
        path.write_bytes(b"".join(lines(events)) + raw)
        self.now += dt.timedelta(hours=1)
        return self.events.load(path, self.now)

    def registered(self, register: str, person: str, since: str, attested: str, **said: object) -> None:
        """A register's own table says so of a person; an hour later."""
        self.now += dt.timedelta(hours=1)
        known = china().vocabulary
        columns: dict[str, pl.Series] = {"id": pl.Series([person])}
        for name, value in said.items():
            fact = known.dictionary.facts[name]
            columns[name] = pl.Series([value], dtype=column_type(fact, known.areas))
        columns |= {
            "true_from": pl.Series([dt.date.fromisoformat(since)]),
            "true_to": pl.Series([None], dtype=pl.Date),
            "status": pl.Series([STATED], dtype=STATUS_TYPE),
            "row": pl.Series([0], dtype=pl.UInt32),
        }
        batch = Batch(f"{register}.list", f"{self.now}", "list.csv", self.now, dt.date.fromisoformat(attested))
        self.history.append(batch, pl.DataFrame(columns))

    def fact(self, name: str, on: str = "2026-06-01", person: str = "p1", known_at: dt.datetime | None = None) -> Any:  # noqa: ANN401
        held = self.history.holdings("person", person, dt.date.fromisoformat(on), known_at or self.now)[name]
        return held.value if isinstance(held, Known) else held.gap
