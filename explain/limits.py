"""Figures and dates as whole numbers on a line, and where on it a condition begins or ceases to hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from features.facts.dictionary import Fact
from features.facts.encoding import decode, encode
from features.facts.values import Value
from rules import plan

Holds = Callable[[int], bool]
"""Is the condition as wanted when the fact is this number?"""

YEARS_BACK, YEARS_AHEAD = 120, 30
"""Dates are sought no further from the day of the question: lives are no longer, and nobody plans beyond."""
FIRST_STRIDE = 64
"""A search looks first at one part in so many of the figure it starts from, then at twice as much, and so on."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The line of one fact: the numbers it may take, in its smallest unit (days for a date)."""

    fact: Fact
    low: int
    high: int

    @property
    def is_date(self) -> bool:
        """Is it a line of days?"""
        return self.fact.type.kind == "date"

    @property
    def ends(self) -> tuple[Value, Value]:
        """The least and the greatest value."""
        return self.value(self.low), self.value(self.high)

    def number(self, value: Value) -> int:
        """A value as its place on the line."""
        if isinstance(value, dt.date):
            return plan.day_number(value)
        return int(encode(self.fact, value))

    def value(self, number: int) -> Value:
        """The value at a place on the line."""
        return plan.day_of(number) if self.is_date else decode(self.fact, number)

    def reach(self, start: int, sign: int, holds: Holds) -> int | None:
        """The place nearest to `start` in one direction at which the condition is as wanted; None where there is none.

        Strides double until one arrives; the last stride is then halved down to one unit. Where the condition changes
        more than once within a stride, the place is one at which it holds and one unit before which it does not.
        """
        end = self.low if sign < 0 else self.high
        stride = max(1, abs(start - start_of(self)) // FIRST_STRIDE)
        before = start
        while before != end:
            there = max(end, before - stride) if sign < 0 else min(end, before + stride)
            if holds(there):
                return self.last(there, before, holds)
            before, stride = there, stride * 2
        return None

    def last(self, holding: int, other: int, holds: Holds) -> int:
        """The last place on the way from one where the condition is as wanted to one where it is not."""
        while abs(holding - other) > 1:
            middle = (holding + other) // 2
            if holds(middle):
                holding = middle
            else:
                other = middle
        return holding


def limits_of(fact: Fact, on_date: dt.date) -> Limit:
    """The line of a figure or a date, as seen on a day."""
    if fact.type.kind == "date":
        today = plan.day_number(on_date)
        return Limit(fact, max(plan.DAY_LOW, today - YEARS_BACK * 365), min(plan.DAY_HIGH, today + YEARS_AHEAD * 365))
    unit = 10**fact.type.decimals
    capacity = fact.type.capacity
    low = -capacity if fact.type.minimum is None else fact.type.minimum
    high = capacity if fact.type.maximum is None else fact.type.maximum
    return Limit(fact, int(low * unit), int(high * unit))


def start_of(limit: Limit) -> int:
    """From where distances are measured: nought, and for a date the first day of its line."""
    return limit.low if limit.is_date else 0
