"""Deliveries from the row to the provider and back, in a real PostgreSQL, to a real provider."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from serving.casework.states import State
from serving.ledger.sealing import seal
from serving.outbox import claims
from serving.outbox.deliveries import Delivery, delivery_key, enqueue
from serving.outbox.errors import NotInDoubtError
from serving.outbox.patience import Pauses
from serving.outbox.providers import Answer, Provider, Reply
from serving.outbox.sending import AGAIN, FAILED, IN_DOUBT, OVERTAKEN, RESTED, SENT, Manner, Sender
from serving.outbox.settling import Finding, settle_by_hand
from serving.stops.buttons import Scope, press, release
from serving.store.errors import StoreError
from tests.casework_world import MORNING, an_entitlement, count, moved
from tests.delivery_sink import Sink, notices, provider, served, states
from tests.ledger_world import things_happen

LEASE = dt.timedelta(minutes=2)
LATER = MORNING + dt.timedelta(hours=1)


class Scripted:
    """A provider that answers as told, and looks whether anything is locked while it is called."""

    def __init__(self, *replies: Reply | Callable[[Delivery], Reply], may_repeat: bool = True) -> None:
        self.channel, self.may_repeat = "sms", may_repeat
        self.replies, self.called = list(replies), []  # type: ignore[var-annotated]

    def deliver(self, delivery: Delivery) -> Reply:
        self.called.append(delivery.key)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return reply if isinstance(reply, Reply) else reply(delivery)


TAKEN, AWAY = Reply(Answer.TAKEN, reference="r1"), Reply(Answer.NOT_TAKEN, trouble="http_503")
UNKNOWN, REFUSED = Reply(Answer.UNKNOWN, trouble="timeout"), Reply(Answer.REFUSED, trouble="http_422")


class Moment:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = MORNING

    def __call__(self) -> dt.datetime:
        return self.now


def a_notice(engine: Engine, name: str = "p1") -> str:
    key = delivery_key("dibao", "2026-03", "person", name, "offer", 1)
    with engine.begin() as connection:
        enqueue(connection, key, kind="offer", channel="sms", benefit="dibao", now=MORNING)
    return key


def sender(engine: Engine, by: Provider, now: Callable[[], dt.datetime] = lambda: MORNING, most: int = 48) -> Sender:
    manner = Manner(batch=5, lease=LEASE, pauses=Pauses(most_attempts=most))
    return Sender(engine, [by], now, random.Random(1), manner)


def test_the_same_decision_is_the_same_delivery(engine: Engine) -> None:
    key = a_notice(engine)
    assert a_notice(engine) == key
    assert states(engine) == {"ready": 1}
    with pytest.raises(ValueError, match="separates"):
        delivery_key("a", "b|c", "person", "d", "offer", 1)


def test_a_grant_has_the_key_that_its_move_gave_it(engine: Engine) -> None:
    with engine.begin() as connection:
        moved(connection, an_entitlement(connection, tier="automatic"), State.APPROVED)
        stored = connection.execute(text("SELECT delivery_key FROM outbox")).scalar_one()
    assert stored == delivery_key("advanced_age_allowance", "2026-03", "person", "p1", "grant", 0)


def test_what_is_sent_is_sent_once_and_in_the_ledger(engine: Engine) -> None:
    key, by = a_notice(engine), Scripted(TAKEN)
    one = sender(engine, by)
    assert one.run_once() == Counter({SENT: 1})
    assert one.run_once() == Counter()
    assert by.called == [key]
    with engine.begin() as connection:
        row = connection.execute(text("SELECT action, actor_kind, payload FROM audit_intent")).one()
    assert (row.action, row.actor_kind) == ("delivery:sent", "system")
    assert (row.payload["delivery_key"], row.payload["reference"], row.payload["attempts"]) == (key, "r1", 1)


def test_nothing_is_locked_while_a_provider_takes_its_time(engine: Engine) -> None:
    a_notice(engine)

    def meanwhile(delivery: Delivery) -> Reply:
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL ROLE NONE"))
            connection.execute(text("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE NOWAIT"))
            query = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
            assert connection.execute(text(query)).scalar_one() == 0
        return TAKEN

    assert sender(engine, Scripted(meanwhile)).run_once() == Counter({SENT: 1})


def test_what_is_not_taken_is_tried_again_later_and_then_given_to_a_human(engine: Engine) -> None:
    a_notice(engine)
    at = Moment()
    one = sender(engine, Scripted(AWAY), at, most=3)
    assert one.run_once() == Counter({AGAIN: 1})
    assert one.run_once() == Counter()  # not yet
    for expected in (AGAIN, FAILED):
        at.now += dt.timedelta(minutes=10)
        assert one.run_once() == Counter({expected: 1})
    assert states(engine) == {"failed": 1}


def test_an_unknown_end_is_tried_again_with_the_same_key_where_that_is_safe(engine: Engine) -> None:
    key, at = a_notice(engine), Moment()
    by = Scripted(UNKNOWN, UNKNOWN, TAKEN)
    one = sender(engine, by, at)
    for expected in (AGAIN, AGAIN, SENT):
        assert one.run_once() == Counter({expected: 1})
        at.now += dt.timedelta(minutes=10)
    assert by.called == [key] * 3


def test_an_unknown_end_of_money_is_in_doubt_and_never_sent_again_by_itself(engine: Engine) -> None:
    a_notice(engine)
    at = Moment()
    by = Scripted(UNKNOWN, may_repeat=False)
    one = sender(engine, by, at)
    assert one.run_once() == Counter({IN_DOUBT: 1})
    at.now += dt.timedelta(days=30)
    assert one.run_once() == Counter()
    assert len(by.called) == 1


@pytest.mark.parametrize("last", [REFUSED, AWAY])
def test_what_may_have_arrived_is_never_called_failed(engine: Engine, last: Reply) -> None:
    a_notice(engine)
    at = Moment()
    one = sender(engine, Scripted(UNKNOWN, last), at, most=2)
    assert one.run_once() == Counter({AGAIN: 1})
    at.now = LATER
    assert one.run_once() == Counter({IN_DOUBT: 1})


def test_a_refusal_is_final(engine: Engine) -> None:
    a_notice(engine)
    assert sender(engine, Scripted(REFUSED)).run_once() == Counter({FAILED: 1})


def test_whatever_a_provider_raises_is_an_unknown_end(engine: Engine) -> None:
    a_notice(engine)

    def broken(_: Delivery) -> Reply:
        raise ZeroDivisionError

    assert sender(engine, Scripted(broken, may_repeat=False)).run_once() == Counter({IN_DOUBT: 1})


def test_a_sender_that_was_too_slow_writes_nothing(engine: Engine) -> None:
    key, at = a_notice(engine), Moment()
    second = Scripted(TAKEN)

    def slow(_: Delivery) -> Reply:
        at.now = LATER
        assert sender(engine, second, at).run_once() == Counter({AGAIN: 0, SENT: 1})
        return REFUSED

    assert sender(engine, Scripted(slow), at).run_once() == Counter({OVERTAKEN: 1})
    assert second.called == [key]
    assert states(engine) == {"sent": 1}


@pytest.mark.parametrize(
    ("called", "may_repeat", "state"),
    [(False, True, "ready"), (False, False, "ready"), (True, True, "ready"), (True, False, "in_doubt")],
)
def test_what_a_dead_sender_held(engine: Engine, called: bool, may_repeat: bool, state: str) -> None:
    a_notice(engine)
    with engine.begin() as connection:
        (held,) = claims.claim(connection, ["sms"], 5, MORNING, LEASE)
    if called:
        with engine.begin() as connection:
            assert claims.begin_call(connection, held, MORNING, LEASE) is not None
    repeatable = ["sms"] if may_repeat else []
    with engine.begin() as connection:
        assert claims.recover(connection, ["sms"], repeatable, MORNING + LEASE) == 0
        assert claims.recover(connection, ["sms"], repeatable, LATER) == 1
    assert states(engine) == {state: 1}
    with engine.begin() as connection:  # the dead one wakes up
        assert claims.begin_call(connection, held, LATER, LEASE) is None
        assert not claims.put_back(connection, held)
        assert not claims.settle(connection, held, "sent", LATER)


def test_a_stop_between_the_claim_and_the_call_lets_it_rest(engine: Engine) -> None:
    a_notice(engine)
    with engine.begin() as connection:
        (held,) = claims.claim(connection, ["sms"], 5, MORNING, LEASE)
        number = press(connection, Scope.BENEFIT, "dibao", "o1", "drill", MORNING).id
        assert claims.begin_call(connection, held, MORNING, LEASE) is None
        assert claims.put_back(connection, held)
        assert claims.claim(connection, ["sms"], 5, MORNING, LEASE) == []
        release(connection, number, "o1", MORNING)
        assert claims.claim(connection, ["sms"], 5, MORNING, LEASE) == []
        release(connection, number, "o2", MORNING)
        assert len(claims.claim(connection, ["sms"], 5, MORNING, LEASE)) == 1


def test_a_sender_that_is_stopped_in_the_middle_of_a_batch_lets_the_rest_rest(engine: Engine) -> None:
    keys = notices(engine, 3)

    def press_it(_: Delivery) -> Reply:
        with engine.begin() as connection:
            press(connection, Scope.CHANNEL, "sms", "o1", "drill", MORNING)
        return TAKEN

    by = Scripted(press_it)
    assert sender(engine, by).run_once() == Counter({SENT: 1, RESTED: 2})
    assert by.called == keys[:1]
    assert states(engine) == {"sent": 1, "ready": 2}


def test_nothing_is_delivered_while_the_ledger_is_behind(engine: Engine) -> None:
    a_notice(engine)
    things_happen(engine, 1)
    by = Scripted(TAKEN)
    assert sender(engine, by, lambda: LATER).run_once() == Counter()
    with engine.begin() as connection:
        seal(connection)
    assert sender(engine, by, lambda: LATER).run_once() == Counter({SENT: 1})


def test_nothing_is_delivered_while_the_guard_says_no(engine: Engine) -> None:
    a_notice(engine)
    wrong = [StoreError("lost")]

    def guard() -> None:
        if wrong:
            raise wrong[0]

    by = Scripted(TAKEN)
    one = Sender(engine, [by], lambda: MORNING, random.Random(1), guard=guard)
    assert one.run_once() == Counter()
    wrong.clear()
    assert one.run_once() == Counter({SENT: 1})


def test_a_grant_that_is_held_waits_and_a_notice_about_it_does_not(engine: Engine) -> None:
    with engine.begin() as connection:
        found = moved(connection, an_entitlement(connection, tier="automatic"), State.APPROVED)
        connection.execute(text("UPDATE outbox SET not_before = NULL"))
        connection.execute(
            text("INSERT INTO hold (entitlement, code, since) VALUES (:e, 'death', now())"), {"e": found.id}
        )
        key = delivery_key("b", "2026-03", "person", "p1", "delay", 1)
        enqueue(connection, key, kind="delay", channel="payment", benefit="b", now=MORNING, entitlement=found.id)
        assert [one.kind for one in claims.claim(connection, ["payment"], 5, MORNING, LEASE)] == ["delay"]


def test_a_human_settles_what_is_in_doubt(engine: Engine) -> None:
    a_notice(engine)
    sender(engine, Scripted(UNKNOWN, may_repeat=False)).run_once()
    with engine.begin() as connection:
        number = connection.execute(text("SELECT id FROM outbox")).scalar_one()
        settle_by_hand(connection, number, Finding.SEND_AGAIN, "o1", MORNING)
        with pytest.raises(NotInDoubtError):
            settle_by_hand(connection, number, Finding.ARRIVED, "o1", MORNING)
    sender(engine, Scripted(UNKNOWN, may_repeat=False)).run_once()
    with engine.begin() as connection:
        settle_by_hand(connection, number, Finding.ARRIVED, "o2", MORNING)
        said = connection.execute(text("SELECT action, actor FROM audit_intent ORDER BY id")).all()
    assert [tuple(row) for row in said] == [
        ("delivery:in_doubt", "outbox"), ("delivery:sent_again", "o1"), ("delivery:in_doubt", "outbox"),
        ("delivery:sent", "o2"),
    ]  # fmt: skip


CARELESS = [
    "DELETE FROM outbox",
    "TRUNCATE outbox",
    "UPDATE outbox SET state = 'ready', settled_at = NULL, settled_by = NULL",
    "UPDATE outbox SET delivery_key = repeat('0', 64)",
    "UPDATE outbox SET claim = 0",
    "UPDATE outbox SET attempts = 0",
]


@pytest.mark.parametrize("statement", CARELESS)
def test_what_was_sent_stays_sent(engine: Engine, statement: str) -> None:
    a_notice(engine)
    sender(engine, Scripted(TAKEN)).run_once()
    with engine.connect() as connection:
        connection.execute(text("RESET ROLE"))
        with pytest.raises(DBAPIError):
            connection.execute(text(statement))
        connection.rollback()
        assert count(connection, "outbox", "state = 'sent'") == 1


def test_over_http_each_end_is_told_from_the_others(engine: Engine) -> None:
    sink = Sink()
    held = Delivery(1, 1, "k" * 64, None, None, "offer", "sms", "dibao", 0, False, {"offer": 7})
    with served(sink) as url, provider(url) as by:
        assert by.deliver(held) == Reply(Answer.TAKEN, reference="r-kkkkkkkk")
        sink.away = 1.0
        assert by.deliver(held).answer is Answer.NOT_TAKEN
        sink.away, sink.hangs = 0.0, 1.0
        assert by.deliver(held) == Reply(Answer.UNKNOWN, trouble="timeout")
    with provider(url) as by:
        assert by.deliver(held) == Reply(Answer.NOT_TAKEN, trouble="no_connection")
    assert sink.effects == Counter({"k" * 64: 1})
