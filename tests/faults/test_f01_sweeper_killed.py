"""F1: the process that runs the sweep is killed; the next one goes on where it stopped, from any point."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from serving.store.database import Session, connect
from serving.store.server import EmbeddedServer, NamedServer
from serving.sweep.run import Settings, Sweeper
from tests.databases import a_database
from tests.sweep_world import FIRST, NOW, ON_DATE, Editions, cn_catalogue, current, emptied, expected, made_tables


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    yield from a_database()


def sweep_in_a_process(url: str, home: Path, source: Editions) -> None:
    """What `applyfree sweep` does, in a process that can be killed."""
    os.setpgrp()
    at_work = home / f"at_work_{os.getpid()}"
    runner = Sweeper(NamedServer(url), home, source, Settings(2, 40), lambda: NOW, lambda *_: at_work.touch())
    runner.run(cn_catalogue(), ON_DATE)
    runner.close()


def kill_sweepers(server: EmbeddedServer, home: Path, persons: int, kills: int) -> None:
    source = Editions(home / "editions", pause_seconds=0.05)
    tables = made_tables(persons)
    source.add(FIRST, tables)
    session = emptied(server, home)
    context, rng = multiprocessing.get_context("spawn"), random.Random(3)
    for _ in range(kills):
        claimed = _claims(session)
        process = context.Process(target=sweep_in_a_process, args=(server.url, home, source))
        process.start()
        # While it plans, while workers start, or when they are so many chunks further, at some point in the next one.
        further = rng.choice([0, 0, 1, 2, 4])
        while not (home / f"at_work_{process.pid}").exists() or _claims(session) < claimed + further:
            assert process.exitcode is None, "the sweep ended before it was killed: make it longer"
            time.sleep(0.02)
        process.join(rng.uniform(0.0, 0.5))
        assert process.exitcode is None, "the sweep ended before it was killed: make it longer"
        assert process.pid is not None
        # Now the sweeper alone, now with all its workers, as a machine that loses its power does.
        (os.kill if rng.random() < 0.5 else os.killpg)(process.pid, signal.SIGKILL)
        process.join()
    process = context.Process(target=sweep_in_a_process, args=(server.url, home, source))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert session.execute("SELECT count(*), min(state) FROM sweep").fetchone() == (1, "complete")
    assert_frame_equal(current(session), expected(tables))
    assert session.execute("SELECT count(*) FROM determination").fetchone() == (expected(tables).height,)
    session.close()


def test_a_killed_sweep_goes_on_where_it_stopped(server: EmbeddedServer, tmp_path: Path) -> None:
    kill_sweepers(server, tmp_path, 700, 3)


@pytest.mark.long
def test_a_sweep_killed_twenty_times_goes_on_where_it_stopped(server: EmbeddedServer, tmp_path: Path) -> None:
    kill_sweepers(server, tmp_path, 4_000, 20)


def test_orphaned_workers_end_by_themselves(server: EmbeddedServer, tmp_path: Path) -> None:
    source = Editions(tmp_path / "editions", pause_seconds=0.3)
    source.add(FIRST, made_tables(800))
    emptied(server, tmp_path).close()
    process = multiprocessing.get_context("spawn").Process(
        target=sweep_in_a_process, args=(server.url, tmp_path, source)
    )
    process.start()
    session = connect(server.url)
    while not _busy(session):
        time.sleep(0.1)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    deadline = time.monotonic() + 60
    while _busy(session):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    session.close()


def _claims(session: Session) -> int:
    """How often a worker has taken a chunk."""
    row = session.execute("SELECT coalesce(sum(claims), 0)::int FROM chunk").fetchone()
    assert row is not None
    assert isinstance(row[0], int)
    return row[0]


def _busy(session: Session) -> bool:
    row = session.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2").fetchone()
    return row is not None and isinstance(row[0], int) and row[0] > 1
