"""F31: the appender is killed, and stays away: deliveries stop; the next one goes on without a gap."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Engine

from serving import clock
from serving.ledger import stored
from serving.ledger.checkpoints import read_published
from serving.ledger.sealing import seal_and_publish
from serving.ledger.verification import verify
from serving.outbox.sending import SENT, Sender
from serving.store.engine import open_engine
from serving.store.server import EmbeddedServer
from tests.casework_world import count
from tests.delivery_sink import QUICK, Sink, notices, provider, served, states
from tests.ledger_world import SIGNER, things_happen

QUARTER = dt.timedelta(minutes=15)


def append_in_a_process(url: str, file: Path) -> None:
    """An appender that never rests."""
    engine = open_engine(url, pool_size=1)
    while True:
        seal_and_publish(engine, SIGNER, file, clock.now())


def kill_appenders(server: EmbeddedServer, engine: Engine, file: Path, kills: int, events: int) -> None:
    context, rng = multiprocessing.get_context("spawn"), random.Random(2)
    for number in range(kills):
        process = context.Process(target=append_in_a_process, args=(server.url, file))
        process.start()
        sealed = number * events
        while sealed <= number * events:  # until it is at work
            things_happen(engine, events // 10, clock.now())
            with engine.connect() as connection:
                sealed = stored.size_of(connection)
        for _ in range(9):
            things_happen(engine, events // 10, clock.now())
        time.sleep(rng.uniform(0, 0.05))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    seal_and_publish(engine, SIGNER, file, clock.now())
    with engine.connect() as connection:
        assert count(connection, "audit_unsealed") == 0
        total = count(connection, "audit_intent")
        assert [leaf.index for leaf in stored.all_leaves(connection)] == list(range(total))
        verdict = verify(stored.all_leaves(connection), read_published(file), SIGNER.key.public_key())
    assert (verdict.sound, verdict.proved) == (True, total)


def test_an_appender_that_is_killed_leaves_no_gap(server: EmbeddedServer, engine: Engine, tmp_path: Path) -> None:
    kill_appenders(server, engine, tmp_path / "checkpoints.jsonl", 3, 200)


@pytest.mark.long
def test_thirty_appenders_that_are_killed(server: EmbeddedServer, engine: Engine, tmp_path: Path) -> None:
    kill_appenders(server, engine, tmp_path / "checkpoints.jsonl", 30, 2_000)


def test_without_an_appender_deliveries_stop_and_go_on_with_the_next(engine: Engine, tmp_path: Path) -> None:
    sink = Sink()
    notices(engine, 3)
    things_happen(engine, 1, clock.now() - QUARTER + dt.timedelta(seconds=60))
    with served(sink) as url, provider(url, timeout=5) as by:
        sender = Sender(engine, [by], clock.now, random.Random(1), QUICK)
        assert sender.run_once() == Counter({SENT: 3})
        notices(engine, 2, benefit="allowance")
        things_happen(engine, 1, clock.now() - QUARTER)
        assert sender.run_once() == Counter()
        assert states(engine) == {"sent": 3, "ready": 2}
        seal_and_publish(engine, SIGNER, tmp_path / "checkpoints.jsonl", clock.now())
        assert sender.run_once() == Counter({SENT: 2})
