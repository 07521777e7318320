"""Area codes that ended: where a record that still bears one belongs on a day.

A record keeps the code it was written with. From the day on which the code ended, its people belong to its successors:
to the one there is (a merge), or to one of several, nobody knows which (a split). What holds of every successor holds;
what holds of some is unknown, and so asks for the record's own, new code. Whatever still names the old code itself
(a version for the old district, its own value of a parameter) goes on to hold for those who bear it.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from features.facts.areas import Areas
from rules import tables
from rules.parameters import Parameter, Period
from rules.plan import NEVER, day_number

Known = tuple[bool | None, int]
"""Is it so (None: unknown), and the number of the first day on which that may change."""


@lru_cache(maxsize=50_000)
def lies_in(code: str, codes: frozenset[str], areas: Areas, on_date: dt.date) -> Known:
    """Does a record that bears `code` lie in one of `codes` on a day?"""
    if code in codes:
        return True, NEVER
    inside = {now in codes for now in areas.now(code, on_date)}
    return (inside.pop() if len(inside) == 1 else None), _until(code, areas, on_date)


@lru_cache(maxsize=50_000)
def nearest(code: str, period: Period, parameter: Parameter, areas: Areas, on_date: dt.date) -> str | None:
    """The area whose value of a parameter holds for a record that bears `code`; None: the table has none."""
    if is_open(code, parameter, areas, on_date):
        return None
    return _nearest(code, period, parameter, areas, on_date).pop()


@lru_cache(maxsize=50_000)
def is_open(code: str, parameter: Parameter, areas: Areas, on_date: dt.date) -> bool:
    """Do the successors of `code` differ in whose value of a parameter holds, in any of its periods?"""
    return any(len(_nearest(code, period, parameter, areas, on_date)) > 1 for period in parameter.periods)


def until(code: str, areas: Areas, on_date: dt.date) -> int:
    """The number of the first day on which a record that bears `code` may belong elsewhere; NEVER if there is none."""
    return _until(code, areas, on_date)


def _nearest(code: str, period: Period, parameter: Parameter, areas: Areas, on_date: dt.date) -> set[str | None]:
    position = parameter.dimensions.index("area")
    if any(key[position] == code for key in period.table):
        return {code}
    return {tables.nearest_area(now, period, parameter, areas) for now in areas.now(code, on_date)}


@lru_cache(maxsize=50_000)
def _until(code: str, areas: Areas, on_date: dt.date) -> int:
    ends = (
        areas.by_code[now].end for now in areas.now(code, on_date) if now in areas and areas.by_code[now].successors
    )
    return min((day_number(end) for end in ends if end is not None), default=NEVER)
