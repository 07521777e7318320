"""What several views say of one fact, for every subject at once: agreed, stale, conflicting, quarantined or not held.

Values that agree are one value. Where a register itself says something newer, from a day after it last attested the
older, the older says nothing against it. A value that is too old says nothing against a fresh one. Then the order of
authority counts, if the dictionary names one; then any disagreement makes the fact unknown. A row that could not be
read may have said anything: it leaves the fact unknown.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from features.facts.dictionary import Authority
from features.facts.values import Gap
from features.history.records import View
from features.history.speaking import EVER, Days, Ints, Mask, date_of, day_number

GAPS = tuple(Gap)
"""Gaps by their code below; a held value has the code -1."""
HELD = -1
NOT_HELD, STALE, CONFLICTING, WITHHELD, QUARANTINED = (
    GAPS.index(gap) for gap in (Gap.NOT_HELD, Gap.STALE, Gap.CONFLICTING, Gap.WITHHELD, Gap.QUARANTINED)
)
NOBODY = -1

Codes = npt.NDArray[np.int8]


@dataclass(slots=True)
class Said:
    """What one view says of one fact, for subjects in one order.

    `values` is null where nothing is said; `unreadable` where a row could not be read. Days are those of the row;
    `stale` is the day from which it is too old for this fact.
    """

    view: View
    values: pl.Series
    unreadable: Mask
    true_from: Days
    attested: Days
    stale: Days


@dataclass(slots=True)
class Merged:
    """One fact for subjects in one order.

    `values` is null where the fact is not known; a value that is too old stands, with a day in `stale_on` that has come
    (`EVER`: it does not age). `gap` holds codes of `GAPS`, or `HELD`. `source` is the position of the view that is
    named as source, `NOBODY` where there is none.
    """

    values: pl.Series
    gap: Codes
    stale_on: Days
    true_from: Days
    source: npt.NDArray[np.int16]


def stale_days(attested: Days, months: int | None) -> Days:
    """The day from which a value is too old, for the day that it was attested."""
    if months is None:
        return np.full(len(attested), EVER, dtype=np.int32)
    if not len(attested):
        return np.zeros(0, dtype=np.int32)
    # By place, not by sorting: the days of registers lie close together, and there are many rows.
    first = int(attested.min())
    there = np.zeros(int(attested.max()) - first + 1, dtype=np.bool_)
    there[attested - first] = True
    stale = np.zeros(len(there), dtype=np.int32)
    for place in np.flatnonzero(there):
        stale[place] = day_number(add_months(date_of(first + int(place)), months))
    found: Days = stale[attested - first]
    return found


def add_months(day: dt.date, months: int) -> dt.date:
    """The same day so many months later, or the last day of that month."""
    number = day.year * 12 + day.month - 1 + months
    year, month = number // 12, number % 12 + 1
    return dt.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def merge(said: Sequence[Said], on_date: dt.date, authority: Authority | None) -> Merged:
    """Bring together what views say of one fact.

    Args:
        said: at least one view's.
        on_date: the day asked about.
        authority: the order of registers that the dictionary names, if any.
    """
    if len(said) == 1:
        return _single(said[0], on_date)
    merged = _first_of(said, on_date)
    speaking = sum(_speaks(one).astype(np.int8) for one in said)
    several = np.flatnonzero(np.asarray(speaking) > 1)
    if len(several):
        some = [_at(one, several) for one in said]
        _write(merged, several, _settle(some, on_date, authority))
    return merged


def _speaks(said: Said) -> Mask:
    spoken: Mask = said.unreadable | said.values.is_not_null().to_numpy()
    return spoken


def _single(said: Said, on_date: dt.date) -> Merged:
    known = said.values.is_not_null().to_numpy()
    stale = np.where(known, said.stale, EVER)
    gap = np.where(known, HELD, NOT_HELD).astype(np.int8)
    gap[known & (stale <= day_number(on_date))] = STALE
    gap[said.unreadable] = QUARANTINED
    source = np.where(_speaks(said), 0, NOBODY).astype(np.int16)
    return Merged(said.values, gap, stale, said.true_from, source)


def _first_of(said: Sequence[Said], on_date: dt.date) -> Merged:
    """As if the first view that says anything were the only one."""
    merged = _single(said[0], on_date)
    merged.true_from = merged.true_from.copy()
    for position, one in enumerate(said[1:], start=1):
        rest = merged.source == NOBODY
        here = _single(one, on_date)
        taken = rest & (here.source != NOBODY)
        if taken.any():
            here.source = np.where(taken, position, NOBODY).astype(np.int16)
            _write(merged, np.flatnonzero(taken), _of(here, np.flatnonzero(taken)))
    return merged


def _of(merged: Merged, rows: Ints) -> Merged:
    return Merged(
        merged.values.gather(rows), merged.gap[rows], merged.stale_on[rows], merged.true_from[rows], merged.source[rows]
    )


def _at(said: Said, rows: Ints) -> Said:
    return Said(
        said.view,
        said.values.gather(rows),
        said.unreadable[rows],
        said.true_from[rows],
        said.attested[rows],
        said.stale[rows],
    )


def _write(merged: Merged, rows: Ints, settled: Merged) -> None:
    merged.values = _scatter(merged.values, rows, settled.values)
    merged.gap[rows] = settled.gap
    merged.stale_on[rows] = settled.stale_on
    merged.true_from[rows] = settled.true_from
    merged.source[rows] = settled.source


def _scatter(values: pl.Series, rows: Ints, new: pl.Series) -> pl.Series:
    """The values with others in some rows."""
    index = np.arange(len(values))
    index[rows] = len(values) + np.arange(len(rows))
    return pl.concat([values, new]).gather(index)


def _settle(said: Sequence[Said], on_date: dt.date, authority: Authority | None) -> Merged:
    """Where at least two views say something of a subject."""
    n, day = len(said[0].values), day_number(on_date)
    heard = np.array([_speaks(one) for one in said])
    heard &= ~_followed(said, heard)
    stale = np.array([one.stale for one in said])
    fresh = heard & (stale > day)
    heard = np.where(fresh.any(axis=0), fresh, heard)
    if authority is not None:
        heard = _most_authoritative(said, heard, authority)
    unreadable = (heard & np.array([one.unreadable for one in said])).any(axis=0)
    leader = _last_attested(said, heard)
    values = _chosen([one.values for one in said], leader)
    agreed = np.ones(n, dtype=np.bool_)
    for one, hears in zip(said, heard, strict=True):
        agreed &= ~hears | one.values.eq_missing(values).to_numpy()
    known = agreed & ~unreadable
    gap = np.where(known, HELD, CONFLICTING).astype(np.int8)
    gap[unreadable] = QUARANTINED
    stale_on = np.where(heard, stale, -EVER).max(axis=0)
    stale_on = np.where(known, stale_on, EVER).astype(np.int32)
    gap[known & (stale_on <= day)] = STALE
    true_from = np.where(heard, np.array([one.true_from for one in said]), EVER).min(axis=0).astype(np.int32)
    nothing = pl.Series([None], dtype=values.dtype).new_from_index(0, n)
    return Merged(values.zip_with(pl.Series(known), nothing), gap, stale_on, true_from, leader.astype(np.int16))


def _followed(said: Sequence[Said], heard: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Statements that their own register follows with one from a day after it last attested them."""
    followed = np.zeros_like(heard)
    for i, old in enumerate(said):
        for j, new in enumerate(said):
            if i != j and old.view.register == new.view.register:
                until = np.maximum(old.attested, old.true_from)
                followed[i] |= heard[j] & (new.true_from > until)
    return followed


def _most_authoritative(
    said: Sequence[Said], heard: npt.NDArray[np.bool_], authority: Authority
) -> npt.NDArray[np.bool_]:
    """Only what the first register of the order says; registers outside of it come after all of it."""
    last = len(authority.order)
    ranks = [authority.order.index(o.view.register) if o.view.register in authority.order else last for o in said]
    rank = np.where(heard, np.array(ranks)[:, None], last + 1)
    most: npt.NDArray[np.bool_] = heard & (rank == rank.min(axis=0))
    return most


def _last_attested(said: Sequence[Said], heard: npt.NDArray[np.bool_]) -> Ints:
    """Which view is named as the source: of those heard the one that attested last, the first of equals."""
    found: Ints = np.where(heard, np.array([one.attested for one in said]), -EVER).argmax(axis=0)
    return found


def _chosen(columns: Sequence[pl.Series], which: Ints) -> pl.Series:
    """Of each row the value of one column."""
    n = len(which)
    return pl.concat(list(columns)).gather(which * n + np.arange(n))
