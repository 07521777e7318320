"""No case unread: what is late goes up by itself, and at last its citizen is heard (acceptance rows 15 and 56)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import pairwise

import pytest
from sqlalchemy import Engine, text

from serving.casework.cases import close_case, read_case
from serving.casework.clocks import Kind
from serving.casework.escalation import escalate
from serving.casework.leases import claim, pause, word_for
from serving.casework.queues import Desk, overdue
from serving.casework.states import Actor
from serving.store.server import EmbeddedServer
from tests.cases_world import ANN, CLOCKS, DESK, DISTRICT, a_case, in_review, later
from tests.casework_world import MORNING, casework_database, count


@pytest.fixture
def engine(server: EmbeddedServer) -> Iterator[Engine]:
    with casework_database(server) as engine:
        yield engine


def days_of(engine: Engine, start: int, end: int) -> list[tuple[int, int, int]]:
    """Escalated every noon: on which day which case came to which level."""
    return [
        (day, raised.case, raised.level)
        for day in range(start, end)
        for raised in escalate(engine, CLOCKS, later(days=day, hours=3))
    ]


def test_an_aged_case_goes_up_level_by_level_and_then_its_citizen_is_heard(engine: Engine) -> None:
    with engine.begin() as connection:
        of = in_review(connection)
        case = a_case(connection, of)
        revision = connection.execute(text("SELECT revision FROM entitlement")).scalar_one()
    raised = days_of(engine, 0, 50)
    levels = [(day, level) for day, number, level in raised if number == case.id]
    # 15 working days to decide, then 5, 3 and 3 for the levels above; 6 April is a day off.
    assert levels[:4] == [(22, 1), (30, 2), (37, 3), (43, 4)]
    with engine.begin() as connection:
        found = read_case(connection, case.id)
        assert (found.state, found.escalation) == ("open", 4)
        (hearing,) = connection.execute(text("SELECT id FROM case_file WHERE kind = 'hearing'")).scalars()
        heard = read_case(connection, hearing)
        assert (heard.subject, heard.entitlement, heard.why) == (
            "p1", of.id, [{"code": "not_decided_in_time", "case": case.id}],
        )  # fmt: skip
        rows = connection.execute(text("SELECT kind, entitlement, case_file, payload FROM outbox ORDER BY id")).all()
        assert rows[0][:3] == ("delay", of.id, case.id)
        assert rows[0][3]["may_complain"] is True
        # Lateness decides nothing: the entitlement waits as it was, for a human.
        assert connection.execute(text("SELECT state, revision FROM entitlement")).one() == ("review", revision)
        assert count(connection, "audit_intent", f"action = 'case:escalated' AND object_id = '{case.id}'") == len(
            levels
        )


def test_it_never_falls_silent_and_never_doubles(engine: Engine) -> None:
    with engine.begin() as connection:
        case = a_case(connection, subject="p1")
    days_of(engine, 0, 120)
    with engine.begin() as connection:
        assert count(connection, "case_file", "kind = 'hearing' AND state <> 'closed'") == 1
        events = connection.execute(
            text("SELECT at FROM case_event WHERE case_file = :c AND action = 'escalated' ORDER BY id"), {"c": case.id}
        ).scalars()
        moments = list(events)
    gaps = [after - before for before, after in pairwise(moments)]
    assert len(gaps) > 10
    assert max(gaps) <= dt.timedelta(days=12)
    assert escalate(engine, CLOCKS, later(days=119, hours=4)) == []


def test_what_nobody_took_up_in_time_goes_up_and_keeps_its_day(engine: Engine) -> None:
    with engine.begin() as connection:
        untouched = a_case(connection, subject="a", kind=Kind.OBJECTION)
        touched = claim(connection, a_case(connection, subject="b", kind=Kind.OBJECTION), ANN, MORNING)
    assert escalate(engine, CLOCKS, later(hours=38)) == []
    (raised,) = escalate(engine, CLOCKS, later(hours=40))
    assert (raised.case, raised.level) == (untouched.id, 1)
    with engine.begin() as connection:
        assert read_case(connection, untouched.id).due_at == untouched.due_at
        assert [
            case.id for case in overdue(connection, Desk(frozenset({DISTRICT}), least_level=1), later(hours=40))
        ] == [untouched.id]
        assert read_case(connection, touched.id).escalation == 0


def test_whoever_has_it_in_hand_is_told(engine: Engine) -> None:
    with engine.begin() as connection:
        case = claim(connection, a_case(connection), ANN, MORNING)
    escalate(engine, CLOCKS, later(days=30))
    with engine.begin() as connection:
        assert word_for(connection, ANN) == [(case.id, "escalated", "escalation")]
        assert overdue(connection, DESK, later(days=30))[0].id == case.id


def test_a_clock_that_stands_is_not_late_and_does_not_stand_for_ever(engine: Engine) -> None:
    with engine.begin() as connection:
        case = claim(connection, a_case(connection), ANN, MORNING)
        pause(connection, case, "waiting_for_register", ANN, MORNING, CLOCKS)
    assert days_of(engine, 0, 14) == []
    with engine.begin() as connection:
        assert read_case(connection, case.id).paused_at == MORNING
    raised = days_of(engine, 14, 60)
    assert raised[0] == (38, case.id, 1)
    with engine.begin() as connection:
        assert count(connection, "case_event", "action = 'resumed' AND actor = 'escalation'") == 1


def test_nobody_outside_is_told_of_what_nobody_outside_waits_for(engine: Engine) -> None:
    with engine.begin() as connection:
        a_case(connection, kind=Kind.QUALITY_SAMPLE)
    levels = [level for _, _, level in days_of(engine, 0, 100)]
    assert max(levels) == 4
    with engine.begin() as connection:
        assert (count(connection, "outbox"), count(connection, "case_file")) == (0, 1)


def test_a_hearing_that_is_late_is_told_of_and_opens_no_other(engine: Engine) -> None:
    with engine.begin() as connection:
        a_case(connection, kind=Kind.HEARING)
    days_of(engine, 0, 60)
    with engine.begin() as connection:
        assert count(connection, "case_file") == 1
        assert count(connection, "outbox", "kind = 'delay'") >= 3


def test_what_is_closed_is_left_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        close_case(connection, a_case(connection), (Actor.OFFICER, ANN), MORNING, "answered")
    assert days_of(engine, 0, 60) == []


def test_many_are_raised_at_once(engine: Engine) -> None:
    with engine.begin() as connection:
        numbers = [a_case(connection, subject=f"p{number}").id for number in range(450)]
    assert [raised.case for raised in escalate(engine, CLOCKS, later(days=30))] == numbers
    assert escalate(engine, CLOCKS, later(days=30)) == []
