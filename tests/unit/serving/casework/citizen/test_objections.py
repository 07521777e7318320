"""Objections of one's own and of others, and appeals for somebody who was not in it before."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text

from serving.casework.citizen.objections import object_to, object_to_answer, object_to_notice
from serving.casework.citizen.speaking import itself
from serving.casework.errors import NotAllowedError, NotFoundError
from serving.casework.moves import Entitlement, read_entitlement, refusals
from serving.casework.states import State
from tests.cases_world import SAID
from tests.casework_world import MORNING, an_entitlement, count, moved
from tests.decided_world import decided

ME = itself("p1")


def put_up(connection: Connection) -> Entitlement:
    return moved(connection, an_entitlement(connection, tier="automatic"), State.PUBLIC_NOTICE)


def test_what_somebody_objects_to_is_for_a_human_and_not_for_the_clock(connection: Connection) -> None:
    it = put_up(connection)
    answer = object_to_notice(connection, "neighbour", it.id, SAID, "i-object", MORNING)
    assert set(answer) == {"case"}
    assert read_entitlement(connection, it.id).state is State.REVIEW
    assert count(connection, "case_file", f"kind = 'objection' AND entitlement = {it.id}") == 1
    second = object_to_notice(connection, "other-neighbour", it.id, SAID, "me-too-me-too", MORNING)
    assert second == answer
    assert count(connection, "objection") == 2
    assert count(connection, "move", "actor LIKE '%neighbour%'") == 0
    assert object_to_notice(connection, "neighbour", it.id, SAID, "i-object", MORNING) == answer
    assert count(connection, "objection") == 2


def test_others_object_only_to_what_is_put_up(connection: Connection) -> None:
    it = moved(connection, an_entitlement(connection), State.OFFERED)
    with pytest.raises(NotFoundError):
        object_to_notice(connection, "neighbour", it.id, SAID, "i-object", MORNING)


@pytest.mark.parametrize(
    ("way", "stands"),
    [
        ((State.OFFERED,), State.REVIEW),
        ((State.PUBLIC_NOTICE,), State.REVIEW),
        ((State.APPROVED,), State.APPROVED),
        ((State.APPROVED, State.SUBMITTED, State.PAID, State.MONITORED), State.MONITORED),
    ],
    ids=["offered", "put up", "approved", "monitored"],
)
def test_ones_own_objection_stops_no_money_that_is_on_its_way(
    connection: Connection, way: tuple[State, ...], stands: State
) -> None:
    it = moved(connection, an_entitlement(connection, tier="automatic"), *way)
    answer = object_to(connection, ME, it.id, it.revision, SAID, "too-little", MORNING)
    assert answer["state"] == stands.value
    assert count(connection, "case_file", f"id = {answer['case']} AND kind = 'objection'") == 1


def test_who_got_nothing_can_object(connection: Connection) -> None:
    answer = object_to_answer(connection, ME, ("person", "p1"), "dibao", "110101", SAID, "why-not-me", MORNING)
    assert count(connection, "objection", f"case_file = {answer['case']} AND against = 'answer'") == 1
    with pytest.raises(NotFoundError):
        object_to_answer(connection, ME, ("person", "p2"), "dibao", "110101", SAID, "why-not-them", MORNING)


def denied(connection: Connection) -> Entitlement:
    it = moved(connection, an_entitlement(connection), State.REVIEW)
    return decided(connection, it, "deny", State.DENIED, "o1", "o2")


def test_an_appeal_is_for_somebody_who_was_not_in_it_before(connection: Connection) -> None:
    it = denied(connection)
    answer = object_to(connection, ME, it.id, it.revision, SAID, "i-appeal", MORNING)
    assert answer["state"] == "review"
    case = answer["case"]
    assert count(connection, "case_file", f"id = {case} AND kind = 'appeal'") == 1
    barred = connection.execute(text("SELECT officer FROM barred WHERE case_file = :c ORDER BY 1"), {"c": case})
    assert barred.scalars().all() == ["o1", "o2"]
    view = "INSERT INTO provisional_view VALUES (:c, :o, 'grant', now())"
    lease = "UPDATE case_file SET lease_holder = :o, lease_until = now(), revision = revision + 1 WHERE id = :c"
    for officer in ("o1", "o2"):
        for query in (view, lease):
            with pytest.raises(NotAllowedError, match="for somebody who was not in it before"):
                _try(connection, query, case, officer)
    _try(connection, lease, case, "o3")
    _try(connection, view, case, "o3")
    second = "INSERT INTO decision (case_file, officer, verdict, overrides, needs_second, proposed_at)"
    connection.execute(text(f"{second} VALUES (:c, 'o3', 'grant', false, true, now())"), {"c": case})
    settle = "UPDATE decision SET state = 'in_force', second = :o, settled_at = now() WHERE case_file = :c"
    with pytest.raises(NotAllowedError, match="for somebody who was not in it before"):
        _try(connection, settle, case, "o2")


def _try(connection: Connection, query: str, case: object, officer: str) -> None:
    with refusals("case", 0, 0, lambda: (), connection):
        connection.execute(text(query), {"c": case, "o": officer})
