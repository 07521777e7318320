"""Whole columns of bounds, truths and days, with the same meaning as `rules.evaluate.intervals`.

A bound is a column of whole numbers (null: no bound), one whole number for all rows, or None (no bound for any row). A
truth is a column of booleans (null: unknown; Polars' `&` and `|` on such columns are Kleene's), or one value for all.
Until-days are NumPy columns of 32 bits, or one day for all.

Columns hold 64 bits where the static bounds of the plan allow, and 128 where they do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from features.facts.units import Rounding
from rules import plan

Bound = pl.Series | int | None
Truth = pl.Series | bool | None
Days = npt.NDArray[np.int32] | int
Bits = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]

WIDE_FROM = 2**62


@dataclass(frozen=True, slots=True)
class Span:
    """The bounds of a figure for every row; one object on both sides says that they are equal in every row."""

    low: Bound
    high: Bound

    @property
    def single(self) -> bool:
        """Are both bounds the same column (a null row is then without any bound)?"""
        return self.low is self.high

    @property
    def exact(self) -> bool:
        """Is it one figure in every row?"""
        return self.single and not lacks(self.low)


def lacks(bound: Bound) -> bool:
    """Is there a row without a bound?"""
    return bound is None or (isinstance(bound, pl.Series) and bound.null_count() > 0)


def is_wide(*limits: int) -> bool:
    """Do figures of this size need 128 bits?"""
    return max(abs(limit) for limit in limits) >= WIDE_FROM


def column(bound: Bound, n: int, *, wide: bool = False) -> pl.Series:
    """The bound as a column of `n` rows."""
    dtype = pl.Int128 if wide else pl.Int64
    if isinstance(bound, pl.Series):
        return bound if bound.dtype == dtype else bound.cast(dtype)
    return pl.Series([bound], dtype=dtype).new_from_index(0, n)


def truth_column(truth: Truth, n: int) -> pl.Series:
    """The truth as a column of `n` rows."""
    if isinstance(truth, pl.Series):
        return truth
    return pl.Series([truth], dtype=pl.Boolean).new_from_index(0, n)


def as_mask(truth: Truth, n: int, wanted: bool) -> Mask:
    """Rows whose truth is `wanted` (True or False; unknown rows are in neither)."""
    if not isinstance(truth, pl.Series):
        return np.full(n, truth is wanted)
    value, known = unpacked(truth)
    chosen = value if wanted else ~value
    return chosen if known is None else chosen & known


def unknown_mask(truth: Truth, n: int) -> Mask:
    """Rows whose truth is unknown."""
    if not isinstance(truth, pl.Series):
        return np.full(n, truth is None)
    _, known = unpacked(truth)
    return np.zeros(n, dtype=bool) if known is None else ~known


def unpacked(truth: pl.Series) -> tuple[Mask, Mask | None]:
    """The values and the known rows (None: all) of a boolean column.

    Its bits are read as they lie in memory: at 262,144 rows this takes 25 microseconds a column, `to_numpy` 160.
    """
    array = truth.to_arrow()
    known, value = array.buffers()
    return _bits(value, array.offset, len(truth)), None if known is None else _bits(known, array.offset, len(truth))


def _bits(buffer: Any, offset: int, n: int) -> Mask:
    if n == 0:
        return np.zeros(0, dtype=bool)
    packed = np.frombuffer(buffer, dtype=np.uint8)[: (offset + n + 7) // 8]
    return np.unpackbits(packed, count=offset + n, bitorder="little")[offset:].view(np.bool_)


def is_null(values: pl.Series) -> Mask:
    """Rows without a value."""
    return values.is_null().to_numpy() if values.null_count() else np.zeros(len(values), dtype=bool)


def open_mask(span: Span, n: int) -> Mask:
    """Rows in which the figure is not one figure."""
    if span.single:
        if isinstance(span.low, pl.Series):
            return is_null(span.low)
        return np.full(n, span.low is None)
    low, high = column(span.low, n, wide=_wide_any(span)), column(span.high, n, wide=_wide_any(span))
    return ~(low == high).fill_null(value=False).to_numpy()


def _wide_any(span: Span) -> bool:
    return any(isinstance(b, pl.Series) and b.dtype == pl.Int128 for b in (span.low, span.high))


# -- arithmetic --------------------------------------------------------------------------------------------------


def add(a: Bound, b: Bound, n: int, *, wide: bool) -> Bound:
    """Sum; no bound where either has none."""
    if a is None or b is None:
        return None
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    if wide:
        return column(a, n, wide=True) + column(b, n, wide=True)
    return narrow(a) + narrow(b)


def narrow(bound: pl.Series | int) -> pl.Series:
    """A column back at 64 bits (a number stays one; Polars joins the two)."""
    if isinstance(bound, pl.Series) and bound.dtype == pl.Int128:
        return bound.cast(pl.Int64)
    return bound  # type: ignore[return-value]


def negate(a: Bound) -> Bound:
    """Unary minus."""
    if a is None:
        return None
    return -a if isinstance(a, int) else a * _one(a, -1)


def _one(like: pl.Series, value: int) -> pl.Series | int:
    return pl.Series([value], dtype=pl.Int128) if like.dtype == pl.Int128 else value


def scale(a: Bound, factor: int, *, wide: bool) -> Bound:
    """Times a factor above zero."""
    if a is None or isinstance(a, int):
        return None if a is None else a * factor
    if wide:
        return a.cast(pl.Int128) * pl.Series([factor], dtype=pl.Int128)
    return narrow(a) * factor


def choose(mask: Mask | pl.Series, a: Bound, b: Bound, n: int) -> Bound:
    """`a` where the mask holds, `b` elsewhere; the mask has no unknown rows."""
    if a is b or (isinstance(a, int) and isinstance(b, int) and a == b):
        return a
    wide = any(isinstance(x, pl.Series) and x.dtype == pl.Int128 for x in (a, b))
    chosen = mask if isinstance(mask, pl.Series) else pl.Series(mask)
    return column(a, n, wide=wide).zip_with(chosen, column(b, n, wide=wide))


def extreme(a: Bound, b: Bound, n: int, *, smaller: bool, null_wins: bool) -> Bound:
    """The smaller or larger of two bounds; where one is missing, no bound (`null_wins`) or the other one."""
    if a is None or b is None:
        return None if null_wins else (a if b is None else b)
    if isinstance(a, int) and isinstance(b, int):
        return min(a, b) if smaller else max(a, b)
    wide = any(isinstance(x, pl.Series) and x.dtype == pl.Int128 for x in (a, b))
    left, right = column(a, n, wide=wide), column(b, n, wide=wide)
    take_left = left <= right if smaller else left >= right
    if take_left.null_count():
        take_left = take_left.fill_null(value=False) | (left.is_null() if null_wins else right.is_null())
    return left.zip_with(take_left, right)


def multiply_exact(a: Bound, b: Bound, n: int, *, wide: bool) -> Bound:
    """Product of figures that are known in every row."""
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    if a is None or b is None:
        return None
    if wide:
        return column(a, n, wide=True) * column(b, n, wide=True)
    return narrow(a) * narrow(b)


def multiply(a: Span, b: Span, n: int, *, wide: bool) -> Span:
    """Product; `b` is never negative. Zero times anything is zero."""
    if a.exact and b.exact:
        product = multiply_exact(a.low, b.low, n, wide=wide)
        return Span(product, product)
    a_low, a_high = column(a.low, n, wide=wide), column(a.high, n, wide=wide)
    b_high = column(b.high, n, wide=wide)
    b_low = column(b.low, n, wide=wide).fill_null(0) if lacks(b.low) else column(b.low, n, wide=wide)
    low_factor = b_low.zip_with((a_low >= _zero(a_low)).fill_null(value=True), b_high)
    high_factor = b_high.zip_with((a_high >= _zero(a_high)).fill_null(value=True), b_low)
    low, high = a_low * low_factor, a_high * high_factor
    zero = _is_zero(a_low, a_high) | _is_zero(column(b.low, n, wide=wide), b_high)
    nothing = column(0, n, wide=wide)
    return Span(nothing.zip_with(zero, low), nothing.zip_with(zero, high))


def _zero(like: pl.Series) -> pl.Series | int:
    return pl.Series([0], dtype=pl.Int128) if like.dtype == pl.Int128 else 0


def _is_zero(low: pl.Series, high: pl.Series) -> pl.Series:
    return ((low == _zero(low)) & (high == _zero(high))).fill_null(value=False)


def _half_up(dividend: pl.Series, divisor: pl.Series) -> pl.Series:
    two = _one(dividend, 2)
    return (dividend * two + divisor) // (divisor * two)


def divide(a: Span, b: Span, n: int, shift: int, least_divisor: int, *, wide: bool) -> Span:
    """`a * 10^shift / b`, half up; `b` is at least `least_divisor`, which is above zero."""
    factor = 10**shift
    if a.exact and isinstance(b.low, int) and b.single:
        quotient = _divide_by_number(a.low, factor, b.low, wide=wide)
        return Span(quotient, quotient)
    b_low = column(b.low, n, wide=wide)
    if b_low.null_count():
        b_low = b_low.zip_with(b_low.is_not_null(), column(least_divisor, n, wide=wide))
    if a.exact and b.exact:
        top = column(scale(a.low, factor, wide=wide), n, wide=wide)
        quotient = _half_up(top, b_low)
        return Span(quotient, quotient)
    b_high = column(b.high, n, wide=wide)
    low_top = column(scale(a.low, factor, wide=wide), n, wide=wide)
    high_top = column(scale(a.high, factor, wide=wide), n, wide=wide)
    nothing = column(0, n, wide=wide)
    by_high_low = nothing.zip_with(b_high.is_null(), _half_up(low_top, b_high.fill_null(1)))
    by_high_high = nothing.zip_with(b_high.is_null(), _half_up(high_top, b_high.fill_null(1)))
    low = _half_up(low_top, b_low).zip_with((low_top < _zero(low_top)).fill_null(value=False), by_high_low)
    high = _half_up(high_top, b_low).zip_with((high_top >= _zero(high_top)).fill_null(value=False), by_high_high)
    low = low.zip_with(low_top.is_not_null(), low_top)
    high = high.zip_with(high_top.is_not_null(), high_top)
    return Span(low, high)


def _divide_by_number(a: Bound, factor: int, divisor: int, *, wide: bool) -> Bound:
    if not isinstance(a, pl.Series):
        return None if a is None else (2 * a * factor + divisor) // (2 * divisor)
    if wide:
        top = a.cast(pl.Int128) * pl.Series([2 * factor], dtype=pl.Int128) + pl.Series([divisor], dtype=pl.Int128)
        return top // pl.Series([2 * divisor], dtype=pl.Int128)
    return (narrow(a) * (2 * factor) + divisor) // (2 * divisor)


def round_units(a: Bound, step: int, mode: Rounding, drop: int, *, wide: bool) -> Bound:
    """To a multiple of `step`, then without `drop` decimals."""
    divisor = 10**drop
    if a is None or isinstance(a, int):
        if a is None:
            return None
        column_of_one = round_units(pl.Series([a], dtype=pl.Int128), step, mode, drop, wide=True)
        assert isinstance(column_of_one, pl.Series)
        return int(column_of_one[0])
    values = a.cast(pl.Int128) if wide and a.dtype != pl.Int128 else (a if wide else narrow(a))

    def number(value: int) -> pl.Series | int:
        return _one(values, value)

    if mode is Rounding.HALF_UP:
        units = (values * number(2) + number(step)) // number(2 * step)
    elif mode is Rounding.DOWN:
        units = values // number(step)
    elif mode is Rounding.UP:
        units = (values + number(step - 1)) // number(step)
    else:
        units = values // number(step)
        rest = values - units * number(step)
        odd = (units % number(2)) == number(1)
        up = (rest * number(2) > number(step)) | ((rest * number(2) == number(step)) & odd)
        units = units + up.cast(values.dtype)
    result = units * number(step // divisor) if step % divisor == 0 else (units * number(step)) // number(divisor)
    return result


def settle(bound: Bound, node: plan.Quantity) -> Bound:
    """A column at the width that the node's bounds ask for."""
    if isinstance(bound, pl.Series) and bound.dtype == pl.Int128 and not is_wide(node.low, node.high):
        return bound.cast(pl.Int64)
    return bound


# -- days --------------------------------------------------------------------------------------------------------


def earliest(*days: Days) -> Days:
    """The earliest, row by row."""
    result: Days = plan.NEVER
    for day in days:
        if isinstance(day, int) and day == plan.NEVER:
            continue
        result = day if isinstance(result, int) and result == plan.NEVER else _smaller(result, day)
    return result


def _smaller(a: Days, b: Days) -> Days:
    return min(a, b) if isinstance(a, int) and isinstance(b, int) else np.minimum(a, b)


def where_days(mask: Mask, a: Days, b: Days) -> Days:
    """`a` where the mask holds, `b` elsewhere."""
    if isinstance(a, int) and isinstance(b, int) and a == b:
        return a
    # A choice by bits: `np.where` on a mixed mask takes ten times as long.
    left, right = np.asarray(a, dtype=np.int32), np.asarray(b, dtype=np.int32)
    result: Days = right ^ ((left ^ right) & -mask.astype(np.int32))
    return result


def days_of(bound: Bound) -> Days:
    """A column of day numbers as until-days; null is never."""
    if bound is None:
        return plan.NEVER
    if isinstance(bound, int):
        return bound
    filled = bound.fill_null(plan.NEVER) if bound.null_count() else bound
    return filled.to_numpy().astype(np.int32)
