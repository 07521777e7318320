"""One value as written in a file or an example, to the value a fact holds; and why it cannot be, in plain words."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal, InvalidOperation

from features.facts.areas import Areas
from features.facts.dictionary import Fact
from features.facts.units import FIRST_DAY, LAST_DAY, MINOR_UNITS, month_number
from features.facts.values import Value

MONEY_DECIMALS = 2
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])\Z")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?\Z")


class UnreadableValueError(ValueError):
    """A value does not fit its fact. The message says why without repeating the value: it may be personal."""


def read_value(fact: Fact, text: str, areas: Areas) -> Value:
    """The value of a fact from its text form.

    Raises:
        UnreadableValueError: the text is no value of this fact.
    """
    kind = fact.type.kind
    if kind == "boolean":
        if text in ("true", "false"):
            return text == "true"
        raise UnreadableValueError("is not `true` or `false`")
    if kind == "date":
        return _date(text)
    if kind == "code":
        if text in fact.type.codes:
            return text
        raise UnreadableValueError(f"is not one of its codes ({', '.join(fact.type.codes)})")
    if kind == "area":
        if text in areas:
            return text
        raise UnreadableValueError("is not the code of a known area")
    if kind == "months":
        return frozenset(_months(text))
    if kind == "id":
        return text
    return _number(fact, text)


def _date(text: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text) if _DATE.match(text) else None
    except ValueError:
        day = None
    if day is None:
        raise UnreadableValueError("is not a day of the calendar, written like 2025-01-31")
    if not FIRST_DAY <= day <= LAST_DAY:
        raise UnreadableValueError(f"is an impossible date (outside {FIRST_DAY.year} to {LAST_DAY.year})")
    return day


def _number(fact: Fact, text: str) -> Value:
    t = fact.type
    try:
        value = Decimal(text) if _NUMBER.match(text) else None
    except InvalidOperation:
        value = None
    if value is None:
        raise UnreadableValueError("is not a number")
    decimals = MONEY_DECIMALS if t.kind == "money" else t.decimals
    if value != round(value, decimals):
        what = "is not a whole number" if decimals == 0 else f"has more than {decimals} decimals"
        raise UnreadableValueError(what)
    if t.kind == "money":
        value *= MINOR_UNITS
    if t.minimum is not None and value < t.minimum:
        raise UnreadableValueError(f"is below the least possible value ({_shown(t.kind, t.minimum)})")
    if abs(value) > t.capacity or (t.maximum is not None and value > t.maximum):
        limit = t.maximum if t.maximum is not None else t.capacity
        raise UnreadableValueError(f"is above the largest possible value ({_shown(t.kind, limit)})")
    return int(value) if t.kind == "integer" else value


def _shown(kind: str, value: Decimal) -> str:
    return str(value / MINOR_UNITS if kind == "money" else value)


def _months(text: str) -> list[int]:
    months: list[int] = []
    for part in filter(None, (p.strip() for p in text.split(";"))):
        first, dots, last = part.partition("..")
        start, end = _month(first), _month(last if dots else first)
        if end < start or end - start > 1200:
            raise UnreadableValueError("is not a set of months, written like 2024-01..2024-06;2024-09")
        months.extend(range(start, end + 1))
    return months


def _month(text: str) -> int:
    match = _MONTH.match(text.strip())
    if not match:
        raise UnreadableValueError("is not a set of months, written like 2024-01..2024-06;2024-09")
    number = int(match[1]) * 12 + int(match[2]) - 1
    if not month_number(FIRST_DAY) <= number <= month_number(LAST_DAY):
        raise UnreadableValueError("holds an impossible month")
    return number
