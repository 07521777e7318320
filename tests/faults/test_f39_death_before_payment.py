"""F39: somebody dies between the decision and the payment: it waits for a human, and nothing is taken away."""

from __future__ import annotations

import datetime as dt
import itertools
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from features.events.messages import Event
from serving.casework.citizen.bundles import open_bundle
from serving.casework.citizen.offering import Terms, Wait, make_offer
from serving.casework.citizen.waiting import pass_time
from serving.casework.citizen.wishes import allow_pushes, stop_pushes
from serving.casework.errors import NotAllowedError
from serving.casework.holding import keep_holds, release
from serving.casework.holds import HoldCode, Received, wanted_holds
from serving.casework.moves import By, Entitlement, make_move, read_entitlement
from serving.casework.states import Actor, State
from serving.outbox.claims import begin_call, claim
from tests.casework_world import MORNING, SYSTEM, an_entitlement, count, moved
from tests.decided_world import decided
from tests.unit.features.events.worlds import death, event, move

WAIT = Wait(lambda _: Terms(), ZoneInfo("Asia/Shanghai"))
P1 = [("person", "p1")]
HOUR = dt.timedelta(hours=1)


def received(*events: Event) -> list[Received]:
    return [Received(each, MORNING + n * HOUR) for n, each in enumerate(events, 1)]


def approved(connection: Connection, benefit: str = "advanced_age_allowance") -> Entitlement:
    return moved(connection, an_entitlement(connection, benefit=benefit, tier="automatic"), State.APPROVED)


def ready(connection: Connection) -> int:
    return count(connection, "outbox", "state = 'ready'")


def test_the_payment_is_held_and_a_human_is_called(engine: Engine) -> None:
    with engine.begin() as connection:
        it, other = approved(connection), approved(connection, "dibao")
        offer = make_offer(connection, an_entitlement(connection, benefit="bus_pass"), SYSTEM, WAIT, MORNING)
        assert ready(connection) == 3
        kept = keep_holds(connection, received(death()), P1, MORNING + HOUR)
        assert kept.placed == 3
        assert ready(connection) == 0
        assert count(connection, "case_file", "kind = 'death' AND subject = 'p1'") == 1
        for each in (it, other):
            with pytest.raises(NotAllowedError, match="is held"):
                make_move(connection, each, State.SUBMITTED, SYSTEM, MORNING)
        # Nothing is ended, denied or taken back by machine.
        states = [read_entitlement(connection, each.id).state for each in (it, other, offer)]
        assert states == [State.APPROVED, State.APPROVED, State.OFFERED]
    assert pass_time(engine, MORNING + dt.timedelta(days=400), WAIT) == {}


def test_told_twice_or_a_hundred_times_is_told_once(engine: Engine) -> None:
    with engine.begin() as connection:
        approved(connection)
        log = received(*[death()] * 100)
        assert keep_holds(connection, log, P1, MORNING + HOUR).placed == 1
        assert keep_holds(connection, log, P1, MORNING + HOUR).placed == 0
        assert count(connection, "hold") == 1
        assert count(connection, "case_file") == 1


def test_a_death_that_never_was_lets_everything_go_on(engine: Engine) -> None:
    with engine.begin() as connection:
        it = approved(connection)
        keep_holds(connection, received(death()), P1, MORNING + HOUR)
        log = received(death(), death(id="e2", reverses="e1"))
        assert keep_holds(connection, log, P1, MORNING + 2 * HOUR).released == 1
        assert ready(connection) == 1
        assert moved(connection, it, State.SUBMITTED).state is State.SUBMITTED
        again = received(death(), death(id="e2", reverses="e1"), death(id="e3", reverses="e2"))
        assert keep_holds(connection, again, P1, MORNING + 3 * HOUR).placed == 1


def test_a_human_who_knows_of_it_may_let_it_go_and_later_news_hold_it_again(engine: Engine) -> None:
    with engine.begin() as connection:
        it = approved(connection)
        log = received(death())
        keep_holds(connection, log, P1, MORNING + HOUR)
        release(connection, it.id, HoldCode.DEATH, "o1", MORNING + 2 * HOUR)
        assert keep_holds(connection, log, P1, MORNING + 3 * HOUR).placed == 0
        later = [*log, Received(death(id="e9", source="police"), MORNING + 4 * HOUR)]
        assert keep_holds(connection, later, P1, MORNING + 5 * HOUR).placed == 1


def test_death_and_payment_at_the_same_moment_one_waits_for_the_other(engine: Engine) -> None:
    with engine.begin() as connection:
        it = approved(connection)
    with engine.connect() as holder, engine.connect() as sender:
        keep_holds(holder, received(death()), P1, MORNING + HOUR)
        sender.execute(text("SET LOCAL lock_timeout = '200ms'"))
        with pytest.raises(Exception, match="lock timeout"):
            make_move(sender, it, State.SUBMITTED, SYSTEM, MORNING)
        sender.rollback()
        holder.commit()
        with pytest.raises(NotAllowedError, match="is held"):
            make_move(sender, it, State.SUBMITTED, SYSTEM, MORNING)


def test_only_who_died_is_held(engine: Engine) -> None:
    with engine.begin() as connection:
        spouse = moved(connection, an_entitlement(connection, "p2", tier="automatic"), State.APPROVED)
        log = received(event("death", person="p1", spouse="p2"))
        assert keep_holds(connection, log, [*P1, ("person", "p2")], MORNING + HOUR).placed == 0
        assert moved(connection, spouse, State.SUBMITTED).state is State.SUBMITTED


def test_what_an_officer_pays_after_a_death_is_an_officers_decision(engine: Engine) -> None:
    with engine.begin() as connection:
        it = moved(connection, an_entitlement(connection), State.REVIEW)
        keep_holds(connection, received(death()), P1, MORNING + HOUR)
        it = decided(connection, it, "grant", State.APPROVED)
        assert ready(connection) == 0
        with pytest.raises(NotAllowedError, match="is held"):
            moved(connection, it, State.SUBMITTED)
        release(connection, it.id, HoldCode.DEATH, "o1", MORNING + HOUR)
        assert ready(connection) == 1
        assert moved(connection, it, State.SUBMITTED).state is State.SUBMITTED


# F12 for holds: the same events in any order.

EVENTS = [
    death(),
    death(id="e2", reverses="e1"),
    death(id="e3", reverses="e2"),
    death("2026-03-06", id="e4", corrects="e1"),
    event("birth", id="b1", source="police", child="p1", sex="male"),
    event("birth", id="b2", source="police", reverses="b1"),
    move(id="m1"),
    move(id="m1", version=2, to="440304"),
]


def held_after(order: tuple[int, ...]) -> frozenset[tuple[int, str, tuple[str, ...], tuple[str, ...]]]:
    found = wanted_holds(received(*[EVENTS[n] for n in order]), [_FOUND])
    return frozenset((each.entitlement, each.code.value, each.before, each.after) for each in found)


_FOUND = Entitlement(
    1, "person", "p1", "b", "v", "2026-03", "CNY", 1, False, 1, "automatic", [], "d", State.APPROVED, 1, None, MORNING
)


@pytest.mark.searched
@given(st.lists(st.sampled_from(range(len(EVENTS))), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_events_changes_no_hold(chosen: list[int], chance: object) -> None:
    shuffled = list(chosen)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert held_after(tuple(chosen)) == held_after(tuple(shuffled))


def test_every_order_of_a_death_its_reversal_and_a_correction_ends_the_same_in_the_database(engine: Engine) -> None:
    some = [EVENTS[n] for n in (0, 1, 2, 4)]
    ends = set()
    for n, order in enumerate(itertools.permutations(some)):
        with engine.connect() as connection:
            it = approved(connection, f"benefit_{n}")
            log: list[Received] = []
            for step, each in enumerate(order, 1):
                log.append(Received(each, MORNING + step * HOUR))
                keep_holds(connection, log, P1, MORNING + step * HOUR)
            codes = connection.execute(
                text("SELECT code FROM hold WHERE entitlement = :e AND released_at IS NULL ORDER BY 1"), {"e": it.id}
            )
            ends.add(tuple(codes.scalars()))
            connection.rollback()
    assert ends == {("death",)}


def a_bundle(connection: Connection) -> tuple[int, list[Entitlement]]:
    """Of a household: an offer of each of two persons, and one of both."""
    whose = (("p1", "person", "birth_allowance"), ("p2", "person", "dibao"), ("h1", "household", "medical_subsidy"))
    members = [
        moved(connection, an_entitlement(connection, who, kind=kind, benefit=benefit), State.OFFERED)
        for who, kind, benefit in whose
    ]
    return open_bundle(connection, ("household", "h1"), "birth", "police:b1", members, MORNING), members


def test_a_notice_of_several_offers_waits_for_a_human_where_one_is_of_who_died(engine: Engine) -> None:
    with engine.begin() as connection:
        _, members = a_bundle(connection)
        assert keep_holds(connection, received(death()), P1, MORNING + HOUR).placed == 1
        assert (ready(connection), count(connection, "outbox", "state = 'held'")) == (0, 1)
        assert count(connection, "case_file", "kind = 'death' AND subject = 'p1'") == 1
        # What is of others stays open, for them to find.
        assert {read_entitlement(connection, each.id).state for each in members} == {State.OFFERED}
        assert count(connection, "hold") == 1
    with engine.begin() as connection:
        assert claim(connection, ["notice"], 10, MORNING + HOUR, HOUR) == []


def test_it_goes_when_the_death_was_none_or_a_human_says_so(engine: Engine) -> None:
    with engine.begin() as connection:
        _, (mine, *_) = a_bundle(connection)
        keep_holds(connection, received(death()), P1, MORNING + HOUR)
        keep_holds(connection, received(death(), death(id="e2", reverses="e1")), P1, MORNING + 2 * HOUR)
        assert ready(connection) == 1
        later = received(death(), death(id="e2", reverses="e1"), death(id="e3", reverses="e2"))
        assert keep_holds(connection, later, P1, MORNING + 3 * HOUR).placed == 1
        assert ready(connection) == 0
        release(connection, mine.id, HoldCode.DEATH, "o1", MORNING + 4 * HOUR)
        assert ready(connection) == 1


def test_it_stays_where_another_member_died_too_or_its_reader_wants_no_pushes(engine: Engine) -> None:
    both = received(death(), event("death", id="e8", person="p2"))
    with engine.begin() as connection:
        _, (mine, yours, _) = a_bundle(connection)
        assert keep_holds(connection, both, [*P1, ("person", "p2")], MORNING + HOUR).placed == 2
        release(connection, mine.id, HoldCode.DEATH, "o1", MORNING + 2 * HOUR)
        assert ready(connection) == 0
        by = By(Actor.CITIZEN, "p3")
        assert stop_pushes(connection, ("household", "h1"), by, MORNING + 2 * HOUR)
        assert allow_pushes(connection, ("household", "h1"), by, MORNING + 3 * HOUR)
        assert ready(connection) == 0  # they may be told again, but not of this
        stop_pushes(connection, ("household", "h1"), by, MORNING + 3 * HOUR)
        release(connection, yours.id, HoldCode.DEATH, "o1", MORNING + 4 * HOUR)
        assert ready(connection) == 0
        allow_pushes(connection, ("household", "h1"), by, MORNING + 5 * HOUR)
        assert ready(connection) == 1


def test_nothing_goes_that_a_sender_had_when_the_death_was_told(engine: Engine) -> None:
    minute = dt.timedelta(minutes=1)  # what waits for the ledger for long is not sent anyway
    with engine.begin() as connection:
        a_bundle(connection)
        make_offer(connection, an_entitlement(connection, benefit="bus_pass"), SYSTEM, WAIT, MORNING)
    with engine.begin() as connection:
        taken = claim(connection, ["notice"], 10, MORNING + minute, HOUR)
        assert len(taken) == 2
    with engine.begin() as connection:
        keep_holds(connection, received(death()), P1, MORNING + minute)
    with engine.begin() as connection:
        assert [begin_call(connection, one, MORNING + minute, HOUR) for one in taken] == [None, None]


def test_a_bundle_that_is_opened_after_the_death_waits_from_the_start(engine: Engine) -> None:
    with engine.begin() as connection:
        it = an_entitlement(connection, benefit="birth_allowance")
        keep_holds(connection, received(death()), P1, MORNING + HOUR)
        open_bundle(connection, ("household", "h1"), "birth", "police:b1", [it], MORNING + HOUR)
        assert (ready(connection), count(connection, "outbox", "state = 'held'")) == (0, 1)
