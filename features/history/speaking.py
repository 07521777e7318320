"""Which row of a view holds for each subject on a day, as known at a moment (docs/decisions/0004).

Rows of all deliveries lie behind one another in the order in which they are read, so that of rows with the same subject
and first day the last one speaks. Arrays, not groups: a subject is a number, its row is found by writing at its place.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from features.history.partitions import DELIVERY, ENDED, INDEX, ROWS, SUBJECT, Part, Partitions
from features.history.records import STATUS, STATUS_TYPE, TRUE_FROM, TRUE_TO, WITHDRAWN

Ints = npt.NDArray[np.int64]
Days = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

EVER = np.int32(2**31 - 1)
"""The day after all days: an open end."""
BEFORE_ALL = np.int32(-(2**31))
_WITHDRAWN = STATUS_TYPE.categories.to_list().index(WITHDRAWN)
_EPOCH = dt.date(1970, 1, 1)


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01, as date columns count."""
    return (day - _EPOCH).days


def date_of(number: int) -> dt.date:
    """The date of a day number."""
    return _EPOCH + dt.timedelta(days=int(number))


@dataclass(slots=True)
class Rows:
    """The rows of a view that are known, without their facts, in reading order.

    `part` and `index` say where each is stored; `attested` is the day its age counts from.
    """

    subject: Ints
    true_from: Days
    true_to: Days
    status: npt.NDArray[np.uint8]
    part: npt.NDArray[np.uint32]
    index: npt.NDArray[np.uint32]
    attested: Days

    def take(self, which: Mask | Ints) -> Rows:
        """Some of the rows, in order."""
        return Rows(
            self.subject[which],
            self.true_from[which],
            self.true_to[which],
            self.status[which],
            self.part[which],
            self.index[which],
            self.attested[which],
        )


FEW = 1000
"""Of so many subjects rows are sought by their number; of more, all are read and chosen from."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Some subjects of a kind, by number: as a mask, and as a list where they are few.

    `span` holds their first and last number where they are many but lie close together.
    """

    mask: Mask
    few: tuple[int, ...] | None
    span: tuple[int, int] | None

    @staticmethod
    def sought(numbers: Ints, count: int) -> Chosen:
        """Subjects out of so many, sought by their number however many they are: few rows of them are wanted."""
        mask = np.zeros(count, dtype=np.bool_)
        mask[numbers] = True
        return Chosen(mask, tuple(numbers.tolist()), None)

    @staticmethod
    def of(numbers: Ints | Sequence[int], count: int) -> Chosen:
        """Choose subjects out of so many."""
        mask = np.zeros(count, dtype=np.bool_)
        chosen = np.asarray(numbers, dtype=np.int64)
        mask[chosen] = True
        if len(chosen) <= FEW:
            return Chosen(mask, tuple(chosen.tolist()), None)
        first, last = int(chosen.min()), int(chosen.max())
        return Chosen(mask, None, (first, last) if last - first < count // 2 else None)

    @property
    def is_partly_read(self) -> bool:
        """Are only some rows of a file read, so that it is to be told which?"""
        return self.few is not None or self.span is not None


def known_rows(
    partitions: Partitions, parts: Sequence[Part], wanted: Chosen | None, *, full: bool, subjects: int
) -> Rows:
    """Read the rows of a view's parts.

    Args:
        partitions: where they are.
        parts: those known, in reading order; of a view whose deliveries list everybody a whole beginning of its lists.
        wanted: whose rows to read; None: everybody's.
        full: do deliveries list everybody?
        subjects: how many subjects there are.
    """
    rows = stored_rows(partitions, parts, wanted)
    if full:
        return as_lists_say(rows, last_listed(partitions, parts, rows), parts, subjects)
    _age_from_their_own_day(rows, parts)
    return rows


def stored_rows(partitions: Partitions, parts: Sequence[Part], wanted: Chosen | None) -> Rows:
    """Every row of some parts, in reading order, as it came: lists are not yet compared, ages not yet counted."""
    columns: list[list[npt.NDArray[np.generic]]] = [[] for _ in range(7)]
    for position, part in enumerate(parts):
        if part.new:
            for held, values in zip(columns, _columns(partitions, part, position, wanted), strict=True):
                held.append(values)
    whole = [np.concatenate(held) if held else np.zeros(0, dtype=np.int64) for held in columns]
    rows = Rows(*whole)  # type: ignore[arg-type] # the arrays have the dtypes of `_columns`
    if wanted is not None and wanted.few is None:
        rows = rows.take(wanted.mask[rows.subject])
    return rows


def _age_from_their_own_day(rows: Rows, parts: Sequence[Part]) -> None:
    """What a message says of a day after the one its batch attests is no older than that day.

    Life events come in batches of a month, attested of its first day. What is said ahead of time ages from the day on
    which it was said.
    """
    if len(rows.part):
        learned = np.array([day_number(part.batch.learned_at.date()) for part in parts], dtype=np.int32)
        rows.attested = np.maximum(rows.attested, np.minimum(rows.true_from, learned[rows.part]))


def _columns(partitions: Partitions, part: Part, position: int, wanted: Chosen | None) -> list[npt.NDArray[np.generic]]:
    few, span = (None, None) if wanted is None else (wanted.few, wanted.span)
    frame = partitions.read(part.stem, ROWS, [SUBJECT, TRUE_FROM, TRUE_TO, STATUS], few, span)
    n = frame.height
    whole = wanted is None or not wanted.is_partly_read
    return [
        frame.get_column(SUBJECT).to_numpy().astype(np.int64),
        frame.get_column(TRUE_FROM).to_physical().to_numpy(),
        frame.get_column(TRUE_TO).to_physical().fill_null(int(EVER)).to_numpy(),
        frame.get_column(STATUS).cast(STATUS_TYPE).to_physical().cast(pl.UInt8).to_numpy(),
        np.full(n, position, dtype=np.uint32),
        np.arange(n, dtype=np.uint32) if whole else frame.get_column(INDEX).to_numpy(),
        np.full(n, day_number(part.batch.attested_on), dtype=np.int32),
    ]


def last_listed(partitions: Partitions, parts: Sequence[Part], rows: Rows) -> Days:
    """For each row the position of the last list that holds it."""
    offsets = np.concatenate([[0], np.cumsum([part.new for part in parts])]).astype(np.int64)
    last = np.full(int(offsets[-1]), len(parts) - 1, dtype=np.int32)
    for position, part in enumerate(parts):
        if part.ended:
            marks = partitions.read(part.stem, ENDED)
            places = offsets[marks.get_column(DELIVERY).to_numpy()] + marks.get_column(INDEX).to_numpy()
            last[places] = position - 1
    return last[offsets[rows.part.astype(np.int64)] + rows.index.astype(np.int64)]


def as_lists_say(rows: Rows, last: Days, parts: Sequence[Part], subjects: int) -> Rows:
    """Rows as the last list that names their subject leaves them.

    It renews their age. From the first day it speaks of on, what it does not say is taken back. The list after it, if
    there is one, closes them.
    """
    if len(parts) <= 1:
        return rows
    newest = np.full(subjects, -1, dtype=np.int32)
    np.maximum.at(newest, rows.subject, last)
    of_newest = newest[rows.subject]
    listed = last == of_newest
    first = np.full(subjects, EVER, dtype=np.int32)
    np.minimum.at(first, rows.subject[listed], rows.true_from[listed])
    attested = np.array([day_number(part.batch.attested_on) for part in parts], dtype=np.int32)
    closed = np.append(attested[1:], EVER)
    kept = listed | (rows.true_from < first[rows.subject])
    rows.true_to = np.minimum(rows.true_to, closed[of_newest])
    rows.attested = attested[of_newest]
    return rows if kept.all() else rows.take(kept)


def spoken_of(rows: Rows, on_date: dt.date, subjects: int) -> Mask:
    """By number: of whom has the view said anything from on or before the day?"""
    named = np.zeros(subjects, dtype=np.bool_)
    named[rows.subject[rows.true_from <= day_number(on_date)]] = True
    return named


def mentioned(
    partitions: Partitions, parts: Sequence[Part], wanted: Chosen | None, on_date: dt.date, subjects: int
) -> Mask:
    """As :func:`spoken_of`, without reading what was said: whom a list no longer names was spoken of all the same."""
    named = np.zeros(subjects, dtype=np.bool_)
    few, span = (None, None) if wanted is None else (wanted.few, wanted.span)
    for part in parts:
        if part.new:
            rows = partitions.read(part.stem, ROWS, [SUBJECT, TRUE_FROM], few, span)
            begun = rows.get_column(TRUE_FROM).to_physical().to_numpy() <= day_number(on_date)
            named[rows.get_column(SUBJECT).to_numpy()[begun]] = True
    return named if wanted is None else named & wanted.mask


def holding(rows: Rows, on_date: dt.date, subjects: int) -> Rows:
    """The row that holds for each subject on the day, by number."""
    day = day_number(on_date)
    begun = rows.true_from <= day
    if not begun.all():
        rows = rows.take(begun)
    rows = _without_withdrawn(rows, subjects)
    latest = np.full(subjects, BEFORE_ALL, dtype=np.int32)
    np.maximum.at(latest, rows.subject, rows.true_from)
    speaking = np.flatnonzero(rows.true_from == latest[rows.subject])
    place = np.full(subjects, -1, dtype=np.int64)
    place[rows.subject[speaking]] = speaking  # where a subject stands twice, the last one stays
    found = place[place >= 0]
    return rows.take(found[rows.true_to[found] > day])


def _without_withdrawn(rows: Rows, subjects: int) -> Rows:
    """Without statements whose last word is that they were never made."""
    taken_back = rows.status == _WITHDRAWN
    if not taken_back.any():
        return rows
    touched = np.zeros(subjects, dtype=np.bool_)
    touched[rows.subject[taken_back]] = True
    concerned = np.flatnonzero(touched[rows.subject])
    subject, true_from = rows.subject[concerned], rows.true_from[concerned]
    order = np.lexsort((concerned, true_from, subject))
    end_of_run = np.ones(len(order), dtype=np.bool_)
    end_of_run[:-1] = (np.diff(subject[order]) != 0) | (np.diff(true_from[order]) != 0)
    speaking = concerned[order[end_of_run]]
    kept = ~touched[rows.subject]
    kept[speaking[rows.status[speaking] != _WITHDRAWN]] = True
    return rows.take(kept)
