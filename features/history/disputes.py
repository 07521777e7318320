"""When a register's own record of a fact changed: what closes a correction ticket by itself.

A ticket is closed at the first moment after it was opened at which a view says something else of its fact. Until then
the view says what it said when the ticket was opened: so it is the first moment after it at which the view says
something else than at the moment before. The moments at which a record changes are therefore the same for all tickets,
whenever they were opened, and a view is gone through once for all of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from features.history.partitions import ROWS, SUBJECT, Part, Partitions
from features.history.records import View
from features.history.speaking import BEFORE_ALL, Chosen, Ints, Mask, as_lists_say, last_listed, stored_rows

_NOBODY = -1


@dataclass(frozen=True, slots=True)
class Disputed:
    """A fact of a subject, by number, that is disputed from a moment on."""

    subject: int
    fact: str
    since: dt.datetime


def first_changes(
    partitions: Partitions, view: View, parts: Sequence[Part], disputed: Sequence[Disputed], count: int
) -> list[dt.datetime | None]:
    """For each disputed fact the first moment after its dispute began at which a view says something else of it.

    Args:
        partitions: where the rows are.
        view: a view that carries the facts.
        parts: those of the view that are read, in reading order: in the order in which they were learned, too.
        disputed: what to look for.
        count: how many subjects of the kind there are.
    """
    found: list[dt.datetime | None] = [None] * len(disputed)
    learned = [part.batch.learned_at for part in parts]
    waiting = [number for number, one in enumerate(disputed) if learned and one.since < learned[-1]]
    if not waiting:
        return found
    record = _Record(partitions, view, parts, [disputed[number] for number in waiting], count)
    earliest = min(disputed[number].since for number in waiting)
    before = record.said(sum(moment <= earliest for moment in learned))
    for moment in sorted({moment for moment in learned if moment > earliest}):
        now = record.said(sum(one <= moment for one in learned))
        for fact, changed in record.changes(before, now):
            for number in record.waiting[fact]:
                one = disputed[waiting[number]]
                if found[waiting[number]] is None and one.since < moment and changed[record.places[number]]:
                    found[waiting[number]] = moment
        before = now
    return found


@dataclass(frozen=True, slots=True)
class _Said:
    """For each subject and first day of which a view ever spoke: the row that speaks, by place, and its end."""

    row: Ints
    end: Ints


class _Record:
    """The rows of a view about some subjects, read once, to be seen as they were at any moment.

    Attributes:
        places: for each disputed fact the place of its subject among those read.
        waiting: by fact which of the disputed it is about.
    """

    def __init__(
        self, partitions: Partitions, view: View, parts: Sequence[Part], disputed: Sequence[Disputed], count: int
    ) -> None:
        self._parts, self._full = parts, view.full
        subjects, self.places = np.unique([one.subject for one in disputed], return_inverse=True)
        self._subjects = len(subjects)
        self.waiting: dict[str, list[int]] = {}
        for number, one in enumerate(disputed):
            self.waiting.setdefault(one.fact, []).append(number)
        rows = stored_rows(partitions, parts, Chosen.sought(subjects, count))
        self._last = last_listed(partitions, parts, rows) if view.full else np.zeros(0, dtype=np.int32)
        self._cells = _cells(partitions, parts, rows.part, list(self.waiting), subjects)
        # From here on a subject's number is its place among those read, a row's index its place among these rows.
        mine = np.searchsorted(subjects, rows.subject)
        self._rows = replace(rows, subject=mine, index=np.arange(len(mine), dtype=np.uint32))
        days = (mine << 32) | (rows.true_from.astype(np.int64) - int(BEFORE_ALL))
        first_days, self._day = np.unique(days, return_inverse=True)
        self._day_of = first_days >> 32
        """Whose each first day is, by place."""

    def said(self, parts: int) -> _Said:
        """What the first so many parts say."""
        known = self._rows.part < parts
        rows = self._rows.take(known)
        if self._full and parts:
            last = np.minimum(self._last[known], parts - 1)
            rows = as_lists_say(rows, last, self._parts[:parts], self._subjects)
        row = np.full(len(self._day_of), _NOBODY, dtype=np.int64)
        end = np.zeros(len(self._day_of), dtype=np.int64)
        days = self._day[rows.index]
        row[days] = rows.index  # where a first day stands twice, the last one stays
        end[days] = rows.true_to
        return _Said(row, end)

    def changes(self, before: _Said, now: _Said) -> list[tuple[str, Mask]]:
        """For each fact by place of whom something else is said, if of anybody."""
        differing = np.flatnonzero((before.row != now.row) | (before.end != now.end))
        if len(differing) == 0:
            return []
        old, new = before.row[differing], now.row[differing]
        status = self._rows.status
        other = (old == _NOBODY) | (new == _NOBODY) | (before.end[differing] != now.end[differing])
        other |= status[old] != status[new]
        found: list[tuple[str, Mask]] = []
        for fact, cells in self._cells.items():
            changed = np.zeros(self._subjects, dtype=np.bool_)
            changed[self._day_of[differing[other | (cells[old] != cells[new])]]] = True
            found.append((fact, changed))
        return found


def _cells(
    partitions: Partitions, parts: Sequence[Part], part_of: npt.NDArray[np.uint32], facts: list[str], subjects: Ints
) -> dict[str, Ints]:
    """By fact the cell of each row, as a number: cells are equal where their numbers are.

    Parts are compared by values, not by their encoding: codes may have been added to a list since one was stored.
    """
    numbers: dict[str, dict[object, int]] = {fact: {} for fact in facts}
    cells: dict[str, list[int]] = {fact: [] for fact in facts}
    for position in np.unique(part_of):
        stored = partitions.read(parts[position].stem, ROWS, [SUBJECT, *facts], subjects)
        for fact, known in numbers.items():
            column = stored.get_column(fact) if fact in stored.columns else pl.repeat(None, stored.height, eager=True)
            listed = isinstance(column.dtype, pl.List)
            told = (tuple(cell) if listed and cell is not None else cell for cell in column.to_list())
            cells[fact] += [known.setdefault(cell, len(known)) for cell in told]
    return {fact: np.array(found, dtype=np.int64) for fact, found in cells.items()}
