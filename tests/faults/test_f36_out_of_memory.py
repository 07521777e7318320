"""F36: a worker that gets no memory dies over it, and the sweep is the same in the end."""

from __future__ import annotations

import multiprocessing
import resource
import threading
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil
import pytest
from polars.testing import assert_frame_equal

from serving.store.database import connect
from serving.store.server import EmbeddedServer
from serving.sweep.run import Outcome
from tests import sweep_world
from tests.databases import a_database
from tests.sweep_world import FIRST, ON_DATE, Editions, cn_catalogue, current, emptied, expected, made_tables

STARVED = 3


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    yield from a_database()


def test_workers_without_memory_lose_nothing(server: EmbeddedServer, tmp_path: Path) -> None:
    source = Editions(tmp_path / "editions", pause_seconds=0.05)
    tables = made_tables(2000)
    source.add(FIRST, tables)
    emptied(server, tmp_path).close()
    found: list[Outcome] = []
    runner = sweep_world.sweeper(server, tmp_path, source, chunk=600)
    sweeping = threading.Thread(target=lambda: found.append(runner.run(cn_catalogue(), ON_DATE)))
    sweeping.start()
    starved: dict[int, BaseProcess] = {}
    while sweeping.is_alive() and len(starved) < STARVED:
        time.sleep(0.02)
        for worker in multiprocessing.active_children():
            if worker.pid and worker.pid not in starved and _is_at_work(worker.pid):
                _starve(worker.pid)
                starved[worker.pid] = worker
    sweeping.join()
    runner.close()
    assert len(starved) == STARVED, "the sweep ended before all were starved: make it longer"
    assert any(worker.exitcode not in (0, None) for worker in starved.values()), "none died of it"
    (outcome,) = found
    assert outcome.dead == ()
    with connect(server.url) as session:
        assert_frame_equal(current(session), expected(tables))


def _is_at_work(pid: int) -> bool:
    """Has a worker opened the database? One that is starved in its imports proves nothing."""
    try:
        return any("psycopg" in line for line in Path(f"/proc/{pid}/maps").read_text().splitlines())
    except OSError:
        return False


def _starve(pid: int) -> None:
    """From now on it gets no more memory than it has."""
    try:
        size = psutil.Process(pid).memory_info().vms
        resource.prlimit(pid, resource.RLIMIT_AS, (size, size))
    except (psutil.Error, ProcessLookupError):
        return
