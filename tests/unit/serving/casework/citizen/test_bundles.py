"""One life event, one bundle, one answer: all of it or nothing of it."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import Connection, Engine

from serving.casework.citizen.bundles import confirm_bundle, open_bundle, open_offers, refuse_bundle
from serving.casework.citizen.offers import refuse
from serving.casework.citizen.proxies import Established, Proxy, establish
from serving.casework.citizen.speaking import Speaker, itself
from serving.casework.errors import ConflictError, NotAllowedError, NotFoundError
from serving.casework.moves import Entitlement, read_entitlement
from serving.casework.states import State
from tests.casework_world import MORNING, an_entitlement, count, moved

ME = itself("p1", ("household", "h1"))
BENEFITS = ("birth_allowance", "childcare_subsidy", "medical_subsidy")


def a_bundle(connection: Connection, person: str = "p1") -> tuple[int, list[Entitlement]]:
    members = [
        moved(connection, an_entitlement(connection, person, benefit=each), State.OFFERED) for each in BENEFITS[:2]
    ]
    members.append(
        moved(
            connection,
            an_entitlement(connection, f"h{person[1:]}", kind="household", benefit=BENEFITS[2]),
            State.OFFERED,
        )
    )
    return open_bundle(connection, ("person", person), "birth", "police:b1", members, MORNING), members


def test_one_yes_says_yes_to_all(connection: Connection) -> None:
    number, members = a_bundle(connection)
    seen = {each.id: each.revision for each in members}
    first = confirm_bundle(connection, ME, number, seen, "one-click", MORNING)
    assert confirm_bundle(connection, ME, number, seen, "one-click", MORNING) == first
    assert {read_entitlement(connection, each.id).state for each in members} == {State.CONFIRMED}
    assert count(connection, "outbox", "kind = 'offer'") == 1
    assert count(connection, "move", "to_state = 'confirmed'") == 3


def test_one_no_says_no_to_all(connection: Connection) -> None:
    number, members = a_bundle(connection)
    refuse_bundle(connection, ME, number, {each.id: 1 for each in members}, "one-click", MORNING)
    assert {read_entitlement(connection, each.id).state for each in members} == {State.REFUSED}


def test_all_or_nothing(connection: Connection) -> None:
    number, members = a_bundle(connection)
    seen = {each.id: each.revision for each in members}
    moved(connection, members[2], State.REVIEW)
    savepoint = connection.begin_nested()
    with pytest.raises(ConflictError):
        confirm_bundle(connection, ME, number, seen, "one-click", MORNING)
    savepoint.rollback()
    assert count(connection, "move", "to_state = 'confirmed'") == 0
    open_now = {each.id: each.revision for each in open_offers(connection, ME, number, MORNING)}
    assert len(open_now) == 2
    with pytest.raises(ConflictError):
        confirm_bundle(connection, ME, number, {min(open_now): 1}, "one-other-click", MORNING)


def test_a_single_no_stays_no(connection: Connection) -> None:
    number, members = a_bundle(connection)
    refuse(connection, ME, members[0].id, 1, "not-this-one", MORNING)
    confirm_bundle(connection, ME, number, {each.id: 1 for each in members[1:]}, "the-others", MORNING)
    assert read_entitlement(connection, members[0].id).state is State.REFUSED
    with pytest.raises(NotAllowedError, match="Nothing of the bundle"):
        confirm_bundle(connection, ME, number, {}, "once-more", MORNING)


def test_one_event_makes_one_bundle_and_one_notice(connection: Connection) -> None:
    number, members = a_bundle(connection)
    assert open_bundle(connection, ("person", "p1"), "birth", "police:b1", members, MORNING) == number
    assert count(connection, "outbox", "kind = 'offer'") == 1


def test_a_bundle_of_others_does_not_exist(connection: Connection) -> None:
    number, members = a_bundle(connection)
    with pytest.raises(NotFoundError, match=f"There is no bundle {number}"):
        confirm_bundle(connection, itself("p2"), number, {each.id: 1 for each in members}, "curious", MORNING)


def test_a_helper_answers_what_they_see_of_it(connection: Connection) -> None:
    number, members = a_bundle(connection)
    until = MORNING.replace(year=2027)
    wanted = Proxy(("person", "p1"), "p7", MORNING, until, Established.COUNTER, benefits=(BENEFITS[0],))
    establish(connection, wanted, "o1", MORNING)
    helper = itself("p7")
    assert [each.id for each in open_offers(connection, helper, number, MORNING)] == [members[0].id]
    confirm_bundle(connection, helper, number, {members[0].id: 1}, "for-my-mother", MORNING)
    assert [read_entitlement(connection, each.id).state for each in members] == [
        State.CONFIRMED, State.OFFERED, State.OFFERED,
    ]  # fmt: skip


def test_of_ten_clicks_at_once_one_counts_and_all_get_its_answer(engine: Engine) -> None:
    with engine.begin() as connection:
        number, members = a_bundle(connection, "p5")
    speaker = Speaker("p5", frozenset({("person", "p5"), ("household", "h5")}))
    answers: list[object] = []

    def click() -> None:
        with engine.begin() as connection:
            seen = {each.id: 1 for each in members}
            answers.append(confirm_bundle(connection, speaker, number, seen, "ten-clicks", MORNING))

    threads = [threading.Thread(target=click) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 10
    assert all(each == answers[0] for each in answers)
    with engine.connect() as connection:
        ids = ", ".join(str(each.id) for each in members)
        assert count(connection, "move", f"entitlement IN ({ids}) AND to_state = 'confirmed'") == 3
