"""Loading life events: into the log, and what follows from them into the history.

The history is append-only. A correction adds a row that speaks in place of the earlier one, a reversal adds one that
withdraws it; what was known at any earlier moment stays as it was.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from features.errors import FactProblem
from features.events.kinds import EventKinds
from features.events.log import EventLog, Logged, Part, concerned
from features.events.messages import read_events
from features.events.statements import Folded, Place, Row, changes, fold
from features.events.threads import Idle, Key
from features.facts.encoding import ID, column_type, encode
from features.facts.vocabulary import Vocabulary
from features.history.records import ROW, STATUS, STATUS_TYPE, TRUE_FROM, TRUE_TO, WITHDRAWN, Batch, View
from features.senders import NOBODY_SIGNS, Senders


class TakesBatches(Protocol):
    """The history, as far as loading needs it."""

    def append(self, batch: Batch, rows: pl.DataFrame) -> object:
        """Take a delivery in; the same content is taken in once."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one load came to.

    Attributes:
        lines: events that the file holds, readable or not.
        logged: how many were new, doubled or disputed.
        problems: what could not be read, by line and field.
        stated: rows that the history gained.
        withdrawn: rows that the history took back.
        waiting: events that wait for the one they correct or reverse, among those that this load bears on.
        idle: the other events that say nothing, with the reason.
        contradicted: how many facts that cannot change are told differently.
        unchecked: events that could be read and whose sender need not sign, because no key of theirs is named.
    """

    lines: int
    logged: Logged
    problems: tuple[FactProblem, ...]
    stated: int
    withdrawn: int
    waiting: tuple[Key, ...]
    idle: tuple[tuple[Key, Idle], ...]
    contradicted: int
    unchecked: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a part of the log brought to the history."""

    after: Folded
    stated: int
    withdrawn: int


class LifeEvents:
    """A log of events and the history that is told what follows from them.

    Args:
        log: the only record of the events themselves.
        kinds: what they mean.
        history: must know `kinds.views`.
        senders: whose messages must be signed.
    """

    def __init__(
        self, log: EventLog, kinds: EventKinds, history: TakesBatches, senders: Senders = NOBODY_SIGNS
    ) -> None:
        self.log = log
        self.kinds = kinds
        self.history = history
        self.senders = senders

    def load(self, path: Path, received_at: dt.datetime) -> Loaded:
        """Take a file of events in. What cannot be read is set aside; the rest goes on.

        A load that was cut off is brought to its end first: its events are in the log, and the rows that follow from
        them are the same however often they are worked out.

        Args:
            path: JSON lines.
            received_at: the moment (UTC) at which they came.

        Raises:
            LogInUseError: another load is going on.
            BrokenLogError: the log is not as it was written.
        """
        with path.open("rb") as lines:
            events, problems, count = read_events(lines, path.name, self.kinds, self.senders)
        with self.log.writing():
            self._deliver_pending()
            logged = self.log.append(events, path.name, received_at)
            delivered = self._deliver_pending()
        idle = delivered.after.resolved.idle if delivered else {}
        return Loaded(
            lines=count,
            logged=logged,
            problems=tuple(problems),
            stated=delivered.stated if delivered else 0,
            withdrawn=delivered.withdrawn if delivered else 0,
            waiting=tuple(key for key, reason in idle.items() if reason is Idle.WAITS),
            idle=tuple((key, reason) for key, reason in idle.items() if reason is not Idle.WAITS),
            contradicted=len(delivered.after.contradicted) if delivered else 0,
            unchecked=sum(not self.senders.sign(event.source) for event in events),
        )

    def _deliver_pending(self) -> Delivered | None:
        last: Delivered | None = None
        for part in self.log.parts:
            if not part.delivered:
                last = self._deliver(part)
        return last

    def _deliver(self, part: Part) -> Delivered:
        found = concerned(self.log.index(part.number), part.number)
        before, after = fold(found.before, self.kinds), fold(found.after, self.kinds)
        changed = changes(_about(before, found.subjects), _about(after, found.subjects))
        lineage: list[tuple[str, int, str, str]] = []
        for view, first, month in _by_month(changed):
            batch = _batch(self.kinds.views[view], part, first)
            self.history.append(batch, rows_of(self.kinds.views[view], month, self.kinds.vocabulary))
            for number, (place, row) in enumerate(month.items()):
                events = (row or before.rows[place]).events
                lineage += [(batch.content_hash, number, source, event) for source, event in events]
        schema = {"batch": pl.String, "row": pl.UInt32, "source": pl.String, "id": pl.String}
        self.log.write_lineage(part, pl.DataFrame(lineage, schema=schema, orient="row"))
        self.log.mark_delivered(part)
        withdrawn = sum(row is None for row in changed.values())
        return Delivered(after, len(changed) - withdrawn, withdrawn)


def _about(folded: Folded, subjects: frozenset[str]) -> dict[Place, Row]:
    return {place: row for place, row in folded.rows.items() if place[1] in subjects}


def _by_month(changed: dict[Place, Row | None]) -> Iterator[tuple[str, dt.date, dict[Place, Row | None]]]:
    """The changes by view and by the month in which they hold from, in order.

    A batch says on which day its register attested it, and facts age from then: what happened in March 2019 is not
    fresh because it is told today. Its attested day is the first of the month, whichever events a load brings: a fact
    may grow old some days early, never late, and the same in whatever deliveries it came. By day there would be thirty
    times as many batches.
    """
    months: dict[tuple[str, dt.date], dict[Place, Row | None]] = defaultdict(dict)
    for place, row in changed.items():
        view, _, day = place
        months[view, day.replace(day=1)][place] = row
    for (view, first), month in sorted(months.items()):
        yield view, first, month


def _batch(view: View, part: Part, attested_on: dt.date) -> Batch:
    # The part is in the hash: to say again what was withdrawn in between is another delivery, not the same one.
    digest = hashlib.sha256(f"{view.id} {attested_on} {part.number} {part.content_hash}".encode()).hexdigest()
    return Batch(view.id, digest, part.file, part.moment, attested_on)


def rows_of(view: View, month: dict[Place, Row | None], vocabulary: Vocabulary) -> pl.DataFrame:
    """Changes of a view as the history takes them: one row each, encoded, in their order."""
    rows = list(month.items())
    columns = {
        ID: pl.Series([subject for (_, subject, _), _ in rows], dtype=pl.String),
    }
    for name in view.facts:
        fact = vocabulary.dictionary.facts[name]
        values = [None if row is None or name not in row.facts else encode(fact, row.facts[name]) for _, row in rows]
        columns[name] = pl.Series(values, dtype=column_type(fact, vocabulary.areas))
    columns[TRUE_FROM] = pl.Series([day for (_, _, day), _ in rows], dtype=pl.Date)
    columns[TRUE_TO] = pl.Series([None] * len(rows), dtype=pl.Date)
    columns[STATUS] = pl.Series([WITHDRAWN if row is None else row.status for _, row in rows], dtype=STATUS_TYPE)
    columns[ROW] = pl.Series(range(len(rows)), dtype=pl.UInt32)
    return pl.DataFrame(columns)
