"""Working days, those that the State Council moves to a weekend among them."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from serving import log

_LOOKED_BACK = 5
"""So many years are looked at to see whether a country moves working days at all."""


class WorkingDays:
    """The working days of a country, in its time of day.

    The days that a country moves by a yearly announcement (China's, each autumn for the next year) are known as far as
    the library's data go. Beyond, days count by weekday and statutory holiday alone, and the log says so once a year:
    a case must have a due day on the day it is opened, and a limit that is a day or two off by a bridge day is better
    than none. A due day that was told is not moved when the announcement comes.
    """

    def __init__(self, country: str, zone: str) -> None:
        self._country, self._zone = country, ZoneInfo(zone)
        self._told: set[int] = set()

    @property
    def zone(self) -> ZoneInfo:
        """Where days begin and end."""
        return self._zone

    def is_working(self, day: dt.date) -> bool:
        """Do offices work on a day?"""
        if not self.is_announced(day.year) and day.year not in self._told:
            self._told.add(day.year)
            log.info("working_days_not_announced", on_date=dt.date(day.year, 1, 1))
        return bool(_calendar(self._country, day.year).is_working_day(day))

    def is_announced(self, year: int) -> bool:
        """Do we know which days were moved in a year, in a country that moves any?"""
        moved = {
            day.year
            for other in range(year - _LOOKED_BACK, year + 1)
            for day in _calendar(self._country, other).weekend_workdays
        }
        return not moved or max(moved) >= year

    def after(self, day: dt.date, count: int) -> dt.date:
        """The count-th working day after a day, which itself is not counted (民法典第二百零一条).

        Raises:
            ValueError: the count is not positive.
        """
        if count < 1:
            raise ValueError("A limit is at least one working day.")
        while count:
            day += dt.timedelta(days=1)
            count -= self.is_working(day)
        return day

    def between(self, day: dt.date, until: dt.date) -> int:
        """How many working days come after one day, until another and with it; none where it has passed."""
        span = (until - day).days
        return sum(self.is_working(day + dt.timedelta(days=number)) for number in range(1, span + 1))

    def day_of(self, moment: dt.datetime) -> dt.date:
        """The day on which a moment falls there."""
        return moment.astimezone(self._zone).date()

    def end_of(self, day: dt.date) -> dt.datetime:
        """The moment at which a day is over there, in UTC."""
        midnight = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), self._zone)
        return midnight.astimezone(dt.UTC)


@lru_cache(maxsize=64)
def _calendar(country: str, year: int) -> holidays.HolidayBase:
    return holidays.country_holidays(country, years=year)
