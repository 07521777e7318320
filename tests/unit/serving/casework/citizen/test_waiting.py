"""Reminders, silence that takes nothing away, public notices, delivery: by several workers, some of them killed."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Engine, text

from serving.casework.citizen import waiting
from serving.casework.citizen.offering import Terms, Unanswered, Wait, end_of_notice, make_offer
from serving.casework.citizen.offers import ask_for_person, confirm, next_step
from serving.casework.citizen.speaking import itself
from serving.casework.citizen.waiting import pass_time
from serving.casework.clocks import Kind
from serving.casework.moves import By, read_entitlement
from serving.casework.states import Actor, State
from serving.store.server import EmbeddedServer
from tests.cases_world import a_case
from tests.casework_world import MORNING, SYSTEM, an_entitlement, casework_database, count, moved

BEIJING = ZoneInfo("Asia/Shanghai")
OPEN, DELIVERS, LAPSES, NOTICE = "stays_open", "delivers", "lapses", "notice"
TERMS = {
    OPEN: Terms(),
    DELIVERS: Terms(unanswered=Unanswered.DELIVERS),
    LAPSES: Terms(unanswered=Unanswered.LAPSES),
    NOTICE: Terms(public_notice_days=7),
}
WAIT = Wait(TERMS.__getitem__, BEIJING)
ME = itself("p1")


def after(days: float) -> dt.datetime:
    return MORNING + dt.timedelta(days=days)


@pytest.fixture
def engine(server: EmbeddedServer) -> Iterator[Engine]:
    """An empty schema for each: these tests commit."""
    with casework_database(server) as engine:
        yield engine


def an_offer(engine: Engine, benefit: str = OPEN, **what: object) -> int:
    with engine.begin() as connection:
        made = an_entitlement(connection, benefit=benefit, **what)  # type: ignore[arg-type]
        return make_offer(connection, made, SYSTEM, WAIT, MORNING).id


def state(engine: Engine, number: int) -> State:
    with engine.connect() as connection:
        return read_entitlement(connection, number).state


def sent(engine: Engine, kind: str = "offer") -> int:
    with engine.connect() as connection:
        return count(connection, "outbox", f"kind = '{kind}'")


def test_who_does_not_answer_is_reminded_and_then_left_in_peace_and_may_still_claim(engine: Engine) -> None:
    number = an_offer(engine)
    assert pass_time(engine, after(9), WAIT) == {}
    assert pass_time(engine, after(10), WAIT) == {"reminded": 1}
    assert pass_time(engine, after(11), WAIT) == {}
    assert pass_time(engine, after(20), WAIT) == {"reminded": 1}
    assert sent(engine) == 3
    assert pass_time(engine, after(30), WAIT) == {"silent": 1}
    with engine.begin() as connection:
        revision = read_entitlement(connection, number).revision
        assert confirm(connection, ME, number, revision, "late-yes", after(60))["state"] == "confirmed"
    assert pass_time(engine, after(60), WAIT) == {"approved": 1}
    assert sent(engine, "grant") == 1


def test_after_a_long_stand_still_one_reminder_is_sent_and_not_all_that_were_missed(engine: Engine) -> None:
    an_offer(engine)
    assert pass_time(engine, after(25), WAIT) == {"reminded": 1}
    assert sent(engine) == 2


def test_what_stays_open_is_offered_again(engine: Engine) -> None:
    number = an_offer(engine)
    pass_time(engine, after(30), WAIT)
    assert pass_time(engine, after(119), WAIT) == {}
    assert pass_time(engine, after(120), WAIT) == {"offered": 1}
    assert state(engine, number) is State.OFFERED


def test_what_lapses_is_no_more_told_of_and_still_theirs(engine: Engine) -> None:
    number = an_offer(engine, LAPSES)
    pass_time(engine, after(30), WAIT)
    assert pass_time(engine, after(3_000), WAIT) == {}
    assert state(engine, number) is State.SILENT
    with engine.begin() as connection:
        confirm(connection, ME, number, 2, "years-later", after(3_000))


def test_what_needs_nobodys_will_goes_to_a_human_and_never_to_nothing(engine: Engine) -> None:
    number = an_offer(engine, DELIVERS)
    assert pass_time(engine, after(30), WAIT) == {"to_human": 1}
    assert state(engine, number) is State.REVIEW
    with engine.connect() as connection:
        assert count(connection, "case_file", f"why -> 0 ->> 'code' = 'unanswered' AND entitlement = {number}") == 1


def test_silence_does_not_run_out_on_who_waits_for_a_person(engine: Engine) -> None:
    number = an_offer(engine)
    with engine.begin() as connection:
        ask_for_person(connection, ME, number, "explain-it", MORNING)
    assert pass_time(engine, after(40), WAIT) == {}
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE case_file SET state = 'closed', closed_at = :at, revision = 1"), {"at": after(41)}
        )
    assert pass_time(engine, after(41), WAIT) == {"silent": 1}


def test_a_public_notice_stands_for_whole_days(engine: Engine) -> None:
    with engine.begin() as connection:
        number = moved(connection, an_entitlement(connection, benefit=NOTICE), State.OFFERED).id
        confirm(connection, ME, number, 1, "yes-please", MORNING)
    assert pass_time(engine, MORNING, WAIT) == {"public_notice": 1}
    ends = dt.datetime(2026, 3, 10, tzinfo=BEIJING)
    assert end_of_notice(MORNING, 7, BEIJING) == ends
    assert pass_time(engine, ends - dt.timedelta(seconds=1), WAIT) == {}
    assert pass_time(engine, ends, WAIT) == {"approved": 1}


def test_what_nobody_agreed_to_and_what_is_above_its_cap_goes_to_a_human(engine: Engine) -> None:
    with engine.begin() as connection:
        moved(connection, an_entitlement(connection, "a", tier="confirm", benefit=NOTICE), State.PUBLIC_NOTICE)
        moved(
            connection,
            an_entitlement(connection, "b", tier="automatic", over_cap=True, benefit=NOTICE),
            State.PUBLIC_NOTICE,
        )
        connection.execute(text("UPDATE entitlement SET next_step_at = :at"), {"at": MORNING})
    assert pass_time(engine, MORNING, WAIT) == {"to_human": 2}
    with engine.connect() as connection:
        assert count(connection, "case_file", "kind = 'review'") == 2


def test_what_is_held_waits(engine: Engine) -> None:
    with engine.begin() as connection:
        it = moved(connection, an_entitlement(connection, benefit=OPEN), State.OFFERED)
        connection.execute(
            text("INSERT INTO hold (entitlement, code, since) VALUES (:e, 'death', now())"), {"e": it.id}
        )
        a_case(connection, it, kind=Kind.DEATH)
        confirm(connection, ME, it.id, 1, "yes-please", MORNING)
    assert pass_time(engine, after(1), WAIT) == {}
    assert sent(engine, "grant") == 0


def test_workers_share_the_work_and_those_that_are_killed_leave_it_to_the_others(engine: Engine) -> None:
    with engine.begin() as connection:
        for n in range(60):
            it = moved(connection, an_entitlement(connection, f"p{n}", benefit=OPEN), State.OFFERED)
            moved(connection, it, State.CONFIRMED, by=By(Actor.CITIZEN, f"p{n}"))
        connection.execute(text("UPDATE entitlement SET next_step_at = :at"), {"at": MORNING})
    done: list[int] = []
    # Two workers that hold what they took and are then gone.
    with engine.connect() as dead, engine.connect() as other:
        for each in (dead, other):
            each.execute(text("SELECT id FROM entitlement WHERE state = 'confirmed' LIMIT 5 FOR UPDATE SKIP LOCKED"))
        run_beside(3, lambda: done.append(pass_time(engine, MORNING, WAIT)["approved"]))
        dead.invalidate()
        other.rollback()
    done.append(pass_time(engine, MORNING, WAIT)["approved"])
    assert sum(done) == 60
    assert done[-1] == 10
    with engine.connect() as connection:
        assert count(connection, "entitlement", "state = 'approved'") == 60
        assert count(connection, "outbox", "kind = 'grant'") == 60
        assert count(connection, "move", "to_state = 'approved'") == 60


def run_beside(many: int, work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _ in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_however_many_are_due_each_is_passed_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are looked for some at a time, those of one moment too."""
    monkeypatch.setattr(waiting, "_MANY", 3)
    numbers = [an_offer(engine, subject=f"p{number}") for number in range(10)]
    with engine.begin() as connection:
        next_step(connection, numbers[0], after(29))
    assert pass_time(engine, after(30), WAIT, at_most=4) == {"silent": 4}
    assert pass_time(engine, after(30), WAIT) == {"silent": 6}
    assert pass_time(engine, after(30), WAIT) == {}


def test_nothing_leads_from_silence_to_a_no(engine: Engine) -> None:
    with engine.connect() as connection:
        assert moves_of_time(connection).isdisjoint({"refused", "denied", "suspended", "ended", "superseded"})


def moves_of_time(connection: Connection) -> set[str]:
    rows = connection.execute(
        text("SELECT to_state FROM allowed_move WHERE from_state IN ('offered', 'silent') AND actor_kind = 'system'")
    )
    return set(rows.scalars())
