"""G1, F1, F3: workers and the server are killed while people are swept; nobody is lost, nobody doubled."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from serving.store.database import connect
from serving.store.server import EmbeddedServer
from serving.sweep.run import Outcome
from tests import sweep_world
from tests.databases import a_database
from tests.sweep_world import FIRST, ON_DATE, Editions, cn_catalogue, current, emptied, expected, made_tables


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    yield from a_database()


def kill_while_sweeping(
    server: EmbeddedServer, home: Path, persons: int, *, worker_kills: int, server_kills: int, chunk: int
) -> None:
    """Sweep some people in a thread, kill from here, compare with what the rules say of everybody at once."""
    source = Editions(home / "editions", pause_seconds=0.05)
    tables = made_tables(persons)
    source.add(FIRST, tables)
    emptied(server, home).close()
    found: list[Outcome] = []
    runner = sweep_world.sweeper(server, home, source, workers=2, chunk=chunk)
    sweeping = threading.Thread(target=lambda: found.append(runner.run(cn_catalogue(), ON_DATE)))
    sweeping.start()
    rng = random.Random(7)
    killed: set[int] = set()
    servers = 0
    while sweeping.is_alive() and (len(killed) < worker_kills or servers < server_kills):
        time.sleep(rng.uniform(0.1, 0.6))
        busy = [p.pid for p in multiprocessing.active_children() if p.pid and p.pid not in killed and _has_begun(p.pid)]
        if busy and len(killed) < worker_kills:
            victim = rng.choice(busy)
            os.kill(victim, signal.SIGKILL)
            killed.add(victim)
        if servers < server_kills and len(killed) >= (servers + 1) * worker_kills // (server_kills + 1):
            os.kill(server.pid, signal.SIGKILL)
            servers += 1
            time.sleep(2)
    sweeping.join()
    runner.close()
    assert len(killed) == worker_kills, "the sweep ended before all were killed: make it longer"
    assert servers == server_kills
    (outcome,) = found
    assert outcome.dead == ()
    asked = sum(table.height for table in tables.values())
    assert outcome.looked_at == outcome.written == asked
    session = connect(server.url)
    there = current(session)
    assert there.unique(["subject", "id", "benefit"]).height == there.height == outcome.determinations
    assert_frame_equal(there, expected(tables))
    session.close()


def _has_begun(pid: int) -> bool:
    """Has a worker got past its imports? A kill before that proves nothing."""
    try:
        return any("psycopg" in line for line in Path(f"/proc/{pid}/maps").read_text().splitlines())
    except OSError:
        return False


def test_workers_and_server_killed_while_people_are_swept(server: EmbeddedServer, tmp_path: Path) -> None:
    kill_while_sweeping(server, tmp_path, 600, worker_kills=5, server_kills=1, chunk=40)


@pytest.mark.long
def test_forty_workers_and_three_servers_killed_while_20_000_people_are_swept(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    kill_while_sweeping(server, tmp_path, 20_000, worker_kills=40, server_kills=3, chunk=150)
