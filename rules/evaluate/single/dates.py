"""Dates for one subject: time elapsed, dates moved, and until when what the clock says is good."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from features.facts.units import month_number, month_start
from rules import calendar, horizon, plan
from rules.evaluate.intervals import ANYTHING, Interval, is_point
from rules.evaluate.single import rising
from rules.evaluate.single.evaluation import Case, Evaluation, Measure, of_all

MONTHS = 12


def _elapsed(node: plan.Elapsed, case: Case, within: Evaluation) -> Measure:
    start, end = within.measure(node.start, case), within.measure(node.end, case)
    (s_low, s_high), (e_low, e_high) = start.interval, end.interval
    interval: Interval = (
        None if s_high is None or e_low is None else calendar.elapsed(node.unit, s_high, e_low),
        None if s_low is None or e_high is None else calendar.elapsed(node.unit, s_low, e_high),
    )
    until = min(start.until, end.until)
    if horizon.is_rising(node):
        if is_point(start.interval):
            assert interval[0] is not None
            until = min(start.until, rising.reaches(node, case, interval[0] + 1, within))
        elif start.interval == ANYTHING:
            until = start.until
    elif horizon.is_falling(node):
        if is_point(end.interval):
            assert interval[0] is not None
            until = min(end.until, rising.falls_to(node, case, interval[0] - 1, within))
        elif end.interval == ANYTHING:
            until = end.until
    needs = (0 if is_point(start.interval) else start.needs) | (0 if is_point(end.interval) else end.needs)
    return Measure(interval, until, needs)


def _shift(node: plan.Shift, case: Case, within: Evaluation) -> Measure:
    return _moved(node, (node.day, node.count), case, lambda day, n: calendar.shift(node.unit, day, n), within)


def _anchor(node: plan.Anchor, case: Case, within: Evaluation) -> Measure:
    return _moved(
        node, (node.day,), case, lambda day: calendar.anchor(node.kind, day, node.month, node.day_in_month), within
    )


def _moved(
    node: plan.Quantity, operands: tuple[plan.Quantity, ...], case: Case, move: Callable[..., int], within: Evaluation
) -> Measure:
    """A date moved by a function that never goes back in any operand."""

    def ends(*parts: Interval) -> Interval:
        lows = [p[0] for p in parts]
        highs = [p[1] for p in parts]
        return None if None in lows else move(*lows), None if None in highs else move(*highs)

    measure = of_all(operands, case, ends, within)
    if horizon.is_clock(node):
        assert measure.interval[0] is not None
        return measure._replace(until=horizon.first_day(node, within.today, measure.interval[0] + 1))
    return measure


def _part(node: plan.Part, case: Case, within: Evaluation) -> Measure:
    day = within.measure(node.day, case)
    if not is_point(day.interval):
        return Measure(_open_part(node.kind, day.interval), day.until, day.needs)
    number = cast(int, day.interval[0])
    value = calendar.part(node.kind, number)
    until = day.until
    if horizon.is_clock(node.day):
        until = horizon.first_day(node.day, within.today, calendar.next_part_change(node.kind, number))
    return Measure((value, value), until, 0)


def _open_part(kind: str, days: Interval) -> Interval:
    """What a part of an unknown date may be: any month, and the years between the bounds of the date."""
    if kind == "month_of":
        return 1, MONTHS
    low, high = (None if day is None else calendar.part(kind, day) for day in days)
    return low, high


def _months_in(node: plan.MonthsIn, case: Case, within: Evaluation) -> Measure:
    value, until = within.holding(case.subject, node.fact.id)
    if value is None:
        return Measure((0, node.window), until, within.bit(node.fact.id))
    months = cast("frozenset[int]", value)
    now = month_number(within.on_date)
    inside = [m for m in months if now - node.window <= m < now]
    changes = [plan.day_number(month_start(min(inside) + node.window + 1))] if inside else []
    later = [m for m in months if m >= now]
    changes += [plan.day_number(month_start(min(later) + 1))] if later else []
    return Measure((len(inside), len(inside)), min([until, *changes]), 0)


DATES: Mapping[type[plan.Node], Callable[[Any, Case, Evaluation], Measure]] = {
    plan.Today: lambda _node, _case, within: Measure((within.today, within.today), within.today + 1, 0),
    plan.Elapsed: _elapsed,
    plan.Shift: _shift,
    plan.Anchor: _anchor,
    plan.Part: _part,
    plan.MonthsIn: _months_in,
}
