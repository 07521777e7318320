"""G8: after a stop is pressed no new delivery call begins; what was not delivered is safe; two people restart it."""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, text

from serving import clock
from serving.outbox.sending import Sender
from serving.stops.buttons import Scope, Stop, press, release
from serving.stops.errors import SamePersonError
from tests.casework_world import count
from tests.delivery_sink import QUICK, Sink, notices, provider, served, states

SENDERS = 3
NO_LATER_THAN = dt.timedelta(seconds=5)


@contextmanager
def senders_at_work(engine: Engine, url: str, channels: tuple[str, ...]) -> Iterator[list[threading.Thread]]:
    """Threads that send, until the block ends."""
    with provider(url, channels[0]) as first, provider(url, channels[-1]) as second:
        by = [first, second] if len(channels) > 1 else [first]
        at_work = [Sender(engine, by, clock.now, random.Random(n), QUICK) for n in range(SENDERS)]
        threads = [threading.Thread(target=one.run) for one in at_work]
        for thread in threads:
            thread.start()
        try:
            yield threads
        finally:
            for one in at_work:
                one.end()
            for thread in threads:
                thread.join()


def pressed_now(engine: Engine, scope: Scope, name: str) -> Stop:
    """Pressed and acknowledged when this returns."""
    with engine.begin() as connection:
        return press(connection, scope, name, "o1", "drill", clock.now())


def last_begun(engine: Engine, where: str) -> dt.datetime:
    """When the last call began, by the database's clock."""
    with engine.connect() as connection:
        found = connection.execute(text(f"SELECT max(called_at) FROM outbox WHERE {where}")).scalar_one()
    assert isinstance(found, dt.datetime)
    return found


def rest(sink: Sink) -> None:
    """Long enough for several rounds of every sender."""
    seen = -1
    while seen != len(sink.calls):
        seen = len(sink.calls)
        time.sleep(0.5)


SCOPES = [
    (Scope.BENEFIT, "dibao", "benefit = 'dibao'"),
    (Scope.CHANNEL, "sms", "channel = 'sms'"),
    (Scope.ALL, "", "true"),
]


@pytest.mark.parametrize(("scope", "name", "stopped"), SCOPES, ids=[scope for scope, _, _ in SCOPES])
def test_after_a_press_no_call_begins_and_the_rest_is_ready(
    engine: Engine, scope: Scope, name: str, stopped: str
) -> None:
    sink = Sink(slow_seconds=0.01)
    keys = {"sms": notices(engine, 400), "letter": notices(engine, 60, "letter", "allowance")}
    with served(sink) as url, senders_at_work(engine, url, ("sms", "letter")):
        while len(sink.calls) < 30:
            time.sleep(0.01)
        pressed = pressed_now(engine, scope, name)
        acknowledged = {key for _, key in list(sink.calls)}
        rest(sink)
        late = [key for _, key in sink.calls if key not in acknowledged and key in keys["sms"]]
        assert len(late) <= SENDERS  # each sender may have been between its last look and its call
        assert last_begun(engine, stopped) - pressed.pressed_at <= NO_LATER_THAN
        with engine.connect() as connection:
            assert count(connection, "outbox", f"{stopped} AND state = 'ready'") > 200
            assert count(connection, "outbox", f"{stopped} AND state NOT IN ('ready', 'sent')") == 0
            # What is not stopped goes on.
            assert count(connection, "outbox", f"NOT ({stopped}) AND state <> 'sent'") == 0
        # One person does not restart it, however often; two do.
        with engine.begin() as connection:
            release(connection, pressed.id, "o1", clock.now())
        with pytest.raises(SamePersonError), engine.begin() as connection:
            release(connection, pressed.id, "o1", clock.now())
        calls = len(sink.calls)
        rest(sink)
        assert len(sink.calls) == calls
        with engine.begin() as connection:
            release(connection, pressed.id, "o2", clock.now())
        while states(engine) != {"sent": 460}:
            time.sleep(0.1)
    assert set(sink.effects) == {*keys["sms"], *keys["letter"]}
    assert set(sink.effects.values()) == {1}
