"""Values in words: money with its currency, codes and areas by name, months as spans."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal

from explain.limits import Limit
from explain.wording import Messages
from features.facts.dictionary import Fact
from features.facts.units import MINOR_UNITS, month_start
from features.facts.values import Value
from features.facts.vocabulary import Vocabulary

CURRENCIES = ("CNY", "USD")


def value_text(fact: Fact, value: Value, vocabulary: Vocabulary, currency: str, say: Messages) -> str:
    """What a fact says."""
    kind = fact.type.kind
    if isinstance(value, bool):
        return say.say("true" if value else "false")
    if isinstance(value, frozenset):
        return "; ".join(_spans(sorted(value))) or say.say("no_months")
    if isinstance(value, dt.date):
        return value.isoformat()
    if kind == "code" and value in fact.code_names:
        return say.of(fact.code_names[str(value)])
    if kind == "area" and value in vocabulary.areas:
        return say.of(vocabulary.areas.by_code[str(value)].names)
    if kind == "money" and isinstance(value, Decimal):
        return money_text(value / MINOR_UNITS, currency, say)
    if isinstance(value, int | Decimal):
        return counted_text(Decimal(value), fact.type.unit, say)
    return str(value)


def distance_text(line: Limit, distance: int, currency: str, say: Messages) -> str:
    """How far two values of a fact lie apart, in its unit; days for dates."""
    fact = line.fact
    number = Decimal(distance) / Decimal(10**fact.type.decimals)
    if fact.type.kind == "money":
        return money_text(number / MINOR_UNITS, currency, say)
    return counted_text(number, "day" if line.is_date else fact.type.unit, say)


def amount_text(amount: Decimal, unit: str, per: str, say: Messages) -> str:
    """An amount with its unit and period."""
    figure = money_text(amount, unit, say) if unit in CURRENCIES else counted_text(amount, unit, say)
    key = f"per_{per}" if say.known(f"per_{per}") else "per_other"
    return say.say(key, amount=figure, per=per)


def money_text(major: Decimal, currency: str, say: Messages) -> str:
    """A sum of money in major units; whole sums without decimals."""
    number = f"{major:,.0f}" if major == major.to_integral_value() else f"{major:,.2f}"
    return say.say(f"money_{currency.lower()}", number=number) if currency in CURRENCIES else f"{currency} {number}"


def counted_text(number: Decimal, unit: str | None, say: Messages) -> str:
    """A number with its unit of count."""
    text = f"{number.normalize():,f}"
    if unit is None:
        return text
    key = f"unit_{unit}" if say.known(f"unit_{unit}") else "unit_other"
    return say.say(key, number=text, unit=unit)


def _spans(months: Iterable[int]) -> Iterator[str]:
    """Months that follow each other as one span."""
    first = last = None
    for month in months:
        if first is not None and last is not None and month != last + 1:
            yield _span(first, last)
            first = None
        first, last = (month if first is None else first), month
    if first is not None and last is not None:
        yield _span(first, last)


def _span(first: int, last: int) -> str:
    start, end = (month_start(number).isoformat()[:7] for number in (first, last))
    return start if first == last else f"{start}..{end}"
