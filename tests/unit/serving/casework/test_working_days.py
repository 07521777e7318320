"""Working days as the State Council moves them, and clocks as data."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from features.documents import DocumentError
from serving.casework.clocks import Kind, load_clocks, shipped_clocks
from serving.casework.errors import NotAllowedError
from serving.casework.working_days import WorkingDays

CHINA = WorkingDays("CN", "Asia/Shanghai")
UTC = dt.UTC


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("date", "works"),
    [
        ("2026-02-13", True), ("2026-02-14", True), ("2026-02-15", False), ("2026-02-16", False), ("2026-02-23", False),
        ("2026-02-24", True), ("2026-02-28", True), ("2026-03-01", False), ("2026-10-10", True), ("2026-10-07", False),
    ],
)  # fmt: skip
def test_days_that_were_moved(date: str, works: bool) -> None:
    assert CHINA.is_working(day(date)) is works


def test_the_day_itself_is_not_counted() -> None:
    assert CHINA.after(day("2026-03-02"), 1) == day("2026-03-03")
    assert CHINA.after(day("2026-03-06"), 1) == day("2026-03-09")
    # The Saturday before the Spring Festival is worked, the nine days after are not.
    assert CHINA.after(day("2026-02-13"), 1) == day("2026-02-14")
    assert CHINA.after(day("2026-02-13"), 2) == day("2026-02-24")
    with pytest.raises(ValueError, match="at least one"):
        CHINA.after(day("2026-02-13"), 0)


def test_between_and_after_agree() -> None:
    for start in range(0, 400, 7):
        begin = day("2026-01-01") + dt.timedelta(days=start)
        for count in (1, 2, 5, 15):
            assert CHINA.between(begin, CHINA.after(begin, count)) == count
    assert CHINA.between(day("2026-03-05"), day("2026-03-02")) == 0


def test_a_day_ends_at_midnight_in_beijing() -> None:
    assert CHINA.end_of(day("2026-03-03")) == dt.datetime(2026, 3, 3, 16, tzinfo=UTC)
    assert CHINA.day_of(dt.datetime(2026, 3, 2, 16, tzinfo=UTC)) == day("2026-03-03")


def test_a_year_that_is_not_announced_yet_counts_plain_weekdays_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    far = WorkingDays("CN", "Asia/Shanghai")
    assert far.is_announced(2026)
    assert not far.is_announced(2060)
    with caplog.at_level("INFO", logger="applyfree"):
        assert far.after(day("2060-03-01"), 5) == day("2060-03-08")
        assert far.after(day("2060-04-01"), 1) == day("2060-04-02")
    assert [record.message for record in caplog.records] == ["working_days_not_announced"]


def test_a_country_that_moves_no_days_is_always_announced() -> None:
    assert WorkingDays("US", "America/New_York").is_announced(2060)


OPENED = dt.datetime(2026, 3, 2, 1, tzinfo=UTC)


def test_an_objection_has_one_working_day_to_be_taken_up_and_fifteen_to_be_decided() -> None:
    clocks = shipped_clocks()
    assert clocks.first_touch_due(Kind.OBJECTION, OPENED) == dt.datetime(2026, 3, 3, 16, tzinfo=UTC)
    assert clocks.due(Kind.OBJECTION, OPENED) == dt.datetime(2026, 3, 23, 16, tzinfo=UTC)


def test_a_limit_in_days_that_ends_on_a_day_off_ends_on_the_next_working_day() -> None:
    clocks = shipped_clocks()
    # Sixty days after 2 March is Friday 1 May, a holiday until the 5th.
    assert clocks.due(Kind.APPEAL, OPENED) == dt.datetime(2026, 5, 6, 16, tzinfo=UTC)


def test_every_kind_has_a_clock_in_both_languages_and_cites_a_law_or_is_ours() -> None:
    clocks = shipped_clocks()
    assert set(clocks.kinds) == set(Kind)
    assert all(clock.names.zh and clock.names.en for clock in clocks.kinds.values())
    assert [kind for kind, clock in clocks.kinds.items() if clock.because] == [Kind.APPEAL]
    assert list(clocks.levels) == ["caseworker", "supervisor", "district_head", "city_supervision"]


def test_a_clock_that_stood_has_the_working_days_that_it_had_left() -> None:
    clocks = shipped_clocks()
    due = clocks.due(Kind.REVIEW, OPENED)
    assert due == dt.datetime(2026, 3, 23, 16, tzinfo=UTC)
    # Paused on Monday the 16th with five working days left, resumed on Monday the 30th; 6 April is a day off.
    paused, resumed = dt.datetime(2026, 3, 16, 4, tzinfo=UTC), dt.datetime(2026, 3, 30, 4, tzinfo=UTC)
    assert clocks.resumed(due, paused, resumed) == dt.datetime(2026, 4, 7, 16, tzinfo=UTC)
    assert clocks.resumed(due, paused, paused) == due


def test_a_reason_to_stop_a_clock_is_one_of_those_there_are() -> None:
    with pytest.raises(NotAllowedError, match="Did you mean `in_court`"):
        shipped_clocks().pause("in_cort")


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        ("working_days: 15, escalated: [5, 3, 3]", "working_days: 15, escalated: [5, 3]", "no limit for each level"),
        ("working_days: 15, escalated: [5, 3, 3]", "working_days: 0, escalated: [5, 3, 3]", "at least one day"),
        ("working_days: 15, escalated: [5, 3, 3]", "escalated: [5, 3, 3]", "needs one limit"),
        ("  hearing: ", "  haering: ", "not a key"),
    ],
)
def test_a_mistake_in_the_file_is_told(repository: Path, tmp_path: Path, wrong: str, right: str, message: str) -> None:
    text = (repository / "serving" / "casework" / "clocks.yaml").read_text(encoding="utf-8")
    assert wrong in text
    (tmp_path / "clocks.yaml").write_text(text.replace(wrong, right, 1), encoding="utf-8")
    with pytest.raises(DocumentError, match=message):
        load_clocks(tmp_path / "clocks.yaml")
