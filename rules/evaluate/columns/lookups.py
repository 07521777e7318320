"""Parameters in whole columns: the values that the law gives for what is known of their keys in each row."""

from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt
import polars as pl

from features.facts.areas import Areas
from rules import horizon, places, plan, tables
from rules.evaluate.columns import clocks, figures, vectors
from rules.evaluate.columns.days import days_at, earliest, where_days
from rules.evaluate.columns.evaluation import Evaluation
from rules.evaluate.columns.parameter_tables import ParameterTable
from rules.evaluate.columns.results import NOTHING, Measured
from rules.evaluate.columns.rows import Rows
from rules.evaluate.columns.vectors import Bound, Days, Span, open_mask
from rules.parameters import Parameter, Period
from rules.plan import NEVER

Slots = npt.NDArray[np.int64] | int


class Lookups:
    """Reads parameters for rows on one date."""

    def __init__(self, areas: Areas, on_date: dt.date) -> None:
        self.areas = areas
        self.on_date = on_date
        self.today = plan.day_number(on_date)
        self._tables: dict[tuple[int, ...], ParameterTable] = {}
        self._changes: dict[int, int] = {}
        self._until: dict[tuple[str, ...], tuple[int, ...]] = {}

    def measure(self, node: plan.Lookup, rows: Rows, within: Evaluation) -> Measured:
        """Span and until of a parameter in every row."""
        if node.at is None:
            period = node.parameter.on(self.on_date)
            until: Days = self._next_change(node.parameter)
            if period is None:
                return Measured(NOTHING, until)
            span, keys_until = self._in_period(node, period, rows, within)
            return Measured(span, earliest(until, keys_until))
        return self._at(node, node.at, rows, within)

    def marginal(self, node: plan.Marginal, rows: Rows, within: Evaluation) -> Measured:
        """What the bands of a parameter come to for a figure."""
        operand = within.measure(node.operand, rows)
        period = node.parameter.on(self.on_date)
        until = earliest(operand.until, self._next_change(node.parameter))
        if period is None:
            return Measured(NOTHING, until)
        wide = vectors.is_wide(node.low, node.high)
        low = _marginal_of(operand.span.low, node, period, rows.n, wide=wide)
        if operand.span.exact:
            return Measured(Span(low, low), until)
        low = vectors.column(low, rows.n, wide=wide).fill_null(0) if low is not None else 0
        high = _marginal_of(operand.span.high, node, period, rows.n, wide=wide)
        return Measured(Span(low, high), until)

    def _next_change(self, parameter: Parameter) -> int:
        """The day number of the parameter's next change, or NEVER."""
        if id(parameter) not in self._changes:
            change = parameter.next_change(self.on_date)
            self._changes[id(parameter)] = plan.day_number(change) if change else NEVER
        return self._changes[id(parameter)]

    def _at(self, node: plan.Lookup, at: plan.Quantity, rows: Rows, within: Evaluation) -> Measured:
        day, until = within.measure(at, rows)
        n = rows.n
        known = ~open_mask(day, n)
        days = vectors.column(day.low, n)
        low: Bound = None
        high: Bound = None
        all_until: Days = until
        for period in node.parameter.periods:
            inside = days >= plan.day_number(period.start)
            if period.end is not None:
                inside = inside & (days < plan.day_number(period.end))
            mask = inside.fill_null(value=False).to_numpy() & known
            span, keys_until = self._in_period(node, period, rows, within)
            low, high = figures.choose(mask, span.low, low, n), figures.choose(mask, span.high, high, n)
            all_until = where_days(mask, earliest(until, keys_until), all_until)
        if isinstance(low, pl.Series) and isinstance(high, pl.Series) and low.equals(high):
            return Measured(Span(low, low), all_until)
        return Measured(Span(low, high), all_until)

    def _in_period(self, node: plan.Lookup, period: Period, rows: Rows, within: Evaluation) -> tuple[Span, Days]:
        named = (id(period), *(id(key) for key in node.keys))
        if named not in self._tables:
            self._tables[named] = ParameterTable(node.parameter, period, node.keys, self.areas, self.on_date)
        table = self._tables[named]
        position: Slots = 0
        until: Days = NEVER
        unknown = False
        keys = iter(node.keys)
        for axis, dimension in enumerate(node.parameter.dimensions):
            key = node.area if dimension == "area" else next(keys)
            assert key is not None
            slots, key_until, some_unknown = self._slots(key, table, axis, dimension, rows, within)
            position = position * table.sizes[axis] + slots
            until = earliest(until, key_until)
            unknown = unknown or some_unknown
        if isinstance(position, int):
            return Span(table.low[position], table.high[position]), until
        index = pl.Series(position.astype(np.uint32))
        low = table.lows[index]
        return (Span(low, table.highs[index]) if unknown else Span(low, low)), until

    def _slots(
        self, key: plan.Node, table: ParameterTable, axis: int, dimension: str, rows: Rows, within: Evaluation
    ) -> tuple[Slots, Days, bool]:
        """For every row its slot on one axis, until when it is that, and whether some key is unknown."""
        unknown = table.sizes[axis] - 2
        if isinstance(key, plan.Code):
            codes, until = within.code(key, rows)
            if codes is None:
                return unknown, until, True
            assert isinstance(codes.dtype, pl.Enum)
            categories, at = tuple(codes.dtype.categories), codes.to_physical().cast(pl.UInt32)
            slots = table.code_slots(axis, categories, dimension)[at]
            if dimension == "area":
                until = earliest(until, days_at(self._until_of(categories), at))
            return slots.fill_null(unknown).to_numpy(), until, codes.null_count() > 0
        assert isinstance(key, plan.Quantity)
        span, until = within.measure(key, rows)
        factor = tables.unit_factor(key)
        if isinstance(span.low, int) and span.single:
            slots_of_one = table.number_slots(axis, dimension, np.array([span.low]), factor)
            slot: Slots = int(slots_of_one[0])
            closed = np.full(rows.n, True)
            numbers = np.full(rows.n, span.low)
        else:
            closed = ~open_mask(span, rows.n)
            numbers = vectors.column(span.low, rows.n).fill_null(0).to_numpy()
            slot = np.where(closed, table.number_slots(axis, dimension, numbers, factor), unknown)
        if dimension == "band" and horizon.is_rising(key):
            until = self._next_band(key, table, axis, numbers, closed, factor, until, rows, within)
        return slot, until, not closed.all()

    def _until_of(self, categories: tuple[str, ...]) -> tuple[int, ...]:
        """Of every area the day on which who bears its code may belong elsewhere."""
        if categories not in self._until:
            self._until[categories] = tuple(places.until(code, self.areas, self.on_date) for code in categories)
        return self._until[categories]

    def _next_band(
        self,
        key: plan.Quantity,
        table: ParameterTable,
        axis: int,
        numbers: npt.NDArray[np.int64],
        closed: npt.NDArray[np.bool_],
        factor: int,
        until: Days,
        rows: Rows,
        within: Evaluation,
    ) -> Days:
        """Until when a rising key stays in its band."""
        edges = np.array(
            sorted({e for band in table.bands(axis, factor) for e in band if e is not None}), dtype=np.int64
        )
        after = np.searchsorted(edges, numbers, side="right")
        has_next = after < len(edges)
        target = pl.Series(np.append(edges, 0)[after])
        target = target.zip_with(
            pl.Series(has_next & closed), pl.Series([None], dtype=pl.Int64).new_from_index(0, rows.n)
        )
        start: Bound = None
        base: Days = NEVER
        if isinstance(key, plan.Elapsed):
            measured = within.measure(key.start, rows)
            start, base = measured.span.low, measured.until
        reached = clocks.first_reached(key, self.today, start, target, rows.n)
        return where_days(closed, earliest(reached, base), until)


def _marginal_of(bound: Bound, node: plan.Marginal, period: Period, n: int, *, wide: bool) -> Bound:
    """`rules.tables.marginal` for a column; null stays null."""
    if bound is None:
        return None
    factor = tables.unit_factor(node.operand)
    if isinstance(bound, int):
        return tables.marginal(bound, period, factor)
    total: Bound = 0
    for key, rate in period.table.items():
        low, high = tables.whole_band(key[0], factor)
        inside: Bound = bound
        if high is not None:
            inside = figures.extreme(inside, high, n, smaller=True, null_wins=True)
        inside = figures.add(inside, -(low or 0), n, wide=False)
        inside = figures.extreme(inside, 0, n, smaller=False, null_wins=True)
        part = figures.multiply_exact(inside, int(rate), n, wide=wide)
        total = figures.add(total, part, n, wide=wide)
    return total
