"""Comparisons of figures in whole columns, and the days on which time turns them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from rules import horizon, plan
from rules.evaluate.columns import clocks
from rules.evaluate.columns.days import earliest, is_never, where_days
from rules.evaluate.columns.evaluation import Evaluation
from rules.evaluate.columns.results import Judged, Measured
from rules.evaluate.columns.rows import Rows
from rules.evaluate.columns.truths import as_mask, both, compared, truth_column
from rules.evaluate.columns.vectors import Bound, Days, Mask, Span, Truth, boundless, open_mask
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
    if _moves_against(node.left, node.right):
        moving, own, still = node.left, left, right
    elif _moves_against(node.right, node.left):
        moving, own, still = node.right, right, left
    else:
        return earliest(left.until, right.until)
    base: Days = NEVER
    if isinstance(moving, plan.Elapsed):
        base = within.measure(moving.end if _falls(moving) else moving.start, rows).until
    base = earliest(base, still.until)
    exact = earliest(_flip(node, moving, own.span.low, still.span.low, truth, rows, within), base)
    if own.span.exact and still.span.exact:
        return exact
    closed = ~(open_mask(own.span, rows.n) | open_mask(still.span, rows.n))
    # Whatever the clock shows, it may be compared with nothing that is known.
    otherwise = where_days(boundless(still.span, rows.n), base, earliest(left.until, right.until))
    return where_days(closed, exact, otherwise)


def _flip(
    node: plan.Compare, moving: plan.Quantity, value: Bound, limit: Bound, truth: Truth, rows: Rows, within: Evaluation
) -> Days:
    """The days on which time turns a comparison with what stands still: `<` turns once, `=` is passed through."""
    n, falls, on_the_left = rows.n, _falls(moving), moving is node.left
    beyond = None if limit is None else limit - 1 if falls else limit + 1
    if node.operator == "=":
        smaller, larger = (
            as_mask(compared("<", value, limit, n), n, True),
            as_mask(compared("<", limit, value, n), n, True),
        )
        before, passed = (larger, smaller) if falls else (smaller, larger)
        flips: Mask = ~passed
        reached = where_days(before, _reached(moving, limit, rows, within), _reached(moving, beyond, rows, within))
    else:
        # `x < limit` ends where x rises to the limit, and begins where x falls beyond it; on the right, the other way.
        at_limit = (node.operator == "<") == (on_the_left != falls)
        flips = as_mask(truth, n, wanted=on_the_left != falls)
        reached = _reached(moving, limit if at_limit else beyond, rows, within)
    return where_days(flips, reached, NEVER)


def _moves_against(node: plan.Quantity, other: plan.Quantity) -> bool:
    """Does time only raise, or only lower, this side of a comparison, and leave the other where it is?"""
    return (horizon.is_rising(node) or horizon.is_falling(node)) and not horizon.has_clock(other)


def _falls(node: plan.Quantity) -> bool:
    return horizon.is_falling(node) and not horizon.is_rising(node)


def _reached(node: plan.Quantity, target: Bound, rows: Rows, within: Evaluation) -> Days:
    if _falls(node):
        assert isinstance(node, plan.Elapsed)
        return clocks.first_fallen(node, within.today, within.measure(node.end, rows).span.low, target, rows.n)
    start = within.measure(node.start, rows).span.low if isinstance(node, plan.Elapsed) else None
    return clocks.first_reached(node, within.today, start, target, rows.n)


COMPARISONS: Mapping[type[plan.Node], Callable[[Any, Rows, Evaluation], Judged]] = {plan.Compare: _compare}
