"""Arithmetic on whole columns of bounds, with the same meaning as `rules.evaluate.intervals`."""

from __future__ import annotations

import polars as pl

from features.facts.units import Rounding
from rules import plan
from rules.evaluate.columns.vectors import Bound, Mask, Span, column, is_wide, lacks


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


def settled(span: Span, node: plan.Quantity) -> Span:
    """Both bounds at the width that the node asks for."""
    low = settle(span.low, node)
    return Span(low, low) if span.single else Span(low, settle(span.high, node))


def plus_one(bound: Bound) -> Bound:
    """The next whole number."""
    return None if bound is None else bound + 1
