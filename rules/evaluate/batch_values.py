"""The batch evaluator's values: each node of the plan for all rows at once. Must agree with `rules.evaluate.reference`.

A condition gives its truth and until when that is good; a figure its span and until when. Nodes are computed once per
choice of rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np
import polars as pl

from features.facts.encoding import STALE_SUFFIX
from features.facts.units import month_number, month_start
from rules import calendar, horizon, plan
from rules.evaluate import clock_columns, lookups, vectors
from rules.evaluate.rows import Index, Rows
from rules.evaluate.vectors import Bound, Days, Mask, Span, Truth, as_mask, earliest, open_mask
from rules.plan import NEVER
from rules.rulebook import Rulebook


class Judged(NamedTuple):
    """Truth of a condition, and until when it is good."""

    truth: Truth
    until: Days


class Measured(NamedTuple):
    """Span of a figure, and until when it is good."""

    span: Span
    until: Days


class Answered(NamedTuple):
    """One benefit's answer for some rows: truth, amount (zero where ineligible) and until when both are good."""

    truth: Truth
    span: Span
    until: Days


class Answers(Protocol):
    """Where other benefits' answers come from."""

    def answer(self, benefit: str, rows: Rows) -> Answered:
        """The answer for these rows."""


NOTHING = Span(None, None)
_ZERO = Span(0, 0)


def take(value: Any, chosen: Index) -> Any:
    """A computed value for some of its rows."""
    if isinstance(value, pl.Series):
        return value.gather(pl.Series(chosen, dtype=pl.UInt32))
    if isinstance(value, np.ndarray):
        return value[chosen]
    if isinstance(value, Span):
        low = take(value.low, chosen)
        return Span(low, low) if value.single else Span(low, take(value.high, chosen))
    if isinstance(value, Judged):
        return Judged(take(value.truth, chosen), take(value.until, chosen))
    if isinstance(value, Measured):
        return Measured(take(value.span, chosen), take(value.until, chosen))
    return value


def spread(value: Any, positions: Index, otherwise: Any) -> Any:
    """A group's value for each of its persons; `otherwise` where the group is not known (position -1)."""
    unknown = positions < 0
    if not unknown.any():
        return take(value, positions)
    if isinstance(value, Span):
        low = None if value.low is None else spread(value.low, positions, None)
        if value.single:
            return Span(low, low)
        return Span(low, None if value.high is None else spread(value.high, positions, None))
    if isinstance(value, pl.Series):
        return value.gather(pl.Series(positions).replace(-1, None).cast(pl.UInt32))
    if isinstance(value, np.ndarray):
        return np.where(unknown, otherwise, value[np.maximum(positions, 0)])
    if isinstance(value, bool) or value is None:
        return pl.Series([value, None], dtype=pl.Boolean).gather(pl.Series(unknown.astype(np.uint32)))
    if otherwise is None:
        return pl.Series([value, None], dtype=pl.Int64).gather(pl.Series(unknown.astype(np.uint32)))
    return np.where(unknown, otherwise, value).astype(np.int32)


class BatchValues:
    """Evaluates plan nodes for rows on one date."""

    def __init__(self, rulebook: Rulebook, on_date: dt.date, answers: Answers) -> None:
        self.rulebook = rulebook
        self.on_date = on_date
        self.today = plan.day_number(on_date)
        self.answers = answers
        self.lookups = lookups.Lookups(rulebook.vocabulary.areas, on_date)
        self._conditions: dict[type[plan.Node], Callable[[Any, Rows], Judged]] = {
            plan.BoolConst: lambda node, _: Judged(node.value, NEVER),
            plan.BoolFact: self._bool_fact,
            plan.Not: self._not,
            plan.AllOf: lambda node, rows: self._join(node.operands, rows, decisive=False),
            plan.AnyOf: lambda node, rows: self._join(node.operands, rows, decisive=True),
            plan.ChooseCondition: self._choose_condition,
            plan.Compare: self._compare,
            plan.CodeIn: self._code_in,
            plan.Within: self._code_in,
            plan.Exists: self._exists,
            plan.ConditionLookup: self._condition_lookup,
            plan.EligibleFor: self._eligible_for,
            plan.ViaCondition: self._via_condition,
            plan.OuterCondition: lambda node, rows: take(self.judge(node.operand, _outer(rows)), _owner(rows)),
        }
        self._quantities: dict[type[plan.Node], Callable[[Any, Rows], Measured]] = {
            plan.Const: lambda node, _: Measured(_number(node.value), NEVER),
            plan.QuantityFact: self._quantity_fact,
            plan.Today: lambda _node, _rows: Measured(_number(self.today), self.today + 1),
            plan.Add: self._add,
            plan.Negate: self._negate,
            plan.Rescale: self._rescale,
            plan.Multiply: self._multiply,
            plan.Divide: self._divide,
            plan.RoundTo: self._round_to,
            plan.Least: lambda node, rows: self._extreme(node, rows, smaller=True),
            plan.Greatest: lambda node, rows: self._extreme(node, rows, smaller=False),
            plan.Choose: self._choose,
            plan.Lookup: self._lookup,
            plan.Marginal: self._marginal,
            plan.Elapsed: self._elapsed,
            plan.Shift: self._shift,
            plan.Anchor: self._anchor,
            plan.Part: self._part,
            plan.MonthsIn: self._months_in,
            plan.Count: self._count,
            plan.Total: self._total,
            plan.AmountOf: self._amount_of,
            plan.ViaQuantity: self._via_quantity,
            plan.OuterQuantity: lambda node, rows: take(self.measure(node.operand, _outer(rows)), _owner(rows)),
        }

    # -- dispatch -------------------------------------------------------------------------------------------------

    def judge(self, node: plan.Condition, rows: Rows) -> Judged:
        """The truth of a condition in every row."""
        return self._remember("condition", node, rows, self._conditions)  # type: ignore[no-any-return]

    def measure(self, node: plan.Quantity, rows: Rows) -> Measured:
        """The span of a figure in every row."""
        return self._remember("quantity", node, rows, self._quantities)  # type: ignore[no-any-return]

    def _remember(self, kind: str, node: plan.Node, rows: Rows, table: dict[type[plan.Node], Any]) -> Any:
        key = (kind, id(node))
        if key in rows.memo:
            return rows.memo[key]
        inherited = rows.inherited(key)
        value = take(*inherited) if inherited is not None else table[type(node)](node, rows)
        rows.memo[key] = value
        return value

    def fact(self, name: str, rows: Rows) -> tuple[pl.Series | None, Days]:
        """A fact's column (stale values are null; None: no such column), and until when values do not grow stale."""
        values, stale = rows.column(name), rows.column(name + STALE_SUFFIX)
        if values is None or stale is None:
            return values, NEVER
        days = stale.cast(pl.Int32).cast(pl.Int64)
        old = (days <= self.today).fill_null(value=False)
        fresh = values.zip_with(~old, pl.Series([None], dtype=values.dtype).new_from_index(0, len(values)))
        until = vectors.where_days((fresh.is_null() | days.is_null()).to_numpy(), NEVER, vectors.days_of(days))
        return fresh, until

    def code(self, node: plan.Code, rows: Rows) -> tuple[pl.Series | None, Days]:
        """A code's column (an enumeration), null where unknown."""
        if isinstance(node, plan.CodeFact):
            return self.fact(node.fact.id, rows)
        if isinstance(node, plan.OuterCode):
            values, until = self.code(node.operand, _outer(rows))
            return take(values, _owner(rows)), take(until, _owner(rows))
        assert isinstance(node, plan.ViaCode)
        groups, positions = rows.group(node.group)
        values, until = self.code(node.operand, groups)
        spread_values = None if values is None else spread(values, positions, None)
        return spread_values, spread(until, positions, NEVER)

    # -- conditions -----------------------------------------------------------------------------------------------

    def _bool_fact(self, node: plan.BoolFact, rows: Rows) -> Judged:
        return Judged(*self.fact(node.fact.id, rows))

    def _not(self, node: plan.Not, rows: Rows) -> Judged:
        truth, until = self.judge(node.operand, rows)
        return Judged(_negated(truth), until)

    def _join(self, operands: tuple[plan.Condition, ...], rows: Rows, *, decisive: bool) -> Judged:
        judged = [self.judge(operand, rows) for operand in operands]
        truth: Truth = not decisive
        for part in judged:
            truth = _both(truth, part.truth) if decisive is False else _either(truth, part.truth)
        moving = [part for part in judged if not _is_never(part.until)]
        if not moving:
            return Judged(truth, NEVER)
        # Decided rows stay so while one of the parts that decide them does.
        until = earliest(*(part.until for part in moving))
        decided = as_mask(truth, rows.n, decisive)
        if not decided.any():
            return Judged(truth, until)
        latest: Days = 0
        for part in judged:
            if part.truth is not decisive and not isinstance(part.truth, pl.Series):
                continue
            deciding = as_mask(part.truth, rows.n, decisive).astype(np.int32)
            latest = np.maximum(latest, deciding * np.asarray(part.until, dtype=np.int32))
        return Judged(truth, vectors.where_days(decided, latest, until))

    def _choose_condition(self, node: plan.ChooseCondition, rows: Rows) -> Judged:
        condition, then, otherwise = (self.judge(part, rows) for part in (node.condition, node.then, node.otherwise))
        n = rows.n
        yes, no = as_mask(condition.truth, n, wanted=True), as_mask(condition.truth, n, wanted=False)
        left, right = vectors.truth_column(then.truth, n), vectors.truth_column(otherwise.truth, n)
        same = left.zip_with(
            (left == right).fill_null(value=False), pl.Series([None], dtype=pl.Boolean).new_from_index(0, n)
        )
        truth = left.zip_with(pl.Series(yes), right.zip_with(pl.Series(no), same))
        until = vectors.where_days(
            yes, then.until, vectors.where_days(no, otherwise.until, earliest(then.until, otherwise.until))
        )
        return Judged(truth, earliest(condition.until, until))

    def _compare(self, node: plan.Compare, rows: Rows) -> Judged:
        left, right = self.measure(node.left, rows), self.measure(node.right, rows)
        truth = self._compared(node, left.span, right.span, rows.n)
        return Judged(truth, self._compare_until(node, left, right, truth, rows))

    def _compared(self, node: plan.Compare, a: Span, b: Span, n: int) -> Truth:
        operator = node.operator
        a, b = _plain_against(node.left, a, b, operator), _plain_against(node.right, b, a, operator)
        if a.single and b.single:
            return _apply(operator, a.low, b.low, n)
        if operator == "=":
            possible = _both(_apply("<=", a.low, b.high, n), _apply("<=", b.low, a.high, n))
            sure = _both(
                _apply("=", a.low, a.high, n), _both(_apply("=", b.low, b.high, n), _apply("=", a.low, b.low, n))
            )
        else:
            possible = _apply(operator, a.low, b.high, n)
            sure = _apply(operator, a.high, b.low, n)
        impossible = vectors.truth_column(possible, n).fill_null(value=True)
        certain = vectors.truth_column(sure, n).fill_null(value=False)
        unknown = pl.Series([None], dtype=pl.Boolean).new_from_index(0, n)
        return certain.zip_with(certain | ~impossible, unknown)

    def _compare_until(self, node: plan.Compare, left: Measured, right: Measured, truth: Truth, rows: Rows) -> Days:
        if _is_never(left.until) and _is_never(right.until):
            return NEVER
        rising_left = horizon.is_rising(node.left) and not horizon.has_clock(node.right)
        rising_right = not rising_left and horizon.is_rising(node.right) and not horizon.has_clock(node.left)
        plainly = earliest(left.until, right.until)
        if not (rising_left or rising_right):
            return plainly
        rising, still = (node.left, right) if rising_left else (node.right, left)
        own = left if rising_left else right
        n, target = rows.n, still.span.low
        later = _plus_one(target)
        if node.operator == "=":
            below = as_mask(_apply("<", own.span.low, target, n), n, wanted=True)
            passed = as_mask(_apply("<", target, own.span.low, n), n, wanted=True)
            reached = vectors.where_days(below, self._reaches(rising, target, rows), self._reaches(rising, later, rows))
            flips: Mask = ~passed
        elif rising_left:
            reached = self._reaches(rising, target if node.operator == "<" else later, rows)
            flips = as_mask(truth, n, wanted=True)
        else:
            reached = self._reaches(rising, later if node.operator == "<" else target, rows)
            flips = as_mask(truth, n, wanted=False)
        base = self.measure(rising.start, rows).until if isinstance(rising, plan.Elapsed) else NEVER
        exact = earliest(vectors.where_days(flips, reached, NEVER), still.until, base)
        if own.span.exact and still.span.exact:
            return exact
        closed = ~(open_mask(own.span, n) | open_mask(still.span, n))
        return vectors.where_days(closed, exact, plainly)

    def _reaches(self, node: plan.Quantity, target: Bound, rows: Rows) -> Days:
        start = self.measure(node.start, rows).span.low if isinstance(node, plan.Elapsed) else None
        return clock_columns.first_reached(node, self.today, start, target, rows.n)

    def _code_in(self, node: plan.CodeIn | plan.Within, rows: Rows) -> Judged:
        values, until = self.code(node.operand, rows)
        if values is None:
            return Judged(None, until)
        assert isinstance(values.dtype, pl.Enum)
        table = _membership(tuple(values.dtype.categories), node.codes)
        return Judged(table.gather(values.to_physical().cast(pl.UInt32)), until)

    def _exists(self, node: plan.Exists, rows: Rows) -> Judged:
        bound = rows.bound(node.relation)
        judged = self.judge(node.where, bound.members)
        m = bound.members.n
        true, unknown = as_mask(judged.truth, m, wanted=True), vectors.unknown_mask(judged.truth, m)
        found, maybe = bound.per_owner(true) > 0, bound.per_owner(unknown) > 0
        no = bound.complete & ~maybe & ~found
        truth = pl.Series(found).zip_with(
            pl.Series(found | no), pl.Series([None], dtype=pl.Boolean).new_from_index(0, rows.n)
        )
        if _is_never(judged.until):
            return Judged(truth, NEVER)
        until = np.broadcast_to(np.asarray(judged.until, dtype=np.int32), (m,))
        earliest_day = bound.reduce(np.minimum, until, NEVER)
        latest_day = bound.reduce(np.maximum, true * until, 0)
        return Judged(truth, vectors.where_days(found, latest_day, earliest_day))

    def _condition_lookup(self, node: plan.ConditionLookup, rows: Rows) -> Judged:
        measured = self.measure(node.lookup, rows)
        closed = ~open_mask(measured.span, rows.n)
        values = vectors.column(measured.span.low, rows.n) == 1
        unknown = pl.Series([None], dtype=pl.Boolean).new_from_index(0, rows.n)
        return Judged(values.zip_with(pl.Series(closed), unknown), measured.until)

    def _eligible_for(self, node: plan.EligibleFor, rows: Rows) -> Judged:
        answer = self.answers.answer(node.benefit, rows)
        return Judged(answer.truth, answer.until)

    def _via_condition(self, node: plan.ViaCondition, rows: Rows) -> Judged:
        groups, positions = rows.group(node.group)
        judged = self.judge(node.operand, groups)
        return Judged(spread(judged.truth, positions, None), spread(judged.until, positions, NEVER))

    # -- quantities -----------------------------------------------------------------------------------------------

    def _quantity_fact(self, node: plan.QuantityFact, rows: Rows) -> Measured:
        values, until = self.fact(node.fact.id, rows)
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

    def _add(self, node: plan.Add, rows: Rows) -> Measured:
        a, b = self.measure(node.left, rows), self.measure(node.right, rows)
        wide = vectors.is_wide(node.low, node.high)
        low = vectors.add(a.span.low, b.span.low, rows.n, wide=wide)
        if a.span.single and b.span.single:
            return Measured(Span(low, low), earliest(a.until, b.until))
        high = vectors.add(a.span.high, b.span.high, rows.n, wide=wide)
        return Measured(Span(low, high), earliest(a.until, b.until))

    def _negate(self, node: plan.Negate, rows: Rows) -> Measured:
        span, until = self.measure(node.operand, rows)
        low = vectors.negate(span.high)
        return Measured(Span(low, low) if span.single else Span(low, vectors.negate(span.low)), until)

    def _rescale(self, node: plan.Rescale, rows: Rows) -> Measured:
        span, until = self.measure(node.operand, rows)
        wide, factor = vectors.is_wide(node.low, node.high), 10**node.shift
        low = vectors.scale(span.low, factor, wide=wide)
        return Measured(
            Span(low, low) if span.single else Span(low, vectors.scale(span.high, factor, wide=wide)), until
        )

    def _multiply(self, node: plan.Multiply, rows: Rows) -> Measured:
        a, b = self.measure(node.left, rows), self.measure(node.right, rows)
        wide = vectors.is_wide(node.low, node.high, node.left.low * node.right.high, node.left.high * node.right.high)
        span = vectors.multiply(a.span, b.span, rows.n, wide=wide)
        return Measured(_settled(span, node), earliest(a.until, b.until))

    def _divide(self, node: plan.Divide, rows: Rows) -> Measured:
        a, b = self.measure(node.left, rows), self.measure(node.right, rows)
        factor = 2 * 10**node.shift
        wide = vectors.is_wide(node.left.low * factor, node.left.high * factor + node.right.high, 4 * node.right.high)
        span = vectors.divide(a.span, b.span, rows.n, node.shift, node.right.low, wide=wide)
        return Measured(_settled(span, node), earliest(a.until, b.until))

    def _round_to(self, node: plan.RoundTo, rows: Rows) -> Measured:
        span, until = self.measure(node.operand, rows)
        wide = vectors.is_wide(2 * node.operand.low - 2 * node.step, 2 * node.operand.high + 2 * node.step)
        low = vectors.settle(vectors.round_units(span.low, node.step, node.mode, node.drop, wide=wide), node)
        if span.single:
            return Measured(Span(low, low), until)
        high = vectors.settle(vectors.round_units(span.high, node.step, node.mode, node.drop, wide=wide), node)
        return Measured(Span(low, high), until)

    def _extreme(self, node: plan.Least | plan.Greatest, rows: Rows, *, smaller: bool) -> Measured:
        measured = [self.measure(operand, rows) for operand in node.operands]
        low, high = measured[0].span.low, measured[0].span.high
        exact = all(m.span.exact for m in measured)
        for m in measured[1:]:
            low = vectors.extreme(low, m.span.low, rows.n, smaller=smaller, null_wins=smaller)
            if not exact:
                high = vectors.extreme(high, m.span.high, rows.n, smaller=smaller, null_wins=not smaller)
        span = Span(low, low) if exact else Span(low, high)
        return Measured(span, earliest(*(m.until for m in measured)))

    def _choose(self, node: plan.Choose, rows: Rows) -> Measured:
        condition = self.judge(node.condition, rows)
        then, otherwise = self.measure(node.then, rows), self.measure(node.otherwise, rows)
        n = rows.n
        yes, no = as_mask(condition.truth, n, wanted=True), as_mask(condition.truth, n, wanted=False)
        until = vectors.where_days(
            yes, then.until, vectors.where_days(no, otherwise.until, earliest(then.until, otherwise.until))
        )
        until = earliest(condition.until, until)
        a, b = then.span, otherwise.span
        if (yes | no).all() and a.single and b.single:
            chosen = vectors.choose(yes, a.low, b.low, n)
            return Measured(Span(chosen, chosen), until)
        lowest = vectors.extreme(a.low, b.low, n, smaller=True, null_wins=True)
        highest = vectors.extreme(a.high, b.high, n, smaller=False, null_wins=True)
        low = vectors.choose(yes, a.low, vectors.choose(no, b.low, lowest, n), n)
        high = vectors.choose(yes, a.high, vectors.choose(no, b.high, highest, n), n)
        return Measured(Span(low, high), until)

    def _lookup(self, node: plan.Lookup, rows: Rows) -> Measured:
        return Measured(*self.lookups.measure(node, rows, self))

    def _marginal(self, node: plan.Marginal, rows: Rows) -> Measured:
        operand = self.measure(node.operand, rows)
        period = node.parameter.on(self.on_date)
        until = earliest(operand.until, self.lookups.next_change(node.parameter))
        if period is None:
            return Measured(NOTHING, until)
        wide = vectors.is_wide(node.low, node.high)
        low = lookups.marginal(operand.span.low, node, period, rows.n, wide=wide)
        if operand.span.exact:
            return Measured(Span(low, low), until)
        low = vectors.column(low, rows.n, wide=wide).fill_null(0) if low is not None else 0
        high = lookups.marginal(operand.span.high, node, period, rows.n, wide=wide)
        return Measured(Span(low, high), until)

    # -- dates ----------------------------------------------------------------------------------------------------

    def _elapsed(self, node: plan.Elapsed, rows: Rows) -> Measured:
        start, end = self.measure(node.start, rows), self.measure(node.end, rows)
        low = _elapsed_bound(node.unit, start.span.high, end.span.low, rows.n)
        single = start.span.single and end.span.single
        span = Span(low, low) if single else Span(low, _elapsed_bound(node.unit, start.span.low, end.span.high, rows.n))
        until = earliest(start.until, end.until)
        if horizon.is_rising(node):
            reached = clock_columns.first_reached(node, self.today, start.span.low, _plus_one(span.low), rows.n)
            exact = earliest(start.until, reached)
            if start.span.single:
                return Measured(span, exact)
            until = vectors.where_days(~open_mask(start.span, rows.n), exact, until)
        return Measured(span, until)

    def _shift(self, node: plan.Shift, rows: Rows) -> Measured:
        day, count = self.measure(node.day, rows), self.measure(node.count, rows)
        until = earliest(day.until, count.until)
        if isinstance(count.span.low, int) and count.span.single:
            number = count.span.low

            def move(bound: Bound) -> Bound:
                return clock_columns.through(bound, lambda: clock_columns.shifted(node.unit, number))

            measured = self._moved(node, day, move)
            return Measured(measured.span, earliest(measured.until, count.until))
        low = _shift_bound(node.unit, day.span.low, count.span.low, rows.n)
        if day.span.single and count.span.single:
            return Measured(Span(low, low), until)
        return Measured(Span(low, _shift_bound(node.unit, day.span.high, count.span.high, rows.n)), until)

    def _anchor(self, node: plan.Anchor, rows: Rows) -> Measured:
        def move(bound: Bound) -> Bound:
            return clock_columns.through(
                bound, lambda: clock_columns.anchored(node.kind, node.month, node.day_in_month)
            )

        return self._moved(node, self.measure(node.day, rows), move)

    def _moved(self, node: plan.Quantity, day: Measured, move: Callable[[Bound], Bound]) -> Measured:
        low = move(day.span.low)
        span = Span(low, low) if day.span.single else Span(low, move(day.span.high))
        if horizon.is_clock(node):
            assert isinstance(low, int)
            return Measured(span, horizon.first_day(node, self.today, low + 1))
        return Measured(span, day.until)

    def _part(self, node: plan.Part, rows: Rows) -> Measured:
        span, until = self.measure(node.day, rows)
        low = clock_columns.through(span.low, lambda: clock_columns.parts(node.kind))
        if horizon.is_clock(node.day):
            assert isinstance(span.low, int)
            until = horizon.first_day(node.day, self.today, calendar.next_part_change(node.kind, span.low))
        if not span.single:
            assert isinstance(low, pl.Series)
            low = low.zip_with(
                pl.Series(~open_mask(span, rows.n)), pl.Series([None], dtype=low.dtype).new_from_index(0, rows.n)
            )
        return Measured(Span(low, low), until)

    def _months_in(self, node: plan.MonthsIn, rows: Rows) -> Measured:
        values, until = self.fact(node.fact.id, rows)
        if values is None:
            return Measured(Span(0, node.window), until)
        counts, changes = _window(values, month_number(self.on_date), node.window)
        span = Span(counts, counts)
        if counts.null_count():
            span = Span(counts.fill_null(0), counts.fill_null(node.window))
        return Measured(span, earliest(until, changes))

    # -- relations and other benefits -----------------------------------------------------------------------------

    def _count(self, node: plan.Count, rows: Rows) -> Measured:
        bound = rows.bound(node.relation)
        truth, until = self.judge(node.where, bound.members)
        m = bound.members.n
        low = bound.per_owner(as_mask(truth, m, wanted=True))
        high = low + bound.per_owner(vectors.unknown_mask(truth, m))
        return Measured(_counted(low, high, bound.complete), _members_until(bound, until))

    def _total(self, node: plan.Total, rows: Rows) -> Measured:
        bound = rows.bound(node.relation)
        members = bound.members
        where = self.judge(node.where, members)
        of = self.measure(node.of, members)
        m = members.n
        false, true = as_mask(where.truth, m, wanted=False), as_mask(where.truth, m, wanted=True)
        until = vectors.where_days(false, where.until, earliest(where.until, of.until))
        low, high = of.span.low, of.span.high
        maybe = ~(false | true)
        if maybe.any():
            zero_low = vectors.extreme(low, 0, m, smaller=True, null_wins=True)
            zero_high = vectors.extreme(high, 0, m, smaller=False, null_wins=True)
            low, high = vectors.choose(maybe, zero_low, low, m), vectors.choose(maybe, zero_high, high, m)
        low, high = vectors.choose(false, 0, low, m), vectors.choose(false, 0, high, m)
        floor = 0 if node.of.low >= 0 else None
        lows = _summed(bound, low, m, floor)
        highs = _summed(bound, high, m, None)
        return Measured(_settled(Span(lows, highs), node), _members_until(bound, until))

    def _amount_of(self, node: plan.AmountOf, rows: Rows) -> Measured:
        answer = self.answers.answer(node.benefit, rows)
        return Measured(answer.span, answer.until)

    def _via_quantity(self, node: plan.ViaQuantity, rows: Rows) -> Measured:
        groups, positions = rows.group(node.group)
        measured = self.measure(node.operand, groups)
        return Measured(spread(measured.span, positions, None), spread(measured.until, positions, NEVER))


# -- small parts -------------------------------------------------------------------------------------------------


def _outer(rows: Rows) -> Rows:
    assert rows.outer is not None
    return rows.outer


def _owner(rows: Rows) -> Index:
    assert rows.owner is not None
    return rows.owner


def _number(value: int) -> Span:
    return Span(value, value)


def _is_never(until: Days) -> bool:
    return isinstance(until, int) and until == NEVER


def _negated(truth: Truth) -> Truth:
    if isinstance(truth, pl.Series):
        return ~truth
    return None if truth is None else not truth


def _both(a: Truth, b: Truth) -> Truth:
    if a is False or b is False:
        return False
    if a is True:
        return b
    if b is True:
        return a
    if a is None and b is None:
        return None
    return _with_null(a, b, lambda x, y: x & y)


def _either(a: Truth, b: Truth) -> Truth:
    return _negated(_both(_negated(a), _negated(b)))


def _with_null(a: Truth, b: Truth, function: Callable[[pl.Series, pl.Series], pl.Series]) -> pl.Series:
    n = len(a) if isinstance(a, pl.Series) else len(b)  # type: ignore[arg-type]
    return function(vectors.truth_column(a, n), vectors.truth_column(b, n))


def _apply(operator: str, a: Bound, b: Bound, n: int) -> Truth:
    """`a operator b` where both are known; unknown elsewhere."""
    if a is None or b is None:
        return None
    if isinstance(a, int) and isinstance(b, int):
        return a < b if operator == "<" else a <= b if operator == "<=" else a == b
    wide = any(isinstance(x, pl.Series) and x.dtype == pl.Int128 for x in (a, b))
    if wide or not isinstance(a, pl.Series):
        a, b = vectors.column(a, n, wide=wide), vectors.column(b, n, wide=wide)
    result = a < b if operator == "<" else a <= b if operator == "<=" else a == b
    assert isinstance(result, pl.Series)
    return result


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


@lru_cache(maxsize=4096)
def _membership(categories: tuple[str, ...], codes: frozenset[str]) -> pl.Series:
    return pl.Series([category in codes for category in categories], dtype=pl.Boolean)


def _plus_one(bound: Bound) -> Bound:
    return None if bound is None else bound + 1


def _settled(span: Span, node: plan.Quantity) -> Span:
    low = vectors.settle(span.low, node)
    return Span(low, low) if span.single else Span(low, vectors.settle(span.high, node))


def _elapsed_bound(unit: str, start: Bound, end: Bound, n: int) -> Bound:
    if start is None or end is None:
        return None
    if isinstance(start, int) and isinstance(end, int):
        return calendar.elapsed(unit, start, end)
    if isinstance(end, int):
        return clock_columns.through(start, lambda: clock_columns.elapsed_to(unit, end))
    if isinstance(start, int):
        return clock_columns.through(end, lambda: clock_columns.elapsed_from(unit, start))
    return _nullable(lambda a, b: calendar.elapsed_columns(unit, a, b), start, end, n)


def _shift_bound(unit: str, day: Bound, count: Bound, n: int) -> Bound:
    if day is None or count is None:
        return None
    return _nullable(
        lambda a, b: calendar.shift_columns(unit, a, b), vectors.column(day, n), vectors.column(count, n), n
    )


def _nullable(function: Callable[[Any, Any], Any], a: pl.Series, b: pl.Series, n: int) -> pl.Series:
    values = pl.Series(function(a.fill_null(0).to_numpy(), b.fill_null(0).to_numpy()).astype(np.int64))
    known = a.is_not_null() & b.is_not_null()
    return values if known.all() else values.zip_with(known, pl.Series([None], dtype=pl.Int64).new_from_index(0, n))


def _window(values: pl.Series, now: int, window: int) -> tuple[pl.Series, Days]:
    """How many months of each set lie in the window, and when that number next changes.

    The sets are lists of distinct month numbers.
    """
    n = len(values)
    lengths = values.list.len().fill_null(0).to_numpy().astype(np.int64)
    months = values.drop_nulls().explode(empty_as_null=False, keep_nulls=False).to_numpy()
    ends = np.cumsum(lengths)
    inside = (months >= now - window) & (months < now)
    running = np.zeros(len(months) + 1, dtype=np.int32)
    np.cumsum(inside, dtype=np.int32, out=running[1:])
    counts = pl.Series((running[ends] - running[ends - lengths]).astype(np.int64))
    if values.null_count():
        counts = counts.zip_with(values.is_not_null(), pl.Series([None], dtype=pl.Int64).new_from_index(0, n))
    filled = np.flatnonzero(lengths)
    changes = np.full(n, plan.NEVER, dtype=np.int64)
    if len(filled):
        # A month leaves the window once it is older than it; a month still to come enters when it is over.
        change = months + 1 + inside * np.int32(window) + (months < now - window) * np.int32(NO_MONTH)
        first = np.minimum(np.minimum.reduceat(change, (ends - lengths)[filled]), NO_MONTH)
        changes[filled] = _month_starts(first)
    return counts, changes.astype(np.int32)


NO_MONTH = 10**6


def _month_starts(months: Index) -> Index:
    distinct, inverse = np.unique(months, return_inverse=True)
    days = [plan.NEVER if m == NO_MONTH else plan.day_number(month_start(int(m))) for m in distinct]
    result: Index = np.array(days, dtype=np.int64)[inverse]
    return result


def _counted(low: Any, high: Any, complete: Mask) -> Span:
    if complete.all() and (low == high).all():
        values = pl.Series(low)
        return Span(values, values)
    ceiling = pl.Series(high).zip_with(
        pl.Series(complete), pl.Series([None], dtype=pl.Int64).new_from_index(0, len(low))
    )
    return Span(pl.Series(low), ceiling)


def _summed(bound: Any, part: Bound, m: int, incomplete: int | None) -> Bound:
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


def _members_until(bound: Any, until: Days) -> Days:
    if _is_never(until):
        return NEVER
    spread_days = np.broadcast_to(np.asarray(until, dtype=np.int32), (bound.members.n,))
    result: Days = bound.reduce(np.minimum, spread_days, NEVER)
    return result
