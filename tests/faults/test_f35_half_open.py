"""F35: the database, then the provider, stand still without saying so: nobody waits for ever, and all goes on after."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from serving import clock
from serving.outbox.patience import Pauses
from serving.outbox.sending import Sender
from serving.store.engine import open_engine
from serving.store.server import EmbeddedServer
from tests.delivery_sink import QUICK, Sink, notices, provider, served, states

STANDS_STILL = 4.0
"""Seconds: longer than every limit below."""
A_PROVIDER = """
import sys
from tests.delivery_sink import Sink, served
with served(Sink(slow_seconds=0.01)) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def hasty_engine(server: EmbeddedServer) -> Iterator[Engine]:
    """As patient as a test can be: a second for a connection, and for a statement."""
    engine = open_engine(server.url, pool_size=2, statement_seconds=1, connect_seconds=2, wait_seconds=1)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def standing_still(pid: int) -> Iterator[None]:
    """SIGSTOP for a process and all its children: sockets stay open, the kernel acknowledges, nobody answers."""
    process = psutil.Process(pid)
    halted = [process, *process.children(recursive=True)]
    for one in halted:
        with suppress(psutil.NoSuchProcess):
            one.suspend()
    try:
        yield
    finally:
        for one in halted:
            with suppress(psutil.NoSuchProcess):
                one.resume()


def test_a_statement_and_a_connection_are_given_up_and_had_again(server: EmbeddedServer, engine: Engine) -> None:
    with hasty_engine(server) as hasty, hasty.connect() as connection:
        connection.execute(text("SELECT 1"))
        with standing_still(server.pid):
            with pytest.raises(OperationalError, match="no answer for"):
                connection.execute(text("SELECT 2"))
            assert connection.invalidated
            with pytest.raises(OperationalError, match="timeout"), hasty.connect():
                pass
        connection.rollback()
        assert connection.execute(text("SELECT 3")).scalar_one() == 3


def deliver_across(server: EmbeddedServer, engine: Engine, many: int, stop_seconds: float, stops: int) -> None:
    """Senders work; the database stands still for a while, in the middle of it."""
    sink = Sink(slow_seconds=0.01)
    keys = notices(engine, many)
    with served(sink) as url, provider(url) as by, hasty_engine(server) as hasty:
        at_work = [Sender(hasty, [by], clock.now, random.Random(n), QUICK) for n in range(2)]
        threads = [threading.Thread(target=one.run) for one in at_work]
        for thread in threads:
            thread.start()
        for _ in range(stops):
            further = len(sink.calls) + 10
            while len(sink.calls) < further:
                time.sleep(0.01)
            with standing_still(server.pid):
                time.sleep(stop_seconds)
                assert all(thread.is_alive() for thread in threads)  # they wait, and do not die
        while states(engine) != {"sent": many}:
            time.sleep(0.1)
        for one in at_work:
            one.end()
        for thread in threads:
            thread.join()
    assert set(sink.effects) == set(keys)
    assert set(sink.effects.values()) == {1}


def test_senders_go_on_when_the_database_does(server: EmbeddedServer, engine: Engine) -> None:
    deliver_across(server, engine, 60, STANDS_STILL, 1)


@pytest.mark.long
def test_senders_go_on_after_a_minute_of_silence_three_times(server: EmbeddedServer, engine: Engine) -> None:
    deliver_across(server, engine, 200, 60.0, 3)


def test_a_sender_that_is_ended_while_the_database_stands_still_ends(server: EmbeddedServer, engine: Engine) -> None:
    sink = Sink()
    with served(sink) as url, provider(url) as by, hasty_engine(server) as hasty:
        sender = Sender(hasty, [by], clock.now, random.Random(1), QUICK)
        thread = threading.Thread(target=_until_it_gives_up, args=(sender,))
        thread.start()
        with standing_still(server.pid):
            time.sleep(0.5)
            sender.end()
            thread.join(60)
            assert not thread.is_alive()


def _until_it_gives_up(sender: Sender) -> None:
    with suppress(OperationalError):
        sender.run()


def provider_stands_still(server: EmbeddedServer, engine: Engine, repository: Path, many: int, seconds: float) -> None:
    """The provider is a process of its own, and is stopped in the middle of its work."""
    notices(engine, many)
    command = [sys.executable, "-c", A_PROVIDER]
    with subprocess.Popen(command, cwd=repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        # Patient enough that no delivery comes to its last attempt meanwhile: a human would be asked, as it should be.
        pauses = Pauses(dt.timedelta(milliseconds=20), dt.timedelta(seconds=seconds / 8))
        manner = dataclasses.replace(QUICK, batch=3, pauses=pauses)
        with provider(url) as by:
            sender = Sender(engine, [by], clock.now, random.Random(1), manner)
            thread = threading.Thread(target=sender.run)
            thread.start()
            while states(engine).get("sent", 0) < 5:
                time.sleep(0.02)
            with standing_still(process.pid):
                time.sleep(seconds)
                with engine.connect() as connection:  # it tried, was not answered in time, and tries the next one
                    tried = "SELECT count(DISTINCT id) FROM outbox WHERE trouble = 'timeout' OR doubtful"
                    assert connection.execute(text(tried)).scalar_one() > 1
                assert thread.is_alive()
            while (reached := states(engine)) != {"sent": many}:
                assert "in_doubt" not in reached
                time.sleep(0.1)
            sender.end()
            thread.join()
        process.communicate("")


def test_a_provider_that_stands_still_holds_nobody(server: EmbeddedServer, engine: Engine, repository: Path) -> None:
    provider_stands_still(server, engine, repository, 30, STANDS_STILL)


@pytest.mark.long
def test_a_provider_that_stands_still_for_a_minute(server: EmbeddedServer, engine: Engine, repository: Path) -> None:
    provider_stands_still(server, engine, repository, 300, 60.0)
