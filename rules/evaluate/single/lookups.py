"""Parameters for one subject: the values that the law gives for what is known of its keys."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

from rules import horizon, places, plan, tables
from rules.evaluate.intervals import ANYTHING, Interval, is_point
from rules.evaluate.single import rising
from rules.evaluate.single.evaluation import Case, Evaluation, Measure
from rules.parameters import Parameter, Period
from rules.plan import NEVER


def _lookup(node: plan.Lookup, case: Case, within: Evaluation) -> Measure:
    parameter = node.parameter
    day = _day_read(node, case, within)
    until = day.until
    if not is_point(day.interval):
        return Measure(ANYTHING, until, day.needs)
    period = parameter.on(plan.day_of(cast(int, day.interval[0])))
    lacking = within.bit(f"${parameter.id}")
    if period is None:
        return Measure(ANYTHING, until, lacking)
    wanted: list[Callable[[Any], bool]] = []
    needs = 0
    keys = iter(node.keys)
    unknown: set[int] = set()
    for axis, dimension in enumerate(parameter.dimensions):
        if dimension == "area":
            area = within.read(cast(plan.Code, node.area), case)
            until = min(until, area.until)
            if area.code is None:
                return Measure(ANYTHING, until, area.needs)
            areas = within.rulebook.vocabulary.areas
            until = min(until, places.until(area.code, areas, within.on_date))
            if places.is_open(area.code, parameter, areas, within.on_date):
                return Measure(ANYTHING, until, within.bit(plan.fact_of_code(cast(plan.Code, node.area)).id))
            nearest = places.nearest(area.code, period, parameter, areas, within.on_date)
            if nearest is None:
                return Measure(ANYTHING, until, lacking)
            wanted.append(partial(operator.eq, nearest))
            continue
        test, key_until, key_needs = _key(next(keys), dimension, period, parameter, case, within)
        wanted.append(test)
        if key_needs:
            unknown.add(axis)
        until, needs = min(until, key_until), needs | key_needs
    fitting = {
        key: int(value)
        for key, value in period.table.items()
        if all(test(part) for test, part in zip(wanted, key, strict=True))
    }
    if needs:
        if not tables.is_complete(fitting, parameter, node.keys, unknown):
            return Measure(ANYTHING, until, needs)
    elif not fitting:
        return Measure(ANYTHING, until, lacking)
    interval = (min(fitting.values()), max(fitting.values()))
    return Measure(interval, until, 0 if is_point(interval) else needs)


def _day_read(node: plan.Lookup, case: Case, within: Evaluation) -> Measure:
    """The day whose values are read, and until when they are those read."""
    if node.at is not None:
        return within.measure(node.at, case)
    change = node.parameter.next_change(within.on_date)
    return Measure((within.today, within.today), plan.day_number(change) if change else NEVER, 0)


def _key(
    node: plan.Node, dimension: str, period: Period, parameter: Parameter, case: Case, within: Evaluation
) -> tuple[Callable[[Any], bool], int, int]:
    """A test for the keys of one dimension, until when it is good, and the facts it rests on."""
    if isinstance(node, plan.Code):
        reading = within.read(node, case)
        code = reading.code
        return (lambda key: code is None or key == code), reading.until, reading.needs
    assert isinstance(node, plan.Quantity)
    measure = within.measure(node, case)
    if not is_point(measure.interval):
        return (lambda _: True), measure.until, measure.needs
    value = cast(int, measure.interval[0])
    if dimension == "integer":
        return (lambda key: key == value), measure.until, 0
    factor = tables.unit_factor(node)
    until = measure.until
    if horizon.is_rising(node):
        edge = tables.next_edge(value, tables.bands_of(period, parameter, factor))
        reached = NEVER if edge is None else rising.reaches(node, case, edge, within)
        until = min(reached, rising.base_until(node, case, within))
    return (lambda key: tables.in_band(value, tables.whole_band(key, factor))), until, 0


def _marginal(node: plan.Marginal, case: Case, within: Evaluation) -> Measure:
    period = node.parameter.on(within.on_date)
    change = node.parameter.next_change(within.on_date)
    operand = within.measure(node.operand, case)
    until = min(operand.until, plan.day_number(change) if change else NEVER)
    if period is None:
        return Measure(ANYTHING, until, within.bit(f"${node.parameter.id}"))
    factor = tables.unit_factor(node.operand)
    low, high = operand.interval
    interval: Interval = (
        0 if low is None else tables.marginal(low, period, factor),
        None if high is None else tables.marginal(high, period, factor),
    )
    return Measure(interval, until, 0 if is_point(interval) else operand.needs)


LOOKUPS: Mapping[type[plan.Node], Callable[[Any, Case, Evaluation], Measure]] = {
    plan.Lookup: _lookup,
    plan.Marginal: _marginal,
}
