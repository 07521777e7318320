"""Money, months and rounding: the arithmetic of the law is exact."""

from __future__ import annotations

import datetime as dt
import enum
import math
from decimal import Decimal
from fractions import Fraction

PERIODS = ("once", "day", "week", "month", "quarter", "year")
"""What money may be per."""

MINOR_UNITS = 100
"""Minor units in one major unit, for every currency in use here (fen in a yuan, cents in a dollar)."""

FIRST_DAY = dt.date(1850, 1, 1)
LAST_DAY = dt.date(2149, 12, 31)
"""Dates outside of these are impossible in any register we read."""


class Rounding(enum.Enum):
    """How a figure is brought to a multiple. `up` and `down` mean towards plus and minus infinity."""

    UP = "up"
    DOWN = "down"
    HALF_UP = "half_up"
    HALF_EVEN = "half_even"


def round_to(value: Decimal, step: Decimal, mode: Rounding) -> Decimal:
    """The multiple of `step` nearest to `value` in the sense of `mode`.

    `half_up` sends a tie towards plus infinity, also below zero, so that one integer formula serves every evaluator.
    """
    quotient = Fraction(value) / Fraction(step)
    units = math.floor(quotient)
    rest = quotient - units
    if mode is Rounding.UP:
        up = rest > 0
    elif mode is Rounding.DOWN:
        up = False
    else:
        tie_goes_up = mode is Rounding.HALF_UP or units % 2 == 1
        up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and tie_goes_up)
    return (units + up) * step


def month_number(day: dt.date) -> int:
    """The calendar month of a day as one running number (year * 12 + month - 1)."""
    return day.year * 12 + day.month - 1


def month_start(number: int) -> dt.date:
    """The first day of a month given by its running number."""
    return dt.date(number // 12, number % 12 + 1, 1)
