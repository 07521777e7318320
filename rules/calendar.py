"""Days, months and years as the law counts them, on day numbers; one day at a time and for whole columns.

Completed years and months: the count rises on the day of the month that the start bears, and where a month has no such
day (29 February, the 31st), on the first day of the next month. Adding months or years stays inside the month instead.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt

from rules.plan import DAY_HIGH, DAY_LOW, day_number, day_of

Days = npt.NDArray[np.int64]

_EPOCH_TO_CIVIL = 719_468
_DAYS_IN_ERA = 146_097


# -- one day -----------------------------------------------------------------------------------------------------


def elapsed(unit: str, start: int, end: int) -> int:
    """Completed years, months or days from `start` to `end` (day numbers); negative when `end` is earlier."""
    if unit == "day":
        return end - start
    a, b = day_of(start), day_of(end)
    if unit == "year":
        return b.year - a.year - ((b.month, b.day) < (a.month, a.day))
    return (b.year - a.year) * 12 + b.month - a.month - (b.day < a.day)


def anniversary(unit: str, start: int, count: int) -> int:
    """The first day on which `elapsed(unit, start, day) >= count`."""
    if unit == "day":
        return clip(start + count)
    a = day_of(start)
    months = a.year * 12 + a.month - 1 + count * (12 if unit == "year" else 1)
    return clip(_overflowing(months, a.day))


def _overflowing(months: int, day: int) -> int:
    """The day in a month, or the first of the next month where it has no such day."""
    year, month = divmod(months, 12)
    if not 1 <= year <= 9998:
        return DAY_LOW if year < 1 else DAY_HIGH
    if day <= _month_length(year, month + 1):
        return day_number(dt.date(year, month + 1, day))
    return day_number(dt.date(year + (month == 11), (month + 1) % 12 + 1, 1))


def _month_length(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def shift(unit: str, day: int, count: int) -> int:
    """The day moved by so many years, months or days, kept inside the month and inside 1850–2149."""
    if unit == "day":
        return clip(day + count)
    a = day_of(day)
    year, month = divmod(a.year * 12 + a.month - 1 + count * (12 if unit == "year" else 1), 12)
    if not 1 <= year <= 9998:
        return DAY_LOW if year < 1 else DAY_HIGH
    return clip(day_number(dt.date(year, month + 1, min(a.day, _month_length(year, month + 1)))))


def anchor(kind: str, day: int, month: int = 0, day_in_month: int = 0) -> int:
    """`start_of_month`, `end_of_month`, `start_of_year`, `end_of_year` or `day_of_year` of a day."""
    a = day_of(day)
    if kind == "start_of_month":
        return day_number(a.replace(day=1))
    if kind == "end_of_month":
        return day_number(a.replace(day=_month_length(a.year, a.month)))
    if kind == "start_of_year":
        return day_number(dt.date(a.year, 1, 1))
    if kind == "end_of_year":
        return day_number(dt.date(a.year, 12, 31))
    return day_number(dt.date(a.year, month, min(day_in_month, _month_length(a.year, month))))


def part(kind: str, day: int) -> int:
    """`month_of` or `year_of` a day."""
    a = day_of(day)
    return a.month if kind == "month_of" else a.year


def next_part_change(kind: str, day: int) -> int:
    """The first later day whose `part` is another."""
    a = day_of(day)
    months = a.year * 12 + (a.month if kind == "month_of" else 12)
    return day_number(dt.date(months // 12, months % 12 + 1, 1))


def clip(day: int) -> int:
    """The day, brought inside 1850–2149."""
    return min(max(day, DAY_LOW), DAY_HIGH)


# -- columns of days ---------------------------------------------------------------------------------------------


def civil(days: Days) -> tuple[Days, Days, Days]:
    """Year, month and day of the month of each day number (Howard Hinnant's `civil_from_days`)."""
    z = days + _EPOCH_TO_CIVIL
    era = z // _DAYS_IN_ERA
    doe = z - era * _DAYS_IN_ERA
    yoe = (doe - doe // 1460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    day = doy - (153 * mp + 2) // 5 + 1
    month = np.where(mp < 10, mp + 3, mp - 9)
    return yoe + era * 400 + (month <= 2), month, day


def from_civil(year: Days, month: Days, day: Days) -> Days:
    """Day numbers of year, month and day (`days_from_civil`); the day may lie past the end of the month."""
    y = year - (month <= 2)
    era = y // 400
    yoe = y - era * 400
    doy = (153 * np.where(month > 2, month - 3, month + 9) + 2) // 5 + day - 1
    days: Days = era * _DAYS_IN_ERA + yoe * 365 + yoe // 4 - yoe // 100 + doy - _EPOCH_TO_CIVIL
    return days


def month_lengths(year: Days, month: Days) -> Days:
    """The number of days of each month."""
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])[month]
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0)) & (month == 2)
    result: Days = lengths + leap
    return result


def elapsed_columns(unit: str, start: Days, end: Days) -> Days:
    """:func:`elapsed` for columns (which broadcast)."""
    if unit == "day":
        return end - start
    y0, m0, d0 = civil(start)
    y1, m1, d1 = civil(end)
    if unit == "year":
        return y1 - y0 - ((m1 * 32 + d1) < (m0 * 32 + d0))
    return (y1 - y0) * 12 + m1 - m0 - (d1 < d0)


def _within(days: Days) -> Days:
    clipped: Days = np.clip(days, DAY_LOW, DAY_HIGH)
    return clipped


def anniversary_columns(unit: str, start: Days, count: Days | int) -> Days:
    """:func:`anniversary` for columns."""
    if unit == "day":
        return _within(start + count)
    y, m, d = civil(start)
    months = y * 12 + m - 1 + np.asarray(count) * (12 if unit == "year" else 1)
    year, month = np.divmod(months, 12)
    too_long = d > month_lengths(year, month + 1)
    months = months + too_long
    year, month = np.divmod(months, 12)
    return _within(from_civil(year, month + 1, np.where(too_long, 1, d)))


def shift_columns(unit: str, day: Days, count: Days | int) -> Days:
    """:func:`shift` for columns."""
    if unit == "day":
        return _within(day + count)
    y, m, d = civil(day)
    year, month = np.divmod(y * 12 + m - 1 + np.asarray(count) * (12 if unit == "year" else 1), 12)
    last = month_lengths(year, month + 1)
    return _within(from_civil(year, month + 1, np.minimum(d, last)))


def anchor_columns(kind: str, day: Days, month: int = 0, day_in_month: int = 0) -> Days:
    """:func:`anchor` for columns."""
    y, m, _ = civil(day)
    one = np.ones_like(y)
    if kind == "start_of_month":
        return from_civil(y, m, one)
    if kind == "end_of_month":
        return from_civil(y, m, month_lengths(y, m))
    if kind == "start_of_year":
        return from_civil(y, one, one)
    if kind == "end_of_year":
        return from_civil(y, one * 12, one * 31)
    months = one * month
    return from_civil(y, months, np.minimum(day_in_month, month_lengths(y, months)))


def part_columns(kind: str, day: Days) -> Days:
    """:func:`part` for columns."""
    y, m, _ = civil(day)
    return m if kind == "month_of" else y


def as_days(values: npt.ArrayLike) -> Days:
    """Any array of whole numbers as a column of days."""
    return np.asarray(values, dtype=np.int64)
