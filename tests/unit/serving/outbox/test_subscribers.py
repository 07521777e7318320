"""Departments are told of another catalogue: once each, signed, at addresses on the list, through the outbox."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, text

from features.senders import Senders
from serving.background.oldest import oldest_items
from serving.outbox.deliveries import Delivery
from serving.outbox.patience import Pauses
from serving.outbox.providers import Reply
from serving.outbox.sending import AGAIN, FAILED, SENT, Manner, Sender
from serving.outbox.subscribers import Subscribers, note_change
from serving.security.addresses import AllowList
from serving.security.outbound import OutboundClient
from serving.stops.buttons import Scope, press, release
from tests.casework_world import MORNING, count
from tests.delivery_sink import Sink, served, states
from tests.subscribers_world import in_force, subscribe

KEY = Ed25519PrivateKey.generate()
LEASE = dt.timedelta(minutes=2)
LATER = MORNING + dt.timedelta(minutes=10)
"""After the lease, and before what is not sealed stops everything."""


class Killed(BaseException):
    """The process is gone."""


def changed(engine: Engine, *urls: str) -> int:
    """The catalogue changes from 1 to 2 while these are subscribed; how many are to be told."""
    in_force(engine, "1")
    with engine.begin() as connection:
        assert note_change(connection, MORNING) == 0  # the first is no change
        for url in urls:
            subscribe(connection, url)
    in_force(engine, "2")
    with engine.begin() as connection:
        return note_change(connection, MORNING)


def carrier(engine: Engine, *allowed: str, now: dt.datetime = MORNING) -> Subscribers:
    client = OutboundClient(AllowList(allowed), most_seconds=0.5)
    return Subscribers(engine, client, "applyfree", KEY, lambda: now)


def sender(engine: Engine, by: Subscribers, now: Callable[[], dt.datetime] = lambda: MORNING) -> Sender:
    return Sender(engine, [by], now, random.Random(1), Manner(batch=5, lease=LEASE, pauses=Pauses()))


def test_each_subscriber_gets_one_signed_message_and_nothing_personal(engine: Engine) -> None:
    sink = Sink()
    with served(sink) as url:
        assert changed(engine, url + "one", url + "two") == 2
        for _ in range(3):  # nothing new
            with engine.begin() as connection:
                assert note_change(connection, LATER) == 0
        one = sender(engine, carrier(engine, url))
        assert one.run_once() == Counter({SENT: 2})
        assert one.run_once() == Counter()
    assert sorted(sink.effects.values()) == [1, 1]
    assert states(engine) == {"sent": 2}
    receiver = Senders({"applyfree": (KEY.public_key(),)})
    for body in sink.bodies:
        envelope: dict[str, Any] = json.loads(body)
        assert receiver.why_refused("applyfree", envelope) is None
        assert set(envelope["header"]) == {
            "message_id", "message_ts", "action", "sender_id", "receiver_id", "total_count",
        }  # fmt: skip
        assert (envelope["header"]["action"], envelope["header"]["receiver_id"]) == ("notify", "civil_affairs")
        assert envelope["message"]["transaction_id"] in sink.effects
        (event,) = envelope["message"]["notify_event"]
        assert event["data"] == {"rulebook": "2" * 64, "before": "1" * 64, "sweep": 3}
        envelope["message"]["notify_event"][0]["data"]["rulebook"] = "3" * 64
        assert receiver.why_refused("applyfree", envelope) is not None
    with engine.begin() as connection:
        assert count(connection, "audit_intent", "action = 'catalogue:changed'") == 1


def test_back_to_an_earlier_catalogue_is_a_change_and_the_same_again_is_none(engine: Engine) -> None:
    sink = Sink()
    with served(sink) as url:
        assert changed(engine, url) == 1
        for rulebook, told in (("2", 0), ("1", 1)):
            in_force(engine, rulebook)
            with engine.begin() as connection:
                assert note_change(connection, LATER) == told


def test_two_that_look_at_once_tell_once(engine: Engine) -> None:
    in_force(engine, "1")
    with engine.begin() as connection:
        note_change(connection, MORNING)
        subscribe(connection, "https://one.example/")
    in_force(engine, "2")
    with engine.connect() as first:
        assert note_change(first, MORNING) == 1
        first.rollback()  # killed before it committed: nothing is told, and nothing is lost
    with engine.begin() as connection:
        assert note_change(connection, MORNING) == 1
    assert states(engine) == {"ready": 1}


@pytest.mark.parametrize("when", ["before the call", "after the call"])
def test_a_sender_that_is_killed_and_started_again_has_one_effect(
    engine: Engine, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = Sink()
    with served(sink) as url:
        assert changed(engine, url) == 1
        by = carrier(engine, url)
        deliver = by.deliver

        def dies(self: Subscribers, delivery: Delivery) -> Reply:
            if when == "after the call":
                deliver(delivery)
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(Subscribers, "deliver", dies)
            with pytest.raises(Killed):
                sender(engine, by).run_once()
        assert states(engine) == {"leased": 1}
        again = sender(engine, carrier(engine, url, now=LATER), lambda: LATER)
        assert again.run_once() == Counter({SENT: 1})
        assert again.run_once() == Counter()
    assert list(sink.effects.values()) == [1]
    bodies = [json.loads(one) for one in sink.bodies]
    assert len({one["message"]["transaction_id"] for one in bodies}) == 1
    # Each call is a message of its own, of its own moment: a receiver that knows the number refuses another content.
    assert len({one["header"]["message_id"] for one in bodies}) == len(bodies)


def test_whoever_does_not_answer_is_tried_again(engine: Engine) -> None:
    sink = Sink(hangs=1.0)
    with served(sink) as url:
        assert changed(engine, url) == 1
        assert sender(engine, carrier(engine, url)).run_once() == Counter({AGAIN: 1})
        sink.hangs = 0.0
        assert sender(engine, carrier(engine, url), lambda: LATER).run_once() == Counter({SENT: 1})
    assert list(sink.effects.values()) == [1]


@pytest.mark.parametrize(("scope", "name"), [(Scope.CHANNEL, "department"), (Scope.ALL, "")])
def test_stop_buttons_apply(engine: Engine, scope: Scope, name: str) -> None:
    sink = Sink()
    with served(sink) as url:
        assert changed(engine, url) == 1
        with engine.begin() as connection:
            pressed = press(connection, scope, name, "o1", "drill", MORNING)
        one = sender(engine, carrier(engine, url))
        assert one.run_once() == Counter()
        assert sink.calls == []
        for officer in ("o2", "o3"):
            with engine.begin() as connection:
                release(connection, pressed.id, officer, MORNING)
        assert one.run_once() == Counter({SENT: 1})


def test_an_address_that_is_not_on_the_list_is_not_called(engine: Engine) -> None:
    sink = Sink()
    with served(sink) as url:
        assert changed(engine, url, "https://169.254.169.254/latest/meta-data/") == 2
        assert sender(engine, carrier(engine)).run_once() == Counter({FAILED: 2})
    assert sink.calls == []
    with engine.begin() as connection:
        assert count(connection, "outbox", "trouble = 'not_on_the_list'") == 2


def test_who_unsubscribed_is_not_told_and_nobody_is_alarmed(engine: Engine) -> None:
    sink = Sink()
    with served(sink) as url:
        assert changed(engine, url) == 1
        with engine.begin() as connection:
            connection.execute(text("UPDATE subscription SET ended_at = :at"), {"at": MORNING})
        assert sender(engine, carrier(engine, url)).run_once() == Counter({FAILED: 1})
    assert sink.calls == []
    with engine.begin() as connection:
        assert [one.items for one in oldest_items(connection, LATER) if one.name == "outbox_failed"] == [0]
    in_force(engine, "3")
    with engine.begin() as connection:
        assert note_change(connection, LATER) == 0
