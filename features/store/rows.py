"""What the online store keeps of a subject: the rows that each register's view sent, and which of them holds on a day.

The history says what was known at a moment: of two such states the later one stands. Single rows that were learned
after it, as events bring them, are laid over it by the history's own rules (docs/decisions/0004-history-by-view.md):
one for each first day, the one learned last. So states and events in any order, repeated or late, leave the same
behind: an older one never overwrites a newer one, a correction of the same first day does, and what was withdrawn lets
the row before it speak again.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from features.facts.values import Gap
from features.history.records import STATED, WITHDRAWN

Cell = bool | int | str | list[int] | None
"""A fact as stores hold it (`features.store.columns`)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a view. Days are day numbers from 1970-01-01, moments microseconds."""

    true_from: int
    learned_at: int
    status: str = STATED
    true_to: int | None = None
    attested_on: int | None = None
    row: int = 0
    facts: dict[str, Cell] = field(default_factory=dict)

    @property
    def order(self) -> tuple[int, int, int]:
        """Of two rows with the same first day, the one with the greater order speaks."""
        return self.learned_at, self.row, self.attested_on or 0

    def renewed(self, day: int) -> Row:
        """The row attested anew, unless a list that no longer named the subject has closed it."""
        is_listed = self.true_to is None or self.true_to > day
        return replace(self, attested_on=day) if is_listed and day > (self.attested_on or 0) else self


@dataclass(frozen=True, slots=True)
class ViewRows:
    """The rows of one view: the state known at a moment (-1: none yet), and single rows learned after it."""

    known_at: int = -1
    state: tuple[Row, ...] = ()
    later: tuple[Row, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """One row for each first day, in their order."""
        return join(self.state, self.later) if self.later else self.state

    def with_other(self, other: ViewRows) -> ViewRows:
        """Both together; the same in either order."""
        known_at, state = max((self.known_at, self.state), (other.known_at, other.state), key=lambda pair: pair[0])
        later = [row for row in (*self.later, *other.later) if row.learned_at > known_at]
        return ViewRows(known_at, state, join((), later))


@dataclass(frozen=True, slots=True)
class HiddenFacts:
    """Facts of one subject that are not to be used: what is withheld, or disputed by an open ticket.

    Attributes:
        known_at: the moment as of which these are all (-1: none yet).
        gaps: why, by fact.
        true_from: the first day of which anything was said of the subject: nothing is hidden before.
    """

    known_at: int = -1
    gaps: dict[str, Gap] = field(default_factory=dict)
    true_from: int = 0

    def on(self, on_date: dt.date) -> dict[str, Gap]:
        """What is hidden on a day."""
        return self.gaps if day_number(on_date) >= self.true_from else {}


@dataclass(slots=True)
class Held:
    """All that is kept of one subject.

    Attributes:
        views: rows by view.
        named_by: who named it, by link (a household: its members).
        hidden: which of its facts are not to be used.
    """

    views: dict[str, ViewRows] = field(default_factory=dict)
    named_by: dict[str, list[str]] = field(default_factory=dict)
    hidden: HiddenFacts = field(default_factory=HiddenFacts)

    def take(self, other: Held) -> bool:
        """Join what another says of the same subject; did anything change?"""
        changed = False
        for view, rows in other.views.items():
            known = self.views.get(view)
            joined = rows if known is None else known.with_other(rows)
            if joined != known:
                self.views[view], changed = joined, True
        for link, ids in other.named_by.items():
            known_ids = self.named_by.get(link, [])
            new = sorted({*known_ids, *ids})
            if new != known_ids:
                self.named_by[link], changed = new, True
        if other.hidden.known_at > self.hidden.known_at:
            self.hidden, changed = other.hidden, True
        return changed

    def renewed(self, marks: Mapping[str, Sequence[int]]) -> Held:
        """With the age that the last list of each view gives to what it still names.

        Args:
            marks: by view, the moment as of which a last list was noted and the day it speaks for.
        """
        views = dict(self.views)
        for view, (known_at, day) in marks.items():
            held = views.get(view)
            if held is not None and held.known_at < known_at:
                views[view] = replace(held, state=tuple(row.renewed(day) for row in held.state))
        return Held(views, self.named_by, self.hidden)


def join(held: Iterable[Row], new: Iterable[Row]) -> tuple[Row, ...]:
    """Rows of one view, one for each first day, in their order."""
    by_day: dict[int, Row] = {row.true_from: row for row in held}
    for row in new:
        there = by_day.get(row.true_from)
        if there is None or row.order > there.order:
            by_day[row.true_from] = row
    return tuple(by_day[day] for day in sorted(by_day))


def standing(rows: Iterable[Row], on_day: int) -> Row | None:
    """The row that holds on a day: of those not withdrawn, the one with the latest first day until then."""
    held: Row | None = None
    for row in rows:
        if row.true_from > on_day:
            break
        if row.status != WITHDRAWN:
            held = row
    return held


def dump(held: Held) -> bytes:
    """As bytes, the same for the same content."""
    views = {
        view: [rows.known_at, [_written(row) for row in rows.state], [_written(row) for row in rows.later]]
        for view, rows in held.views.items()
    }
    gaps = {fact: gap.value for fact, gap in held.hidden.gaps.items()}
    hidden = [held.hidden.known_at, gaps, held.hidden.true_from]
    content = {"views": views, "named_by": held.named_by, "hidden": hidden}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def load(content: bytes | str) -> Held:
    """From bytes."""
    read = json.loads(content)
    views = {
        view: ViewRows(known_at, tuple(Row(*row) for row in state), tuple(Row(*row) for row in later))
        for view, (known_at, state, later) in read["views"].items()
    }
    known_at, gaps, true_from = read["hidden"]
    hidden = HiddenFacts(known_at, {fact: Gap(gap) for fact, gap in gaps.items()}, true_from)
    return Held(views, read["named_by"], hidden)


def _written(row: Row) -> list[object]:
    return [row.true_from, row.learned_at, row.status, row.true_to, row.attested_on, row.row, row.facts]


def day_of(number: int) -> dt.date:
    """The day of a day number."""
    return dt.date(1970, 1, 1) + dt.timedelta(days=number)


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01."""
    return (day - dt.date(1970, 1, 1)).days


def moment_of(number: int) -> dt.datetime:
    """The moment of a number of microseconds."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=number)


def moment_number(moment: dt.datetime) -> int:
    """Microseconds since 1970-01-01, UTC."""
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
