"""Figures in whole columns: facts, arithmetic and choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from rules import plan
from rules.evaluate.columns import figures, vectors
from rules.evaluate.columns.days import earliest, where_days
from rules.evaluate.columns.evaluation import Evaluation
from rules.evaluate.columns.results import NOTHING, Measured
from rules.evaluate.columns.rows import Rows
from rules.evaluate.columns.truths import as_mask
from rules.evaluate.columns.vectors import Span
from rules.plan import NEVER


def _quantity_fact(node: plan.QuantityFact, rows: Rows, within: Evaluation) -> Measured:
    values, until = within.fact(node.fact.id, rows)
    if values is None:
        return Measured(
            Span(node.floor, node.ceiling) if (node.floor, node.ceiling) != (None, None) else NOTHING, until
        )
    numbers = values.cast(pl.Int32).cast(pl.Int64) if values.dtype == pl.Date else values
    if not numbers.null_count() or (node.floor is None and node.ceiling is None):
        return Measured(Span(numbers, numbers), until)
    low = numbers if node.floor is None else numbers.fill_null(node.floor)
    high = numbers if node.ceiling is None else numbers.fill_null(node.ceiling)
    return Measured(Span(low, high), until)


def _add(node: plan.Add, rows: Rows, within: Evaluation) -> Measured:
    a, b = within.measure(node.left, rows), within.measure(node.right, rows)
    wide = vectors.is_wide(node.low, node.high)
    low = figures.add(a.span.low, b.span.low, rows.n, wide=wide)
    if a.span.single and b.span.single:
        return Measured(Span(low, low), earliest(a.until, b.until))
    high = figures.add(a.span.high, b.span.high, rows.n, wide=wide)
    return Measured(Span(low, high), earliest(a.until, b.until))


def _negate(node: plan.Negate, rows: Rows, within: Evaluation) -> Measured:
    span, until = within.measure(node.operand, rows)
    low = figures.negate(span.high)
    return Measured(Span(low, low) if span.single else Span(low, figures.negate(span.low)), until)


def _rescale(node: plan.Rescale, rows: Rows, within: Evaluation) -> Measured:
    span, until = within.measure(node.operand, rows)
    wide, factor = vectors.is_wide(node.low, node.high), 10**node.shift
    low = figures.scale(span.low, factor, wide=wide)
    return Measured(Span(low, low) if span.single else Span(low, figures.scale(span.high, factor, wide=wide)), until)


def _multiply(node: plan.Multiply, rows: Rows, within: Evaluation) -> Measured:
    a, b = within.measure(node.left, rows), within.measure(node.right, rows)
    wide = vectors.is_wide(node.low, node.high, node.left.low * node.right.high, node.left.high * node.right.high)
    span = figures.multiply(a.span, b.span, rows.n, wide=wide)
    return Measured(figures.settled(span, node), earliest(a.until, b.until))


def _divide(node: plan.Divide, rows: Rows, within: Evaluation) -> Measured:
    a, b = within.measure(node.left, rows), within.measure(node.right, rows)
    factor = 2 * 10**node.shift
    wide = vectors.is_wide(node.left.low * factor, node.left.high * factor + node.right.high, 4 * node.right.high)
    span = figures.divide(a.span, b.span, rows.n, node.shift, node.right.low, wide=wide)
    return Measured(figures.settled(span, node), earliest(a.until, b.until))


def _round_to(node: plan.RoundTo, rows: Rows, within: Evaluation) -> Measured:
    span, until = within.measure(node.operand, rows)
    wide = vectors.is_wide(2 * node.operand.low - 2 * node.step, 2 * node.operand.high + 2 * node.step)
    low = figures.settle(figures.round_units(span.low, node.step, node.mode, node.drop, wide=wide), node)
    if span.single:
        return Measured(Span(low, low), until)
    high = figures.settle(figures.round_units(span.high, node.step, node.mode, node.drop, wide=wide), node)
    return Measured(Span(low, high), until)


def _extreme(node: plan.Least | plan.Greatest, rows: Rows, within: Evaluation, *, smaller: bool) -> Measured:
    measured = [within.measure(operand, rows) for operand in node.operands]
    low, high = measured[0].span.low, measured[0].span.high
    exact = all(m.span.exact for m in measured)
    for m in measured[1:]:
        low = figures.extreme(low, m.span.low, rows.n, smaller=smaller, null_wins=smaller)
        if not exact:
            high = figures.extreme(high, m.span.high, rows.n, smaller=smaller, null_wins=not smaller)
    span = Span(low, low) if exact else Span(low, high)
    return Measured(span, earliest(*(m.until for m in measured)))


def _choose(node: plan.Choose, rows: Rows, within: Evaluation) -> Measured:
    condition = within.judge(node.condition, rows)
    then, otherwise = within.measure(node.then, rows), within.measure(node.otherwise, rows)
    n = rows.n
    yes, no = as_mask(condition.truth, n, wanted=True), as_mask(condition.truth, n, wanted=False)
    until = where_days(yes, then.until, where_days(no, otherwise.until, earliest(then.until, otherwise.until)))
    until = earliest(condition.until, until)
    a, b = then.span, otherwise.span
    if (yes | no).all() and a.single and b.single:
        chosen = figures.choose(yes, a.low, b.low, n)
        return Measured(Span(chosen, chosen), until)
    lowest = figures.extreme(a.low, b.low, n, smaller=True, null_wins=True)
    highest = figures.extreme(a.high, b.high, n, smaller=False, null_wins=True)
    low = figures.choose(yes, a.low, figures.choose(no, b.low, lowest, n), n)
    high = figures.choose(yes, a.high, figures.choose(no, b.high, highest, n), n)
    return Measured(Span(low, high), until)


def _amount_of(node: plan.AmountOf, rows: Rows, within: Evaluation) -> Measured:
    answer = within.answers.answer(node.benefit, rows)
    return Measured(answer.span, answer.until)


QUANTITIES: Mapping[type[plan.Node], Callable[[Any, Rows, Evaluation], Measured]] = {
    plan.Const: lambda node, _rows, _within: Measured(Span(node.value, node.value), NEVER),
    plan.QuantityFact: _quantity_fact,
    plan.Add: _add,
    plan.Negate: _negate,
    plan.Rescale: _rescale,
    plan.Multiply: _multiply,
    plan.Divide: _divide,
    plan.RoundTo: _round_to,
    plan.Least: lambda node, rows, within: _extreme(node, rows, within, smaller=True),
    plan.Greatest: lambda node, rows, within: _extreme(node, rows, within, smaller=False),
    plan.Choose: _choose,
    plan.AmountOf: _amount_of,
}
