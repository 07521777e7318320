"""Dates in whole columns: time elapsed, dates moved, months counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl

from features.facts.units import month_number, month_start
from rules import calendar, horizon, plan
from rules.evaluate.columns import clocks, figures, vectors
from rules.evaluate.columns.days import earliest, where_days
from rules.evaluate.columns.evaluation import Evaluation
from rules.evaluate.columns.positions import Index
from rules.evaluate.columns.results import Measured
from rules.evaluate.columns.rows import Rows
from rules.evaluate.columns.vectors import Bound, Days, Span, open_mask

MONTHS = 12
NO_MONTH = 10**6


def _today(_node: plan.Today, _rows: Rows, within: Evaluation) -> Measured:
    return Measured(Span(within.today, within.today), within.today + 1)


def _elapsed(node: plan.Elapsed, rows: Rows, within: Evaluation) -> Measured:
    start, end = within.measure(node.start, rows), within.measure(node.end, rows)
    low = _elapsed_bound(node.unit, start.span.high, end.span.low, rows.n)
    single = start.span.single and end.span.single
    span = Span(low, low) if single else Span(low, _elapsed_bound(node.unit, start.span.low, end.span.high, rows.n))
    until = earliest(start.until, end.until)
    if horizon.is_rising(node):
        reached = clocks.first_reached(node, within.today, start.span.low, figures.plus_one(span.low), rows.n)
        exact = earliest(start.until, reached)
        if start.span.single:
            return Measured(span, exact)
        until = where_days(~open_mask(start.span, rows.n), exact, until)
    elif horizon.is_falling(node):
        target = None if span.low is None else span.low - 1
        exact = earliest(end.until, clocks.first_fallen(node, within.today, end.span.low, target, rows.n))
        if end.span.single:
            return Measured(span, exact)
        known, boundless = ~open_mask(end.span, rows.n), vectors.boundless(end.span, rows.n)
        until = where_days(known, exact, where_days(boundless, end.until, until))
    return Measured(span, until)


def _elapsed_bound(unit: str, start: Bound, end: Bound, n: int) -> Bound:
    if start is None or end is None:
        return None
    if isinstance(start, int) and isinstance(end, int):
        return calendar.elapsed(unit, start, end)
    if isinstance(end, int):
        return clocks.through(start, lambda: clocks.elapsed_to(unit, end))
    if isinstance(start, int):
        return clocks.through(end, lambda: clocks.elapsed_from(unit, start))
    return _nullable(lambda a, b: calendar.elapsed_columns(unit, a, b), start, end, n)


def _shift(node: plan.Shift, rows: Rows, within: Evaluation) -> Measured:
    day, count = within.measure(node.day, rows), within.measure(node.count, rows)
    until = earliest(day.until, count.until)
    if isinstance(count.span.low, int) and count.span.single:
        number = count.span.low

        def move(bound: Bound) -> Bound:
            return clocks.through(bound, lambda: clocks.shifted(node.unit, number))

        measured = _moved(node, day, move, within)
        return Measured(measured.span, earliest(measured.until, count.until))
    low = _shift_bound(node.unit, day.span.low, count.span.low, rows.n)
    if day.span.single and count.span.single:
        return Measured(Span(low, low), until)
    return Measured(Span(low, _shift_bound(node.unit, day.span.high, count.span.high, rows.n)), until)


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


def _anchor(node: plan.Anchor, rows: Rows, within: Evaluation) -> Measured:
    def move(bound: Bound) -> Bound:
        return clocks.through(bound, lambda: clocks.anchored(node.kind, node.month, node.day_in_month))

    return _moved(node, within.measure(node.day, rows), move, within)


def _moved(node: plan.Quantity, day: Measured, move: Callable[[Bound], Bound], within: Evaluation) -> Measured:
    low = move(day.span.low)
    span = Span(low, low) if day.span.single else Span(low, move(day.span.high))
    if horizon.is_clock(node):
        assert isinstance(low, int)
        return Measured(span, horizon.first_day(node, within.today, low + 1))
    return Measured(span, day.until)


def _part(node: plan.Part, rows: Rows, within: Evaluation) -> Measured:
    span, until = within.measure(node.day, rows)
    low = clocks.through(span.low, lambda: clocks.parts(node.kind))
    high = low if span.single else clocks.through(span.high, lambda: clocks.parts(node.kind))
    if horizon.is_clock(node.day):
        assert isinstance(span.low, int)
        until = horizon.first_day(node.day, within.today, calendar.next_part_change(node.kind, span.low))
    if node.kind == "month_of" and not span.exact:  # an unknown date may be in any month
        unknown = open_mask(span, rows.n)
        return Measured(
            Span(figures.choose(unknown, 1, low, rows.n), figures.choose(unknown, MONTHS, low, rows.n)), until
        )
    return Measured(Span(low, high), until)


def _months_in(node: plan.MonthsIn, rows: Rows, within: Evaluation) -> Measured:
    values, until = within.fact(node.fact.id, rows)
    if values is None:
        return Measured(Span(0, node.window), until)
    counts, changes = _window(values, month_number(within.on_date), node.window)
    span = Span(counts, counts)
    if counts.null_count():
        span = Span(counts.fill_null(0), counts.fill_null(node.window))
    return Measured(span, earliest(until, changes))


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


def _month_starts(months: Index) -> Index:
    distinct, inverse = np.unique(months, return_inverse=True)
    days = [plan.NEVER if m == NO_MONTH else plan.day_number(month_start(int(m))) for m in distinct]
    result: Index = np.array(days, dtype=np.int64)[inverse]
    return result


DATES: Mapping[type[plan.Node], Callable[[Any, Rows, Evaluation], Measured]] = {
    plan.Today: _today,
    plan.Elapsed: _elapsed,
    plan.Shift: _shift,
    plan.Anchor: _anchor,
    plan.Part: _part,
    plan.MonthsIn: _months_in,
}
