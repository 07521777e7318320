"""G2, F2: the provider takes a call and never answers, or is away; senders die: one effect per key all the same."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
import time

import pytest
from sqlalchemy import Engine

from serving import clock
from serving.outbox.sending import Sender
from serving.store.engine import open_engine
from serving.store.server import EmbeddedServer
from tests.delivery_sink import QUICK, Sink, notices, provider, served, states


def send_until_none_is_left(engine: Engine, url: str, *, may_repeat: bool, senders: int = 3) -> None:
    """Several senders at once, until nothing is ready or leased."""
    with provider(url, may_repeat=may_repeat) as by:
        at_work = [Sender(engine, [by], clock.now, random.Random(n), QUICK) for n in range(senders)]
        threads = [threading.Thread(target=one.run) for one in at_work]
        for thread in threads:
            thread.start()
        while states(engine).keys() & {"ready", "leased"}:
            time.sleep(0.1)
        for one in at_work:
            one.end()
        for thread in threads:
            thread.join()


def deliver(engine: Engine, many: int, *, knows_keys: bool) -> Sink:
    """3 in 100 calls are taken and never answered, 5 in 100 not taken."""
    sink = Sink(knows_keys=knows_keys, hangs=0.03, away=0.05)
    keys = notices(engine, many)
    with served(sink) as url:
        send_until_none_is_left(engine, url, may_repeat=knows_keys)
    assert set(sink.effects) == set(keys)
    assert set(sink.effects.values()) == {1}
    return sink


def test_a_provider_that_knows_keys_acts_once_for_each_though_it_is_called_more_often(engine: Engine) -> None:
    sink = deliver(engine, 300, knows_keys=True)
    assert len(sink.calls) > 300
    assert states(engine) == {"sent": 300}


def test_a_provider_that_knows_no_keys_is_called_at_most_once_and_the_rest_is_in_doubt(engine: Engine) -> None:
    deliver(engine, 300, knows_keys=False)
    found = states(engine)
    assert found["in_doubt"] > 0
    assert found["sent"] + found["in_doubt"] == 300


@pytest.mark.long
@pytest.mark.parametrize("knows_keys", [True, False])
def test_ten_thousand_deliveries(engine: Engine, knows_keys: bool) -> None:
    deliver(engine, 10_000, knows_keys=knows_keys)


def send_in_a_process(database: str, url: str, may_repeat: bool, seed: int) -> None:
    """What a sender's process does until it is killed."""
    engine = open_engine(database, pool_size=1)
    with provider(url, may_repeat=may_repeat) as by:
        Sender(engine, [by], clock.now, random.Random(seed), QUICK).run()


def kill_senders(server: EmbeddedServer, engine: Engine, many: int, kills: int, *, knows_keys: bool) -> None:
    """Kill a sender over and over, in the middle of a call or between any two steps; then let one finish."""
    sink = Sink(knows_keys=knows_keys, slow_seconds=0.01)
    keys = notices(engine, many)
    context, rng = multiprocessing.get_context("spawn"), random.Random(5)
    with served(sink) as url:
        for seed in range(kills):
            called = len(sink.calls)
            process = context.Process(target=send_in_a_process, args=(server.url, url, knows_keys, seed))
            process.start()
            further = rng.randint(1, 8)
            while len(sink.calls) < called + further:
                assert states(engine).keys() & {"ready", "leased"}, (
                    "all was sent before all were killed: make it longer"
                )
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 0.01))
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join()
        send_until_none_is_left(engine, url, may_repeat=knows_keys)
    assert set(sink.effects) <= set(keys)
    assert set(sink.effects.values()) == {1}
    found = states(engine)
    assert found.pop("sent") + found.pop("in_doubt", 0) == many
    assert found == {}
    if knows_keys:
        assert set(sink.effects) == set(keys)
        assert states(engine) == {"sent": many}


@pytest.mark.parametrize("knows_keys", [True, False])
def test_senders_are_killed_between_call_and_commit(server: EmbeddedServer, engine: Engine, knows_keys: bool) -> None:
    kill_senders(server, engine, 80, 3, knows_keys=knows_keys)


@pytest.mark.long
@pytest.mark.parametrize("knows_keys", [True, False])
def test_forty_senders_are_killed(server: EmbeddedServer, engine: Engine, knows_keys: bool) -> None:
    kill_senders(server, engine, 2_000, 40, knows_keys=knows_keys)
