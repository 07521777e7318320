"""Yes, no, a changed mind, a person: equal steps, once each, whatever is clicked twice."""

from __future__ import annotations

import inspect

import pytest
from sqlalchemy import Connection, text

from serving.casework.citizen.offers import ask_for_person, ask_for_person_without_offer, confirm, refuse
from serving.casework.citizen.speaking import Speaker, itself
from serving.casework.errors import ConflictError, NotAllowedError, NotFoundError, RequestReusedError
from serving.casework.moves import By, Entitlement, read_entitlement
from serving.casework.states import Actor, State
from tests.cases_world import SAID
from tests.casework_world import MORNING, an_entitlement, count, moved

ME = itself("p1", ("household", "h1"))
OFFICER = By(Actor.OFFICER, "o1")


def offered(connection: Connection, subject: str = "p1", **what: object) -> Entitlement:
    return moved(connection, an_entitlement(connection, subject, **what), State.OFFERED)  # type: ignore[arg-type]


def test_one_step_to_say_yes_and_one_to_say_no(connection: Connection) -> None:
    assert list(inspect.signature(confirm).parameters) == list(inspect.signature(refuse).parameters)
    yes, no = offered(connection), offered(connection, period="2026-04")
    assert confirm(connection, ME, yes.id, 1, "key-of-yes", MORNING)["state"] == "confirmed"
    assert refuse(connection, ME, no.id, 1, "key-of-no", MORNING)["state"] == "refused"
    assert count(connection, "move", f"entitlement = {yes.id}") == count(connection, "move", f"entitlement = {no.id}")


def test_a_changed_mind_is_one_step_either_way(connection: Connection) -> None:
    it = offered(connection)
    refused = refuse(connection, ME, it.id, 1, "first-key", MORNING)
    assert refused["state"] == "refused"
    again = confirm(connection, ME, it.id, 2, "second-key", MORNING)
    assert (again["state"], again["revision"]) == ("confirmed", 4)
    assert refuse(connection, ME, it.id, 4, "third-key", MORNING)["state"] == "refused"


def test_what_is_approved_can_be_refused_until_the_bank_has_it_and_is_then_not_sent(connection: Connection) -> None:
    it = moved(connection, offered(connection), State.CONFIRMED, by=By(Actor.CITIZEN, "p1"))
    it = moved(connection, it, State.APPROVED)
    refuse(connection, ME, it.id, it.revision, "no-after-all", MORNING)
    assert count(connection, "outbox", f"entitlement = {it.id} AND kind = 'grant' AND state = 'ready'") == 0
    confirm(connection, ME, it.id, it.revision + 1, "yes-after-all", MORNING)
    it = moved(connection, read_entitlement(connection, it.id), State.APPROVED)
    assert count(connection, "outbox", f"entitlement = {it.id} AND kind = 'grant' AND state = 'ready'") == 1
    it = moved(connection, it, State.SUBMITTED)
    with pytest.raises(NotAllowedError):
        refuse(connection, ME, it.id, it.revision, "far-too-late", MORNING)


def test_what_the_sender_has_in_its_hands_is_not_taken_back(connection: Connection) -> None:
    it = moved(connection, an_entitlement(connection, tier="automatic"), State.APPROVED)
    connection.execute(
        text("UPDATE outbox SET state = 'leased', lease_until = now() WHERE entitlement = :e"), {"e": it.id}
    )
    with pytest.raises(NotAllowedError, match="is being delivered"):
        refuse(connection, ME, it.id, it.revision, "too-late-now", MORNING)
    assert read_entitlement(connection, it.id).state is State.APPROVED


def test_a_double_click_and_a_replay_get_the_first_answer(connection: Connection) -> None:
    it = offered(connection)
    first = confirm(connection, ME, it.id, 1, "clicked-once", MORNING)
    moved(connection, read_entitlement(connection, it.id), State.APPROVED)
    assert confirm(connection, ME, it.id, 1, "clicked-once", MORNING) == first
    assert count(connection, "move", f"entitlement = {it.id} AND to_state = 'confirmed'") == 1
    assert count(connection, "outbox", f"entitlement = {it.id} AND kind = 'receipt'") == 1


def test_a_key_serves_one_request(connection: Connection) -> None:
    it = offered(connection)
    confirm(connection, ME, it.id, 1, "the-same-key", MORNING)
    with pytest.raises(RequestReusedError):
        refuse(connection, ME, it.id, 1, "the-same-key", MORNING)
    other = offered(connection, "p2")
    assert confirm(connection, itself("p2"), other.id, 1, "the-same-key", MORNING)["entitlement"] == other.id


def test_what_failed_leaves_no_answer_behind(connection: Connection) -> None:
    it = offered(connection)
    with pytest.raises(ConflictError):
        confirm(connection, ME, it.id, 0, "first-try", MORNING)
    assert count(connection, "answered_request") == 0
    assert confirm(connection, ME, it.id, 1, "first-try", MORNING)["state"] == "confirmed"


def test_what_is_not_theirs_does_not_exist(connection: Connection) -> None:
    it = offered(connection, "somebody")
    for say in (confirm, refuse):
        with pytest.raises(NotFoundError, match=f"There is no entitlement {it.id}"):
            say(connection, ME, it.id, 1, "curious-key", MORNING)
    with pytest.raises(NotFoundError):
        ask_for_person(connection, ME, it.id, "curious-key", MORNING)


def test_a_household_speaks_through_its_member(connection: Connection) -> None:
    it = offered(connection, "h1", kind="household")
    assert confirm(connection, ME, it.id, 1, "household-key", MORNING)["state"] == "confirmed"
    with pytest.raises(NotFoundError):
        refuse(connection, Speaker("p3", frozenset({("person", "p3")})), it.id, 2, "household-key", MORNING)


WAYS = {
    State.DETECTED: (),
    State.ASK: (State.ASK,),
    State.OFFERED: (State.OFFERED,),
    State.SILENT: (State.OFFERED, State.SILENT),
    State.PUBLIC_NOTICE: (State.PUBLIC_NOTICE,),
    State.APPROVED: (State.APPROVED,),
    State.SUBMITTED: (State.APPROVED, State.SUBMITTED),
    State.RETURNED: (State.APPROVED, State.SUBMITTED, State.RETURNED),
    State.PAID: (State.APPROVED, State.SUBMITTED, State.PAID),
    State.COMPLETED: (State.APPROVED, State.SUBMITTED, State.PAID, State.MONITORED, State.COMPLETED),
    State.SUPERSEDED: (State.SUPERSEDED,),
}


@pytest.mark.parametrize("state", WAYS, ids=[state.value for state in WAYS])
def test_a_person_can_be_asked_for_from_anywhere_and_nothing_is_lost(connection: Connection, state: State) -> None:
    it = moved(connection, an_entitlement(connection, tier="automatic"), *WAYS[state])
    answer = ask_for_person(connection, ME, it.id, "help-me-please", MORNING, words=SAID)
    assert (answer["state"], answer["revision"]) == (state.value, it.revision)
    assert count(connection, "case_file", f"id = {answer['case']} AND kind = 'person_wanted'") == 1
    decided = ask_for_person(connection, ME, it.id, "decide-it-please", MORNING, decide=True)
    assert decided["case"] == answer["case"]
    to_human = state in (State.ASK, State.OFFERED, State.SILENT, State.APPROVED, State.RETURNED)
    assert decided["state"] == ("review" if to_human else state.value)


def test_a_person_can_be_asked_for_about_what_was_never_offered(connection: Connection) -> None:
    answer = ask_for_person_without_offer(connection, ME, ("person", "p1"), None, "110101", "any-question", MORNING)
    assert answer == ask_for_person_without_offer(
        connection, ME, ("person", "p1"), None, "110101", "any-question", MORNING
    )
    assert count(connection, "case_file", "kind = 'person_wanted'") == 1
