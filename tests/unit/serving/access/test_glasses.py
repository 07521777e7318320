"""Breaking the glass: for a quarter of an hour, with a reason, and never without somebody being told."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import DBAPIError

from serving.access.accounts import move_staff, set_in_service
from serving.access.actions import Action, Purpose
from serving.access.actors import GLASS_OPEN, Target
from serving.access.errors import NobodyToTellError, ReasonTooShortError
from serving.access.gate import Gate
from serving.access.glasses import break_glass, glasses_to_review, review_glass
from serving.access.sessions import Session
from serving.store.tables.access import broken_glass
from tests.unit.serving.access.requests_at_random import MOMENT, NOW

OFFICER = Session("caseworker", True, True, NOW + dt.timedelta(minutes=15))
ELSEWHERE = Target("person:p1", "12", "b2", is_open=True)
REASON = "The ambulance service asks who looks after this person at home."


def seal(words: str, number: uuid.UUID) -> bytes:
    """Stands for the field encryption, which has tests of its own: what matters here is that it is asked."""
    return f"{number}:{words[::-1]}".encode()


def broken(connection: Connection, gate: Gate) -> uuid.UUID:
    actor = gate.actor(connection, OFFICER, NOW)
    return break_glass(connection, actor, "person:p1", REASON, seal, MOMENT)


def may_read(connection: Connection, gate: Gate, target: Target, now: dt.datetime) -> bool:
    asked = (Action.CASE_READ, target, Purpose.EMERGENCY, now, now.date())
    return gate.check(connection, OFFICER, *asked).allowed


def test_a_glass_opens_one_file_for_a_quarter_of_an_hour(connection: Connection, gate: Gate) -> None:
    assert not may_read(connection, gate, ELSEWHERE, NOW)
    broken(connection, gate)
    assert may_read(connection, gate, ELSEWHERE, NOW)
    assert not may_read(connection, gate, Target("person:p2", "12", "b2"), NOW)
    assert may_read(connection, gate, ELSEWHERE, NOW + GLASS_OPEN - dt.timedelta(seconds=1))
    assert not may_read(connection, gate, ELSEWHERE, NOW + GLASS_OPEN)


def test_the_supervisor_of_the_officer_is_told_and_looks_at_it(connection: Connection, gate: Gate) -> None:
    number = broken(connection, gate)
    connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    assert glasses_to_review(connection, "supervisor") == [number]
    recorded = text("SELECT action, actor FROM audit_intent WHERE object_id = :id")
    assert connection.execute(recorded, {"id": str(number)}).all() == [("glass:broken", "caseworker")]
    with pytest.raises(DBAPIError, match="another_looks_at_it"), connection.begin_nested():
        review_glass(connection, number, "caseworker", NOW)
    review_glass(connection, number, "supervisor", NOW)
    assert glasses_to_review(connection, "supervisor") == []


def test_with_nobody_to_tell_no_glass_is_broken(connection: Connection, gate: Gate) -> None:
    move_staff(connection, "supervisor", "12", "security_admin", NOW)
    with pytest.raises(NobodyToTellError):
        broken(connection, gate)
    move_staff(connection, "supervisor", "1", "security_admin", NOW)
    set_in_service(connection, "supervisor", "system_admin", NOW, active=False)
    with pytest.raises(NobodyToTellError):
        broken(connection, gate)
    assert not may_read(connection, gate, ELSEWHERE, NOW)


def test_a_query_that_tells_nobody_is_refused(connection: Connection) -> None:
    row = {
        "id": uuid.uuid4(), "officer": "caseworker", "kind": "person", "subject": "p1", "reason": b"x",
        "opened_at": NOW, "until_at": NOW + GLASS_OPEN,
    }  # fmt: skip
    with pytest.raises(DBAPIError, match="a_quarter_of_an_hour"), connection.begin_nested():
        connection.execute(insert(broken_glass).values({**row, "until_at": NOW + dt.timedelta(hours=1)}))
    connection.execute(insert(broken_glass).values(row))
    with pytest.raises(DBAPIError, match="no supervisor is told"):
        connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


def test_a_reason_that_says_nothing_breaks_nothing(connection: Connection, gate: Gate) -> None:
    actor = gate.actor(connection, OFFICER, NOW)
    for reason in ("", "urgent", " " * 40):
        with pytest.raises(ReasonTooShortError, match="at least 20 characters"):
            break_glass(connection, actor, "person:p1", reason, seal, MOMENT)


def test_the_reason_is_held_as_it_was_sealed(connection: Connection, gate: Gate) -> None:
    number = broken(connection, gate)
    held = connection.execute(text("SELECT reason FROM broken_glass")).scalar_one()
    assert held == seal(REASON, number)
