"""Helpers see and answer what they were let, get a receipt, and are out at once when they are revoked."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import Connection, Engine, select, text

from serving.casework.citizen.offers import ask_for_person, confirm, refuse
from serving.casework.citizen.proxies import Established, Proxy, establish, proxies_of, revoke, revoke_on_behalf
from serving.casework.citizen.speaking import How, TakenDown, itself, seen_by
from serving.casework.errors import NotAllowedError, NotFoundError
from serving.casework.moves import By, Entitlement, make_move
from serving.casework.sealing import OwnWords
from serving.casework.states import Actor, State
from serving.store.tables.citizens import said_elsewhere
from tests.cases_world import seal, unseal
from tests.casework_world import MORNING, an_entitlement, count, moved

ELDER, HELPER = itself("elder"), itself("helper")
UNTIL = MORNING + dt.timedelta(days=30)
LATER = MORNING + dt.timedelta(days=1)
ALLOWANCE = "advanced_age_allowance"


def offered(connection: Connection, benefit: str = ALLOWANCE) -> Entitlement:
    return moved(connection, an_entitlement(connection, "elder", benefit=benefit), State.OFFERED)


def helped(connection: Connection, benefits: tuple[str, ...] = (ALLOWANCE,), **what: object) -> int:
    wanted = Proxy(
        ("person", "elder"), "helper", MORNING, UNTIL, Established.HOME_VISIT, benefits=benefits, **what  # type: ignore[arg-type]
    )  # fmt: skip
    return establish(connection, wanted, "o1", MORNING)


def test_a_helper_sees_and_answers_what_they_were_let_and_both_get_a_receipt(connection: Connection) -> None:
    it, other = offered(connection), offered(connection, "dibao")
    helped(connection)
    assert list(seen_by(connection, HELPER, MORNING)) == [it.id]
    answer = confirm(connection, HELPER, it.id, 1, "for-mother", MORNING)
    assert answer["state"] == "confirmed"
    with pytest.raises(NotFoundError):
        confirm(connection, HELPER, other.id, 1, "for-mother-too", MORNING)
    to = connection.execute(text("SELECT payload ->> 'to' FROM outbox WHERE kind = 'receipt' ORDER BY 1")).scalars()
    assert to.all() == ["person:elder", "person:helper"]
    assert count(connection, "move", "actor_kind = 'proxy' AND actor = 'helper'") == 1


def test_one_offer_alone_can_be_let_see(connection: Connection) -> None:
    it = offered(connection)
    other = moved(connection, an_entitlement(connection, "elder", period="2026-04"), State.OFFERED)
    helped(connection, (), entitlements=(it.id,))
    assert list(seen_by(connection, HELPER, MORNING)) == [it.id]
    with pytest.raises(NotFoundError):
        refuse(connection, HELPER, other.id, 1, "not-covered", MORNING)


@pytest.mark.parametrize("who", ["elder", "helper", "officer"])
def test_revoked_is_revoked_at_once(connection: Connection, who: str) -> None:
    it = offered(connection)
    number = helped(connection)
    assert list(proxies_of(connection, ("person", "elder"))) == [number]
    if who == "officer":
        revoke_on_behalf(connection, number, "o2", MORNING)
    else:
        revoke(connection, number, itself(who), MORNING)
    with pytest.raises(NotFoundError):
        confirm(connection, HELPER, it.id, 1, "for-mother", MORNING)
    with pytest.raises(NotFoundError):
        revoke(connection, number, ELDER, LATER)
    assert list(proxies_of(connection, ("person", "elder"))) == []


def test_others_cannot_revoke_what_is_not_theirs(connection: Connection) -> None:
    number = helped(connection)
    with pytest.raises(NotFoundError):
        revoke(connection, number, itself("neighbour"), MORNING)


def test_a_proxy_begins_and_ends(connection: Connection) -> None:
    it = offered(connection)
    helped(connection)
    for moment in (MORNING - dt.timedelta(seconds=1), UNTIL):
        with pytest.raises(NotFoundError):
            confirm(connection, HELPER, it.id, 1, "too-soon-or-late", moment)


@pytest.mark.parametrize(
    "what",
    [
        {"benefits": ()},
        {"covers_all": True},
        {"until": None},
        {"helper": "elder"},
        {"helper": "o1"},
    ],
    ids=["covers nothing", "covers all", "no end", "oneself", "the officer"],
)
def test_only_a_guardian_has_no_limits_and_nobody_helps_themselves(
    connection: Connection, what: dict[str, object]
) -> None:
    values: dict[str, object] = {
        "elder": ("person", "elder"), "helper": "helper", "since": MORNING, "until": UNTIL,
        "established": Established.COUNTER, "benefits": (ALLOWANCE,),
    }  # fmt: skip
    with pytest.raises(NotAllowedError):
        establish(connection, Proxy(**{**values, **what}), "o1", MORNING)  # type: ignore[arg-type]


def test_a_guardian_speaks_for_all(connection: Connection) -> None:
    it = offered(connection, "dibao")
    wanted = Proxy(("person", "elder"), "helper", MORNING, None, Established.GUARDIAN, covers_all=True)
    establish(connection, wanted, "o1", MORNING)
    assert confirm(connection, HELPER, it.id, 1, "for-my-ward", MORNING)["state"] == "confirmed"


def test_postgresql_asks_too_whether_they_may_speak(connection: Connection) -> None:
    it = offered(connection)
    with pytest.raises(NotAllowedError, match="nobody has let them speak"):
        make_move(connection, it, State.CONFIRMED, By(Actor.PROXY, "helper"), MORNING)
    helped(connection, ("dibao",))
    with pytest.raises(NotAllowedError, match="nobody has let them speak"):
        make_move(connection, it, State.CONFIRMED, By(Actor.PROXY, "helper"), MORNING)


def test_an_answer_on_paper_is_the_persons_and_says_who_took_it_down(connection: Connection) -> None:
    it = offered(connection)
    paper = TakenDown("o1", ("person", "elder"), How.PAPER, OwnWords("a" * 64, seal))
    assert refuse(connection, paper, it.id, 1, "form-17-no", MORNING)["state"] == "refused"
    assert confirm(connection, paper, it.id, 2, "form-18-yes", LATER)["state"] == "confirmed"
    assert count(connection, "move", "actor_kind = 'proxy' AND actor = 'o1'") == 3
    rows = connection.execute(text("SELECT said, how, officer FROM said_elsewhere ORDER BY id")).all()
    assert rows == [("no", "paper", "o1"), ("yes", "paper", "o1")]
    stored = connection.execute(select(said_elsewhere).where(said_elsewhere.c.how == "paper")).mappings().all()
    assert all(row["document"] is None and b"a" * 64 not in row["scan"] for row in stored)
    for row in stored:
        assert unseal(row["scan"], said_elsewhere.c.scan, {str(key): value for key, value in row.items()}) == "a" * 64
    assert count(connection, "outbox", "kind = 'receipt' AND payload ->> 'how' = 'paper'") == 2
    assert ask_for_person(connection, paper, it.id, "form-19-help", LATER)["state"] == "confirmed"


def test_an_officer_enters_no_yes_of_their_own(connection: Connection) -> None:
    it = offered(connection)
    with pytest.raises(NotFoundError):
        confirm(connection, TakenDown("o1", ("person", "other"), How.PHONE), it.id, 1, "of-somebody", MORNING)
    with pytest.raises(NotAllowedError, match="is not moved to confirmed by a officer"):
        make_move(connection, it, State.CONFIRMED, By(Actor.OFFICER, "o1"), MORNING)
    connection.execute(
        text(
            "INSERT INTO said_elsewhere (entitlement, revision, said, how, officer, at)"
            " VALUES (:e, 1, 'no', 'phone', 'o1', now())"
        ),
        {"e": it.id},
    )
    with pytest.raises(NotAllowedError, match="nobody has let them speak"):
        make_move(connection, it, State.CONFIRMED, By(Actor.PROXY, "o1"), MORNING)


def test_row_level_security_shows_a_helper_what_they_were_let_see(engine: Engine) -> None:
    with engine.connect() as connection:
        it = offered(connection)
        offered(connection, "dibao")
        number = helped(connection)

        def read(subjects: str, moment: dt.datetime = MORNING) -> list[int]:
            connection.execute(text("RESET ROLE"))
            connection.execute(text("SET LOCAL ROLE applyfree_citizen"))
            connection.execute(
                text("SELECT set_config('applyfree.subjects', :s, true), set_config('applyfree.at', :at, true)"),
                {"s": subjects, "at": moment.isoformat()},
            )
            assert connection.execute(text("SELECT count(*) FROM proxy")).scalar_one() == int(subjects != "person:x")
            return list(connection.execute(text("SELECT id FROM entitlement ORDER BY id")).scalars())

        assert read("person:helper") == [it.id]
        assert len(read("person:elder")) == 2
        assert read("person:x") == []
        assert read("person:helper", UNTIL) == []
        connection.execute(text("SET LOCAL ROLE applyfree_app"))
        revoke(connection, number, ELDER, MORNING)
        assert read("person:helper") == []
        connection.rollback()
