"""Comparisons of figures in whole columns, and the days on which time turns them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from rules import horizon, plan
from rules.evaluate.columns import clocks, figures
from rules.evaluate.columns.days import earliest, is_never, where_days
from rules.evaluate.columns.evaluation import Evaluation
from rules.evaluate.columns.results import Judged, Measured
from rules.evaluate.columns.rows import Rows
from rules.evaluate.columns.truths import as_mask, both, compared, truth_column
from rules.evaluate.columns.vectors import Bound, Days, Mask, Span, Truth, open_mask
from rules.plan import NEVER


def _compare(node: plan.Compare, rows: Rows, within: Evaluation) -> Judged:
    left, right = within.measure(node.left, rows), within.measure(node.right, rows)
    truth = _compared_spans(node, left.span, right.span, rows.n)
    return Judged(truth, _compare_until(node, left, right, truth, rows, within))


def _compared_spans(node: plan.Compare, a: Span, b: Span, n: int) -> Truth:
    operator = node.operator
    a, b = _plain_against(node.left, a, b, operator), _plain_against(node.right, b, a, operator)
    if a.single and b.single:
        return compared(operator, a.low, b.low, n)
    if operator == "=":
        possible = both(compared("<=", a.low, b.high, n), compared("<=", b.low, a.high, n))
        sure = both(
            compared("=", a.low, a.high, n), both(compared("=", b.low, b.high, n), compared("=", a.low, b.low, n))
        )
    else:
        possible = compared(operator, a.low, b.high, n)
        sure = compared(operator, a.high, b.low, n)
    impossible = truth_column(possible, n).fill_null(value=True)
    certain = truth_column(sure, n).fill_null(value=False)
    unknown = pl.Series([None], dtype=pl.Boolean).new_from_index(0, n)
    return certain.zip_with(certain | ~impossible, unknown)


def _plain_against(node: plan.Quantity, span: Span, other: Span, operator: str) -> Span:
    """A fact's raw column instead of its bounds, where the bounds cannot decide against the other side's number."""
    if span.single or not isinstance(node, plan.QuantityFact) or not isinstance(other.low, int) or not other.single:
        return span
    number = other.low
    low_decides = node.floor is not None and number <= node.floor
    high_decides = node.ceiling is not None and number >= node.ceiling
    if low_decides or high_decides:
        return span
    if node.ceiling is None and isinstance(span.high, pl.Series):
        return Span(span.high, span.high)
    if node.floor is None and isinstance(span.low, pl.Series):
        return Span(span.low, span.low)
    return span


def _compare_until(
    node: plan.Compare, left: Measured, right: Measured, truth: Truth, rows: Rows, within: Evaluation
) -> Days:
    if is_never(left.until) and is_never(right.until):
        return NEVER
    rising_left = horizon.is_rising(node.left) and not horizon.has_clock(node.right)
    rising_right = not rising_left and horizon.is_rising(node.right) and not horizon.has_clock(node.left)
    plainly = earliest(left.until, right.until)
    if not (rising_left or rising_right):
        return plainly
    rising, still = (node.left, right) if rising_left else (node.right, left)
    own = left if rising_left else right
    n, target = rows.n, still.span.low
    later = figures.plus_one(target)
    if node.operator == "=":
        below = as_mask(compared("<", own.span.low, target, n), n, wanted=True)
        passed = as_mask(compared("<", target, own.span.low, n), n, wanted=True)
        reached = where_days(below, _reaches(rising, target, rows, within), _reaches(rising, later, rows, within))
        flips: Mask = ~passed
    elif rising_left:
        reached = _reaches(rising, target if node.operator == "<" else later, rows, within)
        flips = as_mask(truth, n, wanted=True)
    else:
        reached = _reaches(rising, later if node.operator == "<" else target, rows, within)
        flips = as_mask(truth, n, wanted=False)
    base = within.measure(rising.start, rows).until if isinstance(rising, plan.Elapsed) else NEVER
    exact = earliest(where_days(flips, reached, NEVER), still.until, base)
    if own.span.exact and still.span.exact:
        return exact
    closed = ~(open_mask(own.span, n) | open_mask(still.span, n))
    return where_days(closed, exact, plainly)


def _reaches(node: plan.Quantity, target: Bound, rows: Rows, within: Evaluation) -> Days:
    start = within.measure(node.start, rows).span.low if isinstance(node, plan.Elapsed) else None
    return clocks.first_reached(node, within.today, start, target, rows.n)


COMPARISONS: Mapping[type[plan.Node], Callable[[Any, Rows, Evaluation], Judged]] = {plan.Compare: _compare}
