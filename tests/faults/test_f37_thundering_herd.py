"""F37: after an outage fifty clients come back; they come one after the other, and none knocks all the time."""

from __future__ import annotations

import datetime as dt
import os
import random
import signal
import threading
import time
from collections import Counter

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from serving import clock
from serving.outbox.patience import Pauses, while_database_is_away
from serving.outbox.sending import Manner, Sender
from serving.store.engine import open_engine
from serving.store.server import EmbeddedServer
from tests.delivery_sink import QUICK, Sink, notices, provider, served, states

CLIENTS = 50


class Unmoved(random.Random):
    """No chance at all: what a back-off without jitter would do."""

    def random(self) -> float:
        return 1.0


def calls_of(pauses: Pauses, rng: random.Random, outage: float) -> list[float]:
    """When a client calls that failed when the outage began: until the first call after its end."""
    at, attempts, calls = 0.0, 0, [0.0]
    while at <= outage:
        attempts += 1
        at += pauses.after(attempts, rng).total_seconds()
        calls.append(at)
    return calls


def most_in_a_second(of: list[list[float]], since: float = 0.5) -> int:
    """The most calls in any second but the one in which all failed."""
    return max(Counter(int(at) for calls in of for at in calls if at > since).values())


@pytest.mark.parametrize("outage", [10.0, 60.0, 600.0, 3_600.0])
def test_what_is_planned_spreads(outage: float) -> None:
    pauses = Pauses()
    herd = [calls_of(pauses, random.Random(n), outage) for n in range(CLIENTS)]
    crowd = [calls_of(pauses, Unmoved(), outage) for _ in range(CLIENTS)]
    assert most_in_a_second(crowd) == CLIENTS
    assert most_in_a_second(herd) <= CLIENTS // 2
    # When the provider is there again, they come over the length of a pause; in the tail, a few in any second.
    assert most_in_a_second(herd, since=outage) <= CLIENTS // 4
    assert max(calls[-1] for calls in herd) <= outage + pauses.longest.total_seconds()
    # Nobody gives up, or knocks all the time.
    assert all(len(calls) <= pauses.most_attempts for calls in herd)


def test_what_a_provider_asks_for_is_kept() -> None:
    asked = dt.timedelta(minutes=7)
    rng = random.Random(1)
    assert all(asked <= Pauses().after(n, rng, asked) <= asked + Pauses().longest for n in range(1, 200))


def test_fifty_deliveries_and_a_provider_that_comes_back(engine: Engine) -> None:
    sink = Sink(away=1.0)
    keys = notices(engine, CLIENTS)
    pauses = Pauses(dt.timedelta(seconds=1), dt.timedelta(seconds=2))
    manner = Manner(batch=5, lease=QUICK.lease, idle=QUICK.idle, pauses=pauses)
    with served(sink) as url, provider(url, timeout=5) as by:
        at_work = [Sender(engine, [by], clock.now, random.Random(n), manner) for n in range(4)]
        threads = [threading.Thread(target=one.run) for one in at_work]
        for thread in threads:
            thread.start()
        while len(sink.calls) < 4 * CLIENTS:
            time.sleep(0.05)
        with engine.connect() as connection:
            planned = [
                moment.timestamp()
                for moment in connection.execute(text("SELECT not_before FROM outbox WHERE state = 'ready'")).scalars()
            ]
        sink.away = 0.0
        while states(engine) != {"sent": CLIENTS}:
            time.sleep(0.05)
        for one in at_work:
            one.end()
        for thread in threads:
            thread.join()
    # They are planned for moments of their own, and no tenth of a second has most of them.
    assert len(set(planned)) == len(planned)
    assert max(Counter(int(10 * moment) for moment in planned).values()) <= CLIENTS // 3
    assert set(sink.effects) == set(keys)
    assert set(sink.effects.values()) == {1}


def come_back(server: EmbeddedServer, outage: float) -> None:
    """Fifty clients of a database that is killed, stays away for a while, and starts again."""
    engine = open_engine(server.url, pool_size=8, wait_seconds=30, connect_seconds=2)
    tries, done = Counter[int](), Counter[int]()
    ended, gone = threading.Event(), threading.Event()

    def client(number: int) -> None:
        def work() -> None:
            tries[number] += 1
            with engine.begin() as connection:
                connection.execute(text("SELECT pg_sleep(0.01)"))
            done[number] += 1

        gone.wait()
        while_database_is_away(ended)(work)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    os.kill(server.pid, signal.SIGKILL)
    while True:  # a backend lives on until it notices
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except OperationalError:
            break
    gone.set()
    began = time.perf_counter()
    time.sleep(outage)
    assert not done
    server.ensure_running()
    away = time.perf_counter() - began
    for thread in threads:
        thread.join()
    engine.dispose()
    assert done == Counter(range(CLIENTS))
    # Longer pauses each time, up to five seconds: without chance it would be seven tries and one in five seconds.
    assert tries.total() / CLIENTS <= 10 + away
    assert max(tries.values()) <= 2 * (10 + away)


def test_fifty_clients_of_a_database_that_comes_back(server: EmbeddedServer, engine: Engine) -> None:
    come_back(server, 2.0)


@pytest.mark.long
def test_fifty_clients_after_two_minutes(server: EmbeddedServer, engine: Engine) -> None:
    come_back(server, 120.0)
