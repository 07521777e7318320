"""Intervals of whole numbers: what a figure may be. None is no bound; equal bounds are one figure."""

from __future__ import annotations

from collections.abc import Iterable

from features.facts.units import Rounding

Bound = int | None
Interval = tuple[Bound, Bound]

ANYTHING: Interval = (None, None)
ZERO: Interval = (0, 0)


def is_point(interval: Interval) -> bool:
    """Is it one figure?"""
    return interval[0] is not None and interval[0] == interval[1]


def hull(intervals: Iterable[Interval]) -> Interval:
    """The smallest interval that holds all of these."""
    lows, highs = zip(*intervals, strict=True)
    return (
        None if None in lows else min(lows),
        None if None in highs else max(highs),
    )


def add(a: Interval, b: Interval) -> Interval:
    """Sum."""
    return (
        None if a[0] is None or b[0] is None else a[0] + b[0],
        None if a[1] is None or b[1] is None else a[1] + b[1],
    )


def negate(a: Interval) -> Interval:
    """Unary minus."""
    return (None if a[1] is None else -a[1], None if a[0] is None else -a[0])


def scale(a: Interval, factor: int) -> Interval:
    """Times a factor above zero."""
    return (None if a[0] is None else a[0] * factor, None if a[1] is None else a[1] * factor)


def multiply(a: Interval, b: Interval) -> Interval:
    """Product; `b` is never negative. Zero times anything is zero."""
    if ZERO in (a, b):
        return ZERO
    b_low = 0 if b[0] is None else b[0]
    low: Bound = None
    if a[0] is not None:
        if a[0] >= 0:
            low = a[0] * b_low
        elif b[1] is not None:
            low = a[0] * b[1]
    high: Bound = None
    if a[1] is not None:
        if a[1] < 0:
            high = a[1] * b_low
        elif b[1] is not None:
            high = a[1] * b[1]
    return low, high


def divide_half_up(dividend: int, divisor: int) -> int:
    """`dividend / divisor` to a whole number, ties upwards; the divisor is above zero."""
    return (2 * dividend + divisor) // (2 * divisor)


def divide(a: Interval, b: Interval, shift: int, least_divisor: int) -> Interval:
    """`a * 10^shift / b`, half up; `b` is at least `least_divisor`, which is above zero."""
    factor = 10**shift
    b_low = least_divisor if b[0] is None else b[0]
    low: Bound = None
    if a[0] is not None:
        if a[0] < 0:
            low = divide_half_up(a[0] * factor, b_low)
        else:
            low = 0 if b[1] is None else divide_half_up(a[0] * factor, b[1])
    high: Bound = None
    if a[1] is not None:
        if a[1] >= 0:
            high = divide_half_up(a[1] * factor, b_low)
        else:
            high = 0 if b[1] is None else divide_half_up(a[1] * factor, b[1])
    return low, high


def least(operands: list[Interval]) -> Interval:
    """`min`."""
    lows = [o[0] for o in operands]
    highs = [o[1] for o in operands if o[1] is not None]
    return None if None in lows else min(low for low in lows if low is not None), min(highs, default=None)


def greatest(operands: list[Interval]) -> Interval:
    """`max`."""
    lows = [o[0] for o in operands if o[0] is not None]
    highs = [o[1] for o in operands]
    return max(lows, default=None), None if None in highs else max(high for high in highs if high is not None)


def round_units(value: int, step: int, mode: Rounding) -> int:
    """`value` to a multiple of `step`."""
    units, rest = divmod(value, step)
    if mode is Rounding.UP:
        units += rest > 0
    elif mode is Rounding.HALF_UP:
        units += 2 * rest >= step
    elif mode is Rounding.HALF_EVEN:
        units += 2 * rest > step or (2 * rest == step and units % 2 == 1)
    return units * step


def round_to(a: Interval, step: int, mode: Rounding, drop: int) -> Interval:
    """Both ends to a multiple of `step`, then without `drop` decimals."""
    divisor = 10**drop
    return (
        None if a[0] is None else round_units(a[0], step, mode) // divisor,
        None if a[1] is None else round_units(a[1], step, mode) // divisor,
    )
