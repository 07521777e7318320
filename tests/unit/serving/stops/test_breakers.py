"""What is unusual in a sweep, and what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from serving.stops.breakers import Counts, trip_unusual, unusual
from serving.stops.buttons import Cause, is_stopped, pressed, release
from serving.store.server import EmbeddedServer
from tests.casework_world import MORNING, casework_database

LAST = Counts(
    answers=10_000, automatic=1_000, undetermined=200, total_minor=20_000_000, largest_minor=40_000, cap_minor=50_000
)


def breakers(now: Counts, last: Counts = LAST) -> list[str]:
    return [one.breaker for one in unusual({"b": last}, {"b": now})]


@pytest.mark.parametrize(
    ("now", "found"),
    [
        (LAST, []),
        (replace(LAST, automatic=1_200), []),  # exactly a fifth more
        (replace(LAST, automatic=1_201), ["automatic_share"]),
        (replace(LAST, automatic=800), []),
        (replace(LAST, automatic=799), ["automatic_share"]),
        (replace(LAST, answers=20_000, automatic=2_000, undetermined=400, total_minor=29_000_000), []),  # more people
        (replace(LAST, largest_minor=50_000), []),
        (replace(LAST, largest_minor=50_001), ["amount_above_cap"]),
        (replace(LAST, total_minor=30_000_000), []),
        (replace(LAST, total_minor=30_000_001), ["total"]),
        (replace(LAST, total_minor=10_000_000), []),
        (replace(LAST, total_minor=9_999_999), ["total"]),
        (replace(LAST, undetermined=700), []),
        (replace(LAST, undetermined=701), ["undetermined_share"]),
        (replace(LAST, undetermined=0), []),  # fewer open questions are no alarm
        (replace(LAST, total_minor=2_000_000_000, largest_minor=4_000_000), ["amount_above_cap", "total"]),  # ×100
        (replace(LAST, automatic=0, total_minor=0), ["automatic_share", "total"]),
    ],
)  # fmt: skip
def test_the_limits(now: Counts, found: list[str]) -> None:
    assert breakers(now) == found


def test_in_a_village_one_birth_is_no_alarm_but_cents_for_yuan_are() -> None:
    village = Counts(answers=40, automatic=3, undetermined=1, total_minor=60_000, largest_minor=20_000)
    assert breakers(replace(village, automatic=5, total_minor=100_000), village) == []
    assert breakers(replace(village, automatic=1, total_minor=20_000), village) == []
    assert breakers(replace(village, total_minor=6_000_000, largest_minor=2_000_000), village) == ["total"]


def test_a_benefit_that_is_new_has_its_cap_and_one_that_is_gone_is_told() -> None:
    assert unusual({}, {"b": replace(LAST, cap_minor=None)}) == []
    assert [one.breaker for one in unusual({}, {"b": replace(LAST, largest_minor=50_001)})] == ["amount_above_cap"]
    assert [one.breaker for one in unusual({"b": LAST}, {})] == ["automatic_share", "total"]


COUNTS = st.builds(
    lambda answers, automatic, open_, mean: Counts(
        answers, automatic := min(automatic, answers), min(open_, answers - automatic), automatic * mean
    ),
    st.integers(0, 5_000), st.integers(0, 5_000), st.integers(0, 5_000), st.integers(0, 10**6),
)  # fmt: skip


@given(COUNTS)
def test_the_same_again_is_never_unusual_and_a_hundredfold_total_always_is(counts: Counts) -> None:
    assert breakers(counts, counts) == []
    assert breakers(replace(counts, total_minor=counts.total_minor * 100), counts) == (
        ["total"] if counts.total_minor else []
    )


def test_a_breaker_stops_its_benefit_once_until_two_people_looked(server: EmbeddedServer) -> None:
    findings = unusual({"b": LAST}, {"b": replace(LAST, automatic=2_000, total_minor=40_000_000)})
    with casework_database(server) as engine, engine.begin() as connection:
        (number,) = trip_unusual(connection, findings, MORNING)
        assert trip_unusual(connection, findings, MORNING) == []
        assert is_stopped(connection, "b", "payment")
        assert not is_stopped(connection, "c", "payment")
        (one,) = pressed(connection)
        assert (one.cause, one.reason) == (
            Cause.BREAKER,
            "automatic_share: 0.2 against 0.1; total: 4e+07 against 2e+07",
        )
        kinds = text("SELECT action, actor_kind, actor FROM audit_intent WHERE object = 'stop'")
        assert [tuple(row) for row in connection.execute(kinds)] == [("stop:pressed", "system", "automatic_share")]
        release(connection, number, "o1", MORNING)
        assert is_stopped(connection, "b", "payment")
        release(connection, number, "o2", MORNING)
        assert not is_stopped(connection, "b", "payment")
