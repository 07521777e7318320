"""next_change: when can an answer change by itself?

Time enters a rule through the day of the question. A **clock** is a date that depends on that day only
(`on_date`, `end_of_month(on_date)`, …): it never goes back. Time measured from a fixed date to a clock only rises, time
left from a clock to a fixed date only falls. So for a comparison with something that stands still, the one day on which
it flips can be computed, and the answer is good until then; for everything else the answer is good until the first of
its parts changes.

Every evaluator combines the days in the same way:

* a conjunction that is false stays false as long as one of its false parts does (the latest of their days); any other
  answer is good until the first of its parts changes (the earliest day); a disjunction is the mirror image;
* a figure is good until the first of the figures it is made of changes.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rules import calendar, plan
from rules.plan import DAY_HIGH, DAY_LOW, NEVER


def is_clock(node: plan.Node) -> bool:
    """Is this a date that depends on nothing but the day of the question?"""
    if isinstance(node, plan.Today):
        return True
    if isinstance(node, plan.Anchor):
        return is_clock(node.day)
    if isinstance(node, plan.Shift):
        return isinstance(node.count, plan.Const) and is_clock(node.day)
    return False


@lru_cache(maxsize=100_000)
def is_rising(node: plan.Node) -> bool:
    """Is this a clock, or time measured to a clock from a date that no clock moves?"""
    if is_clock(node):
        return True
    return isinstance(node, plan.Elapsed) and is_clock(node.end) and not has_clock(node.start)


@lru_cache(maxsize=100_000)
def is_falling(node: plan.Node) -> bool:
    """Is this the time that is left from a clock to a date that no clock moves?"""
    return isinstance(node, plan.Elapsed) and is_clock(node.start) and not has_clock(node.end)


@lru_cache(maxsize=100_000)
def has_clock(node: plan.Node) -> bool:
    """Does the day of the question enter anywhere in this node?"""
    if isinstance(node, plan.Today | plan.MonthsIn | plan.EligibleFor | plan.AmountOf):
        return True
    return any(has_clock(child) for child in node.children())


def clock_on(node: plan.Node, day: int) -> int:
    """The clock's date on a day (both day numbers)."""
    if isinstance(node, plan.Today):
        return day
    if isinstance(node, plan.Anchor):
        return calendar.anchor(node.kind, clock_on(node.day, day), node.month, node.day_in_month)
    assert isinstance(node, plan.Shift)
    assert isinstance(node.count, plan.Const)
    return calendar.shift(node.unit, clock_on(node.day, day), node.count.value)


@lru_cache(maxsize=48)
def clock_table(node: plan.Node, today: int) -> calendar.Days:
    """The clock's date on every day from `today` to the last day there is."""
    days = np.arange(today, DAY_HIGH + 1, dtype=np.int64)
    if isinstance(node, plan.Today):
        return days
    if isinstance(node, plan.Anchor):
        return calendar.anchor_columns(node.kind, clock_table(node.day, today), node.month, node.day_in_month)
    assert isinstance(node, plan.Shift)
    assert isinstance(node.count, plan.Const)
    return calendar.shift_columns(node.unit, clock_table(node.day, today), node.count.value)


def first_day(node: plan.Node, today: int, target: int) -> int:
    """The first day from tomorrow on which the clock stands at `target` or later; NEVER where it will not."""
    if isinstance(node, plan.Today):
        return max(target, today + 1) if target < DAY_HIGH else NEVER
    table = clock_table(node, today)
    offset = max(1, int(np.searchsorted(table, target)))
    return today + offset if offset < len(table) else NEVER


def first_days(node: plan.Node, today: int, targets: calendar.Days) -> calendar.Days:
    """:func:`first_day` for a column of targets."""
    if isinstance(node, plan.Today):
        return np.where(targets < DAY_HIGH, np.maximum(targets, today + 1), NEVER)
    table = clock_table(node, today)
    offsets = np.maximum(1, np.searchsorted(table, targets))
    return np.where(offsets < len(table), today + offsets, NEVER)


def first_start(unit: str, end: int, target: int) -> int:
    """The first start from which no more than `target` is left to `end`."""
    return calendar.clip(calendar.shift(unit, end, -(target + 1)) + 1)


def first_starts(unit: str, end: calendar.Days, target: calendar.Days | int) -> calendar.Days:
    """:func:`first_start` for columns."""
    return np.clip(calendar.shift_columns(unit, end, -(np.asarray(target) + 1)) + 1, DAY_LOW, DAY_HIGH)
