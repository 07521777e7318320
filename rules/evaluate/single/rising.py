"""Figures that time makes rise or fall: until when a comparison with one is good (see `rules.horizon`)."""

from __future__ import annotations

from typing import cast

from rules import calendar, horizon, plan
from rules.evaluate.single.evaluation import Case, Evaluation
from rules.plan import NEVER


def reaches(node: plan.Quantity, case: Case, target: int, within: Evaluation) -> int:
    """The first later day on which a rising figure is at least `target`."""
    if horizon.is_clock(node):
        return horizon.first_day(node, within.today, target)
    assert isinstance(node, plan.Elapsed)
    start = cast(int, within.measure(node.start, case).interval[0])
    return horizon.first_day(node.end, within.today, calendar.anniversary(node.unit, start, target))


def falls_to(node: plan.Quantity, case: Case, target: int, within: Evaluation) -> int:
    """The first later day on which a falling figure is at most `target`."""
    assert isinstance(node, plan.Elapsed)
    end = cast(int, within.measure(node.end, case).interval[0])
    return horizon.first_day(node.start, within.today, horizon.first_start(node.unit, end, target))


def base_until(node: plan.Quantity, case: Case, within: Evaluation) -> int:
    """Until when what a rising or falling figure is measured from, or to, is good."""
    if not isinstance(node, plan.Elapsed):
        return NEVER
    return within.measure(node.end if horizon.is_falling(node) else node.start, case).until
