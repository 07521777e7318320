"""What is watched, with its bounds met exactly and passed."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from serving.casework.cases import read_case
from serving.casework.clocks import Kind
from serving.casework.decisions import Judgement, decide
from serving.casework.leases import claim
from serving.casework.moves import make_move, read_entitlement
from serving.casework.review import Verdict, View, record_view, show_recommendation
from serving.casework.states import State
from serving.casework.watching import (
    Alarm,
    Made,
    by_benefit,
    by_officer,
    decisions_made,
    far_from_baseline,
    groups_apart,
    overturned_on_appeal,
    reasons_far_from_baseline,
    rubber_stamps,
    too_fast,
    too_many_other,
)
from serving.store.server import EmbeddedServer
from tests.cases_world import ANN, BEN, CLOCKS, a_case, agreed, decided, in_review, later, seal
from tests.casework_world import CITIZEN, MORNING, casework_database


def made(
    count: int,
    overridden: int = 0,
    *,
    officer: str = ANN,
    code: str | None = None,
    seconds: float | None = 90,
    appealed: bool = False,
    overturned: int = 0,
    group: str = "p",
    recommended: bool = True,
) -> list[Made]:
    return [
        Made(
            officer, "benefit", number < overridden, recommended, code if number < overridden else None, seconds,
            "2026-03", appealed, number < overturned, ("person", f"{group}{number}"),
        )
        for number in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize(("now", "alarms"), [(20, 0), (26, 0), (36, 1), (40, 1), (4, 1), (0, 1), (14, 0)])
def test_a_rate_of_overriding_leaves_its_baseline_either_way(now: int, alarms: int) -> None:
    for key in (by_officer, by_benefit):
        found = far_from_baseline(made(1_000, 100), made(200, now), key)
        assert len(found) == alarms, found
        assert all(one.alarm is Alarm.FAR_FROM_BASELINE and one.cases == 200 for one in found)


def test_chance_alone_seldom_alarms() -> None:
    draw = random.Random(5)

    def at_random(count: int) -> list[Made]:
        return made(count, sum(draw.random() < 0.1 for _ in range(count)))

    alarms = sum(len(far_from_baseline(at_random(500), at_random(200), by_officer)) for _ in range(1_000))
    assert alarms <= 15  # 2.7 are expected of three standard deviations


def test_few_decisions_say_nothing() -> None:
    assert far_from_baseline(made(1_000, 0), made(19, 19), by_officer) == []
    assert far_from_baseline(made(19, 0), made(100, 100), by_officer) == []
    assert far_from_baseline([], made(100, 100), by_officer) == []
    assert far_from_baseline(made(100), made(100, 100, recommended=False), by_officer) == []


def test_a_reason_that_is_suddenly_given_is_asked_about() -> None:
    found = reasons_far_from_baseline(made(400, 40, code="DATA_WRONG"), made(200, 60, code="DATA_STALE"))
    assert {one.of for one in found} == {"DATA_STALE", "DATA_WRONG"}
    assert reasons_far_from_baseline(made(400, 40, code="DATA_WRONG"), made(200, 21, code="DATA_WRONG")) == []


@pytest.mark.parametrize(("cases", "overridden", "alarms"), [(200, 1, 1), (200, 2, 0), (199, 0, 0), (300, 2, 1)])
def test_who_never_disagrees_has_stopped_looking(cases: int, overridden: int, alarms: int) -> None:
    assert len(rubber_stamps(made(cases, overridden))) == alarms


@pytest.mark.parametrize(("seconds", "count", "alarms"), [(14.9, 20, 1), (15, 20, 0), (3, 19, 0), (None, 50, 0)])
def test_a_full_review_takes_its_time(seconds: float | None, count: int, alarms: int) -> None:
    assert len(too_fast(made(count, seconds=seconds))) == alarms


@pytest.mark.parametrize(("other", "alarms"), [(2, 0), (3, 1)])
def test_a_list_of_reasons_that_lacks_one(other: int, alarms: int) -> None:
    found = too_many_other([*made(20 - other, 20, code="DUPLICATE"), *made(other, 20, code="OTHER")])
    assert len(found) == alarms


@pytest.mark.parametrize(("overturned", "alarms"), [(2, 0), (3, 1)])
def test_appeals_that_are_won_too_often(overturned: int, alarms: int) -> None:
    assert len(overturned_on_appeal(made(20, appealed=True, overturned=overturned), by_benefit)) == alarms
    assert overturned_on_appeal(made(20, overturned=overturned), by_benefit) == []


@pytest.mark.parametrize(("of_old", "count", "alarms"), [(2, 59, 0), (4, 59, 1), (58, 58, 0)])
def test_groups_with_whom_the_machine_is_overruled_more_often(of_old: int, count: int, alarms: int) -> None:
    them = [*made(count, of_old, group="old"), *made(100, 0, group="young")]
    group = {one.subject: one.subject[1].rstrip("0123456789") for one in them}
    found = groups_apart(them, group)
    assert [one.of for one in found] == ["old / young"] * alarms
    assert groups_apart(them, {}) == []


@pytest.fixture
def engine(server: EmbeddedServer) -> Iterator[Engine]:
    with casework_database(server) as engine:
        yield engine


def test_decisions_are_read_as_they_were_made(engine: Engine) -> None:
    def one(connection: Connection, subject: str, judgement: Judgement) -> None:
        case = claim(connection, a_case(connection, in_review(connection, subject)), ANN, MORNING)
        record_view(connection, case, ANN, View.GRANT, MORNING)
        show_recommendation(connection, case, ANN, later(seconds=30))
        decide(connection, case, ANN, judgement, seal, CLOCKS, later(seconds=45))

    with engine.begin() as connection:
        one(connection, "p1", Judgement(Verdict.OFFER))
        one(connection, "p2", Judgement(Verdict.ASK, "DUPLICATE", "as seen"))
        denied = decided(
            connection, a_case(connection, in_review(connection, "p3")), Judgement(Verdict.DENY, "DUPLICATE", "as seen")
        )
        agreed(connection, denied)
        of = read_case(connection, denied.case).entitlement or 0
        again = make_move(connection, read_entitlement(connection, of), State.REVIEW, CITIZEN, MORNING)
        appeal = a_case(connection, again, kind=Kind.APPEAL)
        decided(connection, appeal, Judgement(Verdict.GRANT, "DUPLICATE", "there is one only"), BEN)
        found = decisions_made(connection, MORNING, later(days=1))
        assert decisions_made(connection, later(days=1), later(days=2)) == []
    assert [(m.officer, m.overrides, m.recommended, m.seconds, m.appealed, m.overturned) for m in found] == [
        (ANN, False, True, 45, False, False),
        (ANN, True, True, 45, False, False),
        (ANN, True, True, 0, True, True),
        (BEN, True, True, 0, False, False),
    ]
    assert {m.month for m in found} == {"2026-03"}
