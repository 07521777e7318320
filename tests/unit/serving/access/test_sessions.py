"""Sessions end by themselves, with their account, and at the latest after twelve hours."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from serving.access.accounts import Posting, move_staff, post_staff, set_citizen_in_service, set_in_service
from serving.access.actions import Action, Purpose
from serving.access.actors import Target
from serving.access.conditions import Condition
from serving.access.errors import LoginRefusedError
from serving.access.gate import Gate
from serving.access.login.tokens import Identity
from serving.access.policy import Refusal
from serving.access.roles import Role
from serving.access.sessions import (
    CITIZEN_IDLE,
    LONGEST,
    STAFF_IDLE,
    end_session,
    end_sessions_of,
    find_session,
    forget_old_sessions,
    open_session,
)
from tests.unit.serving.access.conftest import ISSUER
from tests.unit.serving.access.requests_at_random import LATER, NOW

TODAY = NOW.date()
A_CASE = Target("person:p1", "111", "b1", is_open=True, lease_holder="caseworker", lease_until=LATER)


def an_identity(name: str, *, strong: bool = True) -> Identity:
    return Identity(ISSUER, f"sub-{name}", strong)


@pytest.mark.parametrize(("name", "idle"), [("caseworker", STAFF_IDLE), ("p1", CITIZEN_IDLE)])
def test_a_session_that_rests_ends(connection: Connection, name: str, idle: dt.timedelta) -> None:
    token = open_session(connection, an_identity(name), NOW)
    just_before = NOW + idle - dt.timedelta(seconds=1)
    assert find_session(connection, token, just_before) is not None
    assert find_session(connection, token, just_before + idle - dt.timedelta(seconds=1)) is not None
    assert find_session(connection, token, just_before + 3 * idle) is None


def test_a_session_in_use_ends_after_twelve_hours(connection: Connection) -> None:
    token, moment = open_session(connection, an_identity("caseworker"), NOW), NOW
    while (moment := moment + dt.timedelta(minutes=10)) < NOW + LONGEST:
        found = find_session(connection, token, moment)
        assert found is not None
        assert found.ends_at <= NOW + LONGEST
    assert find_session(connection, token, NOW + LONGEST) is None


def test_staff_without_a_second_factor_get_no_session(connection: Connection) -> None:
    with pytest.raises(LoginRefusedError, match="no second factor"):
        open_session(connection, an_identity("caseworker", strong=False), NOW)
    assert open_session(connection, an_identity("p1", strong=False), NOW)


def test_postgresql_holds_no_session_of_staff_without_a_second_factor(connection: Connection) -> None:
    token = open_session(connection, an_identity("caseworker"), NOW)
    assert token
    with pytest.raises(DBAPIError, match="staff_show_a_second_factor"):
        connection.execute(
            text(
                "INSERT INTO session (id_hash, staff, epoch, strong, opened_at, seen_at) "
                "VALUES (sha256('x'), 'policy', 0, false, now(), now())"
            )
        )


def test_whoever_has_no_account_gets_no_session(connection: Connection) -> None:
    for identity in (an_identity("unknown"), Identity("http://elsewhere", "sub-p1", True)):
        with pytest.raises(LoginRefusedError, match="no account"):
            open_session(connection, identity, NOW)


def test_a_login_ends_the_session_that_the_browser_came_with(connection: Connection) -> None:
    planted = open_session(connection, an_identity("p2"), NOW)
    mine = open_session(connection, an_identity("p1"), NOW, before=planted)
    assert mine != planted
    assert find_session(connection, planted, NOW) is None
    assert find_session(connection, mine, NOW) is not None


def test_logging_out_ends_this_session_and_ending_all_ends_the_rest(connection: Connection) -> None:
    first, second, third = (open_session(connection, an_identity("p1"), NOW) for _ in range(3))
    end_session(connection, first, NOW)
    assert [find_session(connection, one, NOW) is not None for one in (first, second, third)] == [False, True, True]
    assert end_sessions_of(connection, "citizen-p1", NOW) == 2
    assert find_session(connection, second, NOW) is None


def test_a_session_dies_with_its_account_and_does_not_come_back(connection: Connection) -> None:
    staff, citizen = (open_session(connection, an_identity(name), NOW) for name in ("caseworker", "p1"))
    set_in_service(connection, "caseworker", "system_admin", NOW, active=False)
    set_citizen_in_service(connection, "citizen-p1", active=False)
    assert find_session(connection, staff, NOW) is None
    assert find_session(connection, citizen, NOW) is None
    set_in_service(connection, "caseworker", "system_admin", NOW, active=True)
    set_citizen_in_service(connection, "citizen-p1", active=True)
    assert find_session(connection, staff, NOW) is None
    assert find_session(connection, citizen, NOW) is None


def test_other_roles_are_another_epoch(connection: Connection) -> None:
    token = open_session(connection, an_identity("caseworker"), NOW)
    posting = Posting(frozenset({Role.SUPERVISOR}), "11", frozenset({"b1"}))
    post_staff(connection, "caseworker", posting, "security_admin", NOW)
    assert find_session(connection, token, NOW) is None


def test_the_table_holds_no_id_that_would_open_a_session(connection: Connection) -> None:
    token = open_session(connection, an_identity("p1"), NOW)
    row = connection.execute(text("SELECT id_hash, session::text FROM session WHERE citizen = 'citizen-p1'")).one()
    assert token not in row[1]
    for guess in (row[0].hex(), row[1], "", "x" * 43):
        assert find_session(connection, guess, NOW) is None


def test_an_ended_session_cannot_be_made_to_live_again(connection: Connection) -> None:
    token = open_session(connection, an_identity("p1"), NOW)
    end_session(connection, token, NOW)
    with pytest.raises(DBAPIError, match="a session ends once"):
        connection.execute(text("UPDATE session SET ended_at = NULL"))


def test_old_rows_are_forgotten(connection: Connection) -> None:
    open_session(connection, an_identity("p1"), NOW)
    assert forget_old_sessions(connection, NOW + LONGEST) == 0
    assert forget_old_sessions(connection, NOW + LONGEST + dt.timedelta(seconds=1)) == 1


def test_moving_an_officer_takes_effect_at_the_next_request(connection: Connection, gate: Gate) -> None:
    token = open_session(connection, an_identity("caseworker"), NOW)
    session = find_session(connection, token, NOW)
    assert session is not None
    asked = (Action.CASE_DECIDE, A_CASE, Purpose.CASEWORK, NOW, TODAY)
    assert gate.check(connection, session, *asked).allowed
    move_staff(connection, "caseworker", "12", "security_admin", NOW)
    assert gate.check(connection, session, *asked).reason is Condition.IN_DISTRICT


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(["to 11", "to 12", "to 111", "off", "on"]), max_size=6))
def test_whatever_was_changed_the_next_request_knows(engine: Engine, gate: Gate, steps: list[str]) -> None:
    district, active = "11", True
    with engine.connect() as connection:
        token = open_session(connection, an_identity("caseworker"), NOW)
        died = False
        for step in steps:
            if step.startswith("to"):
                district = step.removeprefix("to ")
                move_staff(connection, "caseworker", district, "security_admin", NOW)
            else:
                active = step == "on"
                set_in_service(connection, "caseworker", "system_admin", NOW, active=active)
                died = died or not active
            session = find_session(connection, token, NOW)
            assert (session is None) == died
            if session is None:
                continue
            decision = gate.check(connection, session, Action.CASE_DECIDE, A_CASE, Purpose.CASEWORK, NOW, TODAY)
            assert decision.allowed == (district in ("11", "111"))
        connection.rollback()


def test_a_citizen_is_who_the_session_says(connection: Connection, gate: Gate) -> None:
    for name, own in (("p1", "person:p1"), ("e1", "enterprise:e1")):
        session = find_session(connection, open_session(connection, an_identity(name), NOW), NOW)
        assert session is not None
        for subject in ("person:p1", "person:p2", "enterprise:e1", "person:e1", "household:p1", ""):
            target = Target(subject, "111", "b1")
            decision = gate.check(connection, session, Action.OWN_READ, target, Purpose.OWN_AFFAIRS, NOW, TODAY)
            assert decision.allowed == (subject == own)


def test_a_gate_without_its_database_lets_nobody_in(connection: Connection, gate: Gate) -> None:
    session = find_session(connection, open_session(connection, an_identity("p1"), NOW), NOW)
    assert session is not None
    connection.execute(text("SELECT 1"))
    connection.close()
    decision = gate.check(connection, session, Action.OWN_READ, Target("person:p1"), Purpose.OWN_AFFAIRS, NOW, TODAY)
    assert (decision.allowed, decision.reason) == (False, Refusal.COULD_NOT_CHECK)
