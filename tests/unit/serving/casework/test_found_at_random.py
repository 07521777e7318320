"""What casework at random found (tests/at_random), each as small as it can be said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, insert

from serving.casework.citizen.offering import Terms, Wait
from serving.casework.citizen.offers import refuse
from serving.casework.citizen.speaking import itself
from serving.casework.citizen.waiting import pass_time
from serving.casework.clocks import Kind
from serving.casework.decisions import Judgement
from serving.casework.errors import NotAllowedError
from serving.casework.moves import read_entitlement
from serving.casework.review import Verdict
from serving.casework.states import State
from serving.day import entitling
from serving.day.steps import Going, take_first_steps
from serving.outbox.claims import begin_call, claim, settle
from serving.outbox.errors import NotInDoubtError
from serving.outbox.settling import Finding, settle_by_hand
from serving.store.server import EmbeddedServer
from serving.store.tables.casework import hold
from tests.cases_world import a_case, decided, in_review
from tests.casework_world import MORNING, an_entitlement, casework_database, count, moved

WAIT = Wait(lambda _: Terms(), ZoneInfo("Asia/Shanghai"))
MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)


@pytest.fixture
def engine(server: EmbeddedServer) -> Iterator[Engine]:
    """An empty schema for each: these tests commit."""
    with casework_database(server) as engine:
        yield engine


def delivered(engine: Engine, end: str) -> tuple[int, int]:
    """An approved entitlement, its delivery ended like this; the numbers of both."""
    with engine.begin() as connection:
        it = moved(connection, an_entitlement(connection, tier="automatic"), State.APPROVED)
        (one,) = claim(connection, ["payment"], 1, MORNING, MINUTE)
        assert begin_call(connection, one, MORNING, MINUTE)
        assert settle(connection, one, end, MORNING)
        return it.id, one.id


def test_what_arrived_is_not_refused_to_be_approved_and_paid_again(engine: Engine) -> None:
    number, _ = delivered(engine, "sent")
    with engine.begin() as connection, pytest.raises(NotAllowedError, match="being delivered"):
        refuse(connection, itself("p1"), number, 1, "request-1", MORNING)


def test_what_was_approved_anew_or_no_more_is_not_sent_for_what_was_decided_before(engine: Engine) -> None:
    number, delivery = delivered(engine, "failed")
    with engine.begin() as connection:
        refuse(connection, itself("p1"), number, 1, "request-1", MORNING)
        with pytest.raises(NotInDoubtError):
            settle_by_hand(connection, delivery, Finding.SEND_AGAIN, "officer-ann", MORNING)


def _terms() -> entitling.Terms:
    """Of a day: what is asked or offered is waited for for thirty days."""
    due = (MORNING + 15 * DAY, None)
    cases = {Kind.REVIEW: due, Kind.AUTOMATION_REFUSED: due}
    return entitling.Terms({}, {}, {"advanced_age_allowance": MORNING + 30 * DAY}, cases, {}, {})


def test_one_that_is_held_does_not_keep_the_others_from_their_first_step(engine: Engine) -> None:
    terms = _terms()
    with engine.begin() as connection:
        held = an_entitlement(connection, "p1", tier="automatic")
        an_entitlement(connection, "p2", tier="automatic")
        connection.execute(insert(hold).values(entitlement=held.id, code="death", since=MORNING))
    assert take_first_steps(engine, terms, MORNING, Going()) == {"approved": 1}


def test_a_fact_that_was_asked_for_and_never_came_goes_to_a_human(engine: Engine) -> None:
    terms = _terms()
    with engine.begin() as connection:
        number = an_entitlement(connection, tier="ask").id
    take_first_steps(engine, terms, MORNING, Going())
    assert pass_time(engine, MORNING + 29 * DAY, WAIT) == {}
    assert pass_time(engine, MORNING + 30 * DAY, WAIT) == {"to_human": 1}
    with engine.connect() as connection:
        assert count(connection, "case_file", f"entitlement = {number} AND state = 'open'") == 1


def test_what_an_officer_offers_is_told_of_and_does_not_wait_for_ever(engine: Engine) -> None:
    with engine.begin() as connection:
        of = in_review(connection, tier="confirm")
        decided(connection, a_case(connection, of), Judgement(Verdict.OFFER))
    pass_time(engine, MORNING, WAIT)
    with engine.connect() as connection:
        assert count(connection, "outbox", f"kind = 'offer' AND entitlement = {of.id}") == 1
    assert pass_time(engine, MORNING + 30 * DAY, WAIT) == {"silent": 1}


def test_what_an_officer_asks_for_does_not_wait_for_ever(engine: Engine) -> None:
    with engine.begin() as connection:
        decided(connection, a_case(connection, in_review(connection, tier="ask")), Judgement(Verdict.ASK))
    assert pass_time(engine, MORNING, WAIT) == {"waits": 1}
    assert pass_time(engine, MORNING + 30 * DAY, WAIT) == {"to_human": 1}


def test_what_is_held_and_nobody_looks_into_any_more_goes_to_a_human(engine: Engine) -> None:
    with engine.begin() as connection:
        of = moved(connection, an_entitlement(connection, tier="automatic"), State.APPROVED)
        connection.execute(insert(hold).values(entitlement=of.id, code="death", since=MORNING))
    assert pass_time(engine, MORNING, WAIT) == {"to_human": 1}
    assert pass_time(engine, MORNING + 90 * DAY, WAIT) == {}
    with engine.begin() as connection:
        found = read_entitlement(connection, of.id)
        assert found.state is State.REVIEW
        assert count(connection, "case_file", "state = 'open'") == 1
