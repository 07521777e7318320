"""F10: keys of periods. Every day lies in one, no day is lost or told twice, whatever clocks and calendars do."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.facts.units import FIRST_DAY, LAST_DAY, PERIODS
from serving.casework.periods import (
    PER,
    local_day,
    period_key,
    period_named,
    period_of,
    periods_between,
    start_of,
)

EDGES = [
    dt.date(2024, 2, 28), dt.date(2024, 2, 29), dt.date(2024, 3, 1), dt.date(2025, 2, 28), dt.date(2026, 1, 31),
    dt.date(2026, 3, 31), dt.date(2026, 4, 30), dt.date(2026, 12, 31), dt.date(2027, 1, 1), dt.date(2100, 2, 28),
    FIRST_DAY, LAST_DAY - dt.timedelta(days=400),
]  # fmt: skip
DAYS = st.one_of(st.sampled_from(EDGES), st.dates(dt.date(1850, 1, 1), dt.date(2150, 12, 31)))
CALENDAR = [per for per in PER if per not in ("once", "trip")]
ZONES = [
    "Asia/Shanghai",
    "America/New_York",
    "Europe/London",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
]
ENTITLEMENT_PERIOD = re.compile(r"(\d{4}-\d{2}-\d{2}|\d{4}-\d{2}|\d{4}|once|open)\Z")


@pytest.mark.parametrize("per", PER)
@given(DAYS)
def test_every_day_has_one_key_that_names_the_period_it_lies_in(per: str, day: dt.date) -> None:
    period = period_of(per, day)
    assert day in period
    assert period_named(per, period.key) == period
    assert ENTITLEMENT_PERIOD.match(period.key)
    assert period_key(per, day) == period.key


@pytest.mark.parametrize("per", CALENDAR)
@given(DAYS)
def test_periods_follow_each_other_without_a_gap_and_without_a_day_in_two(per: str, day: dt.date) -> None:
    period = period_of(per, day)
    before, after = period_of(per, period.start - dt.timedelta(days=1)), period_of(per, period.end)
    assert (before.end, after.start) == (period.start, period.end)
    assert before.key < period.key < after.key


@pytest.mark.parametrize("per", CALENDAR)
@given(DAYS, st.integers(0, 800))
def test_a_stretch_of_days_is_cut_into_whole_keys(per: str, start: dt.date, days: int) -> None:
    end = start + dt.timedelta(days=days)
    periods = list(periods_between(per, start, end))
    keys = [each.key for each in periods]
    assert keys == sorted(set(keys))
    each_day = [start + dt.timedelta(days=n) for n in range(days)]
    assert list(dict.fromkeys(period_key(per, day) for day in each_day)) == keys


@pytest.mark.parametrize(
    ("per", "day", "key"),
    [
        ("day", "2024-02-29", "2024-02-29"),
        ("week", "2024-03-03", "2024-02-26"),
        ("month", "2024-02-29", "2024-02"),
        ("quarter", "2026-12-31", "2026-10"),
        ("year", "2026-12-31", "2026"),
        ("once", "2026-12-31", "once"),
        ("trip", "2026-12-31", "open"),
    ],
)
def test_keys_are_these(per: str, day: str, key: str) -> None:
    assert period_key(per, dt.date.fromisoformat(day)) == key


NO_KEYS = """
    month 2026-13, month 2026, week 2026-03-03, quarter 2026-02, year once, once 2026, day 2025-02-29, month 2026-3
"""


@pytest.mark.parametrize(("per", "key"), [tuple(each.split()) for each in NO_KEYS.split(",")])
def test_a_key_that_names_nothing_is_refused(per: str, key: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        period_named(per, key)


def test_what_is_no_period_is_refused() -> None:
    with pytest.raises(ValueError, match="`fortnight` is no period"):
        period_of("fortnight", dt.date(2026, 3, 1))


def test_whatever_an_amount_of_the_catalogues_is_per_has_keys(repository: Path) -> None:
    files = list((repository / "rules" / "catalogue").rglob("*.yaml"))
    written = {
        found[1] for file in files for found in re.finditer(r"\bper: ([a-z]+)", file.read_text(encoding="utf-8"))
    }
    assert written
    assert written | set(PERIODS) <= set(PER)


@pytest.mark.parametrize("zone", ZONES)
@given(st.integers(0, 68 * 365 * 86_400))
def test_a_moment_lies_in_one_day_between_its_start_and_the_next(zone: str, seconds: int) -> None:
    where, at = ZoneInfo(zone), dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    day = local_day(at, where)
    assert start_of(day, where) <= at < start_of(day + dt.timedelta(days=1), where)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("year", [1986, 1991, 2011, 2018, 2024, 2026])
def test_whoever_looks_once_an_hour_misses_no_day(zone: str, year: int) -> None:
    """China had summer time from 1986 to 1991; Samoa's calendar had no 30 December 2011."""
    where = ZoneInfo(zone)
    at, end = dt.datetime(year, 1, 2, tzinfo=dt.UTC), dt.datetime(year + 1, 1, 2, tzinfo=dt.UTC)
    seen: list[dt.date] = []
    while at < end:
        day = local_day(at, where)
        if not seen or seen[-1] != day:
            seen.append(day)
        at += dt.timedelta(hours=1)
    assert seen == sorted(set(seen))
    every = {seen[0] + dt.timedelta(days=n) for n in range((seen[-1] - seen[0]).days + 1)}
    lost = every - set(seen)
    assert lost == ({dt.date(2011, 12, 30)} if (zone, year) == ("Pacific/Apia", 2011) else set())
    # What is owed per day is owed for it all the same: days are the calendar's, not the clock's.
    keys = [period.key for period in periods_between("day", seen[0], seen[-1])]
    assert len(keys) == (seen[-1] - seen[0]).days
