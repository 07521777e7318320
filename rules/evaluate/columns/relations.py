"""Relations in whole columns: what holds for the persons of a group, and what a group lends to its persons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl

from rules import plan
from rules.evaluate.columns import figures, vectors
from rules.evaluate.columns.days import earliest, is_never, where_days
from rules.evaluate.columns.evaluation import Evaluation
from rules.evaluate.columns.positions import Index
from rules.evaluate.columns.results import Judged, Measured, spread_days, spread_span, spread_truth, take
from rules.evaluate.columns.rows import Related, Rows
from rules.evaluate.columns.truths import as_mask, unknown_mask
from rules.evaluate.columns.vectors import Bound, Days, Mask, Span
from rules.plan import NEVER


def _exists(node: plan.Exists, rows: Rows, within: Evaluation) -> Judged:
    bound = rows.bound(node.relation)
    judged = within.judge(node.where, bound.members)
    m = bound.members.n
    true, unknown = as_mask(judged.truth, m, wanted=True), unknown_mask(judged.truth, m)
    found, maybe = bound.per_owner(true) > 0, bound.per_owner(unknown) > 0
    no = bound.complete & ~maybe & ~found
    truth = pl.Series(found).zip_with(
        pl.Series(found | no), pl.Series([None], dtype=pl.Boolean).new_from_index(0, rows.n)
    )
    if is_never(judged.until):
        return Judged(truth, NEVER)
    until = np.broadcast_to(np.asarray(judged.until, dtype=np.int32), (m,))
    earliest_day = bound.reduce(np.minimum, until, NEVER)
    latest_day = bound.reduce(np.maximum, true * until, 0)
    return Judged(truth, where_days(found, latest_day, earliest_day))


def _count(node: plan.Count, rows: Rows, within: Evaluation) -> Measured:
    bound = rows.bound(node.relation)
    truth, until = within.judge(node.where, bound.members)
    m = bound.members.n
    low = bound.per_owner(as_mask(truth, m, wanted=True))
    high = low + bound.per_owner(unknown_mask(truth, m))
    return Measured(_counted(low, high, bound.complete), _members_until(bound, until))


def _counted(low: Index, high: Index, complete: Mask) -> Span:
    if complete.all() and (low == high).all():
        values = pl.Series(low)
        return Span(values, values)
    ceiling = pl.Series(high).zip_with(
        pl.Series(complete), pl.Series([None], dtype=pl.Int64).new_from_index(0, len(low))
    )
    return Span(pl.Series(low), ceiling)


def _total(node: plan.Total, rows: Rows, within: Evaluation) -> Measured:
    bound = rows.bound(node.relation)
    members = bound.members
    where = within.judge(node.where, members)
    of = within.measure(node.of, members)
    m = members.n
    false, true = as_mask(where.truth, m, wanted=False), as_mask(where.truth, m, wanted=True)
    until = where_days(false, where.until, earliest(where.until, of.until))
    low, high = of.span.low, of.span.high
    maybe = ~(false | true)
    if maybe.any():
        zero_low = figures.extreme(low, 0, m, smaller=True, null_wins=True)
        zero_high = figures.extreme(high, 0, m, smaller=False, null_wins=True)
        low, high = figures.choose(maybe, zero_low, low, m), figures.choose(maybe, zero_high, high, m)
    low, high = figures.choose(false, 0, low, m), figures.choose(false, 0, high, m)
    floor = 0 if node.of.low >= 0 else None
    lows = _summed(bound, low, m, floor)
    highs = _summed(bound, high, m, None)
    return Measured(figures.settled(Span(lows, highs), node), _members_until(bound, until))


def _summed(bound: Related, part: Bound, m: int, incomplete: int | None) -> Bound:
    """The members' bounds summed per owner; where the relation is not complete, from `incomplete` (or no bound)."""
    values = vectors.column(part, m, wide=isinstance(part, pl.Series) and part.dtype == pl.Int128)
    lacking = bound.per_owner(values.is_null().to_numpy()) > 0 if values.null_count() else None
    numbers = values.fill_null(0)
    if numbers.dtype == pl.Int128:
        whole = np.array(numbers.to_list(), dtype=object)
        sums = pl.Series(bound.reduce(np.add, whole, 0).tolist(), dtype=pl.Int128)
    else:
        sums = pl.Series(bound.reduce(np.add, numbers.to_numpy(), 0))
    if incomplete is None:
        lacking = ~bound.complete if lacking is None else lacking | ~bound.complete
    if lacking is not None and lacking.any():
        sums = sums.zip_with(pl.Series(~lacking), pl.Series([None], dtype=sums.dtype).new_from_index(0, len(sums)))
    return sums


def _members_until(bound: Related, until: Days) -> Days:
    if is_never(until):
        return NEVER
    spread_days = np.broadcast_to(np.asarray(until, dtype=np.int32), (bound.members.n,))
    result: Days = bound.reduce(np.minimum, spread_days, NEVER)
    return result


def _via_condition(node: plan.ViaCondition, rows: Rows, within: Evaluation) -> Judged:
    groups, positions = rows.group(node.group)
    judged = within.judge(node.operand, groups)
    return Judged(spread_truth(judged.truth, positions), spread_days(judged.until, positions))


def _via_quantity(node: plan.ViaQuantity, rows: Rows, within: Evaluation) -> Measured:
    groups, positions = rows.group(node.group)
    measured = within.measure(node.operand, groups)
    return Measured(spread_span(measured.span, positions), spread_days(measured.until, positions))


def _outer_condition(node: plan.OuterCondition, rows: Rows, within: Evaluation) -> Judged:
    outer, owner = rows.outside()
    return take(within.judge(node.operand, outer), owner)


def _outer_quantity(node: plan.OuterQuantity, rows: Rows, within: Evaluation) -> Measured:
    outer, owner = rows.outside()
    return take(within.measure(node.operand, outer), owner)


RELATED_CONDITIONS: Mapping[type[plan.Node], Callable[[Any, Rows, Evaluation], Judged]] = {
    plan.Exists: _exists,
    plan.ViaCondition: _via_condition,
    plan.OuterCondition: _outer_condition,
}

RELATED_QUANTITIES: Mapping[type[plan.Node], Callable[[Any, Rows, Evaluation], Measured]] = {
    plan.Count: _count,
    plan.Total: _total,
    plan.ViaQuantity: _via_quantity,
    plan.OuterQuantity: _outer_quantity,
}
