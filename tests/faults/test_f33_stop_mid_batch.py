"""F33: a stop is pressed at a random moment in the middle of a batch; what is in flight ends, the rest is safe."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time

import pytest
from sqlalchemy import Engine, text

from serving import clock
from serving.stops.buttons import Scope, press, release
from serving.store.server import EmbeddedServer
from tests.casework_world import count
from tests.delivery_sink import QUICK, Sink, notices, served, states
from tests.gates.test_g02_one_effect_per_key import send_in_a_process
from tests.gates.test_g08_stop_button import NO_LATER_THAN, last_begun


def press_at_random(server: EmbeddedServer, engine: Engine, many: int, presses: int, *, knows_keys: bool) -> None:
    """Senders are processes; a call may hang while the stop is pressed, and one sender is killed while it is."""
    sink = Sink(knows_keys=knows_keys, slow_seconds=0.005, hangs=0.02)
    keys, rng = notices(engine, many), random.Random(9)
    context = multiprocessing.get_context("spawn")
    with served(sink) as url:

        def started(seed: int) -> multiprocessing.process.BaseProcess:
            process = context.Process(target=send_in_a_process, args=(server.url, url, knows_keys, seed))
            process.start()
            return process

        processes = [started(1), started(2)]
        for number in range(presses):
            further = len(sink.calls) + rng.randint(3, 12)
            while len(sink.calls) < further:
                assert states(engine).keys() & {"ready", "leased"}, "all was sent before the last press: make it longer"
                time.sleep(0.005)
            with engine.begin() as connection:
                stop = press(connection, Scope.ALL, "", "o1", "drill", clock.now())
            calls = len(sink.calls)
            if number == 0:
                victim = processes[0].pid
                assert victim is not None
                os.kill(victim, signal.SIGKILL)
                processes[0].join()
                processes[0] = started(3)
            _until_nothing_is_held(engine)
            assert len(sink.calls) - calls <= 2  # one for each sender, between its last look and its call
            assert last_begun(engine, "true") - stop.pressed_at <= NO_LATER_THAN
            assert states(engine).keys() <= {"ready", "sent", "in_doubt"}
            for officer in ("o2", "o3"):
                with engine.begin() as connection:
                    release(connection, stop.id, officer, clock.now())
        while states(engine).keys() & {"ready", "leased"}:
            time.sleep(0.1)
        for process in processes:
            assert process.pid is not None
            os.kill(process.pid, signal.SIGTERM)
            process.join()
    assert set(sink.effects) <= set(keys)
    assert set(sink.effects.values()) == {1}
    with engine.connect() as connection:
        assert count(connection, "outbox", "state IN ('sent', 'in_doubt')") == many
        assert count(connection, "stop", "released_at IS NULL") == 0
    if knows_keys:
        assert set(sink.effects) == set(keys)


def _until_nothing_is_held(engine: Engine) -> None:
    """A call that hangs ends by its time limit; the lease of a killed sender runs out."""
    while True:
        with engine.connect() as connection:
            query = text("SELECT count(*) FROM outbox WHERE state = 'leased'")
            if not connection.execute(query).scalar_one():
                return
        time.sleep(QUICK.idle.total_seconds())


@pytest.mark.parametrize("knows_keys", [True, False])
def test_a_stop_in_the_middle_of_a_batch(server: EmbeddedServer, engine: Engine, knows_keys: bool) -> None:
    press_at_random(server, engine, 150, 2, knows_keys=knows_keys)


@pytest.mark.long
@pytest.mark.parametrize("knows_keys", [True, False])
def test_thirty_stops(server: EmbeddedServer, engine: Engine, knows_keys: bool) -> None:
    press_at_random(server, engine, 1_500, 30, knows_keys=knows_keys)
