"""Periods of a benefit: the day, week, month, quarter or year for which something is owed, and the key that names it.

Every day lies in exactly one period of a kind, and a key names exactly one: two entitlements of one benefit for one
day would have the same key, and PostgreSQL holds it unique. Days are those of the calendar, so that a day with 23 or 25
hours is one day; periods are half-open, `[start, end)`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from features.facts.units import FIRST_DAY, LAST_DAY, PERIODS

ONCE, OPEN = "once", "open"
_ENDLESS = {"once": ONCE, "trip": OPEN}
"""Owed once in a life, or as often as it is used: the key is the same on every day."""
PER = (*PERIODS, "trip")
"""What an amount may be per."""


@dataclass(frozen=True, slots=True)
class Period:
    """One period of a benefit.

    Attributes:
        per: what the amount is per.
        key: names it, in `entitlement.period`: a day, a month or a year as ISO 8601 writes them; a week is named by its
            Monday, a quarter by its first month.
        start: its first day.
        end: the day after its last.
    """

    per: str
    key: str
    start: dt.date
    end: dt.date

    def __contains__(self, day: dt.date) -> bool:
        return self.start <= day < self.end


def period_of(per: str, day: dt.date) -> Period:
    """The period in which a day lies.

    Raises:
        ValueError: there is no such kind of period.
    """
    if per in _ENDLESS:
        return Period(per, _ENDLESS[per], FIRST_DAY, LAST_DAY + dt.timedelta(days=1))
    match per:
        case "day":
            return Period(per, day.isoformat(), day, day + dt.timedelta(days=1))
        case "week":
            monday = day - dt.timedelta(days=day.weekday())
            return Period(per, monday.isoformat(), monday, monday + dt.timedelta(days=7))
        case "month":
            return _months(per, day.year, day.month, 1)
        case "quarter":
            return _months(per, day.year, (day.month - 1) // 3 * 3 + 1, 3)
        case "year":
            return Period(per, f"{day.year:04}", dt.date(day.year, 1, 1), dt.date(day.year + 1, 1, 1))
    raise ValueError(f"`{per}` is no period: write one of {', '.join(PER)}.")


def period_key(per: str, day: dt.date) -> str:
    """The key of the period in which a day lies."""
    return period_of(per, day).key


def period_named(per: str, key: str) -> Period:
    """The period that a key names.

    Raises:
        ValueError: the key names none of this kind.
    """
    if per in _ENDLESS:
        found = period_of(per, FIRST_DAY)
    else:
        found = period_of(per, dt.date.fromisoformat(f"{key}{'-01' * (2 - key.count('-'))}"))
    if found.key != key:
        raise ValueError(f"`{key}` is not the key of a {per}.")
    return found


def periods_between(per: str, start: dt.date, end: dt.date) -> Iterator[Period]:
    """The periods that have a day in `[start, end)`, in order."""
    day = start
    while day < end:
        period = period_of(per, day)
        yield period
        day = period.end


def local_day(at: dt.datetime, zone: ZoneInfo) -> dt.date:
    """The day that it is somewhere at a moment."""
    return at.astimezone(zone).date()


def start_of(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """The moment at which a day begins somewhere, in UTC; where a day has no midnight, when its first hour begins."""
    moment = dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)
    # Of an hour that does not exist Python gives a moment before the gap, in the day before: the day begins after it.
    while local_day(moment, zone) < day:
        moment += dt.timedelta(minutes=15)
    return moment


def _months(per: str, year: int, month: int, many: int) -> Period:
    after = month + many
    end = dt.date(year + 1, after - 12, 1) if after > 12 else dt.date(year, after, 1)
    return Period(per, f"{year:04}-{month:02}", dt.date(year, month, 1), end)
