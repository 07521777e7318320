"""Periodic tasks in a real PostgreSQL: done once, by one at a time, taken over from the dead."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import signal
import threading
import time
from importlib import resources
from pathlib import Path

import pytest
from procrastinate.schema import SchemaManager
from sqlalchemy import Engine, text

from serving import clock, log
from serving.background.oldest import oldest_items, report_what_is_stuck
from serving.background.queue import MOST_ATTEMPTS, Patience, Queue
from serving.background.tasks import Task, Work
from serving.ledger.sealing import seal
from serving.outbox.deliveries import delivery_key, enqueue
from serving.store.engine import open_engine
from serving.store.server import EmbeddedServer
from tests.casework_world import MORNING
from tests.ledger_world import things_happen

HASTY = Patience(heartbeat_seconds=0.2, stalled_seconds=1.0, poll_seconds=0.2)
ALWAYS_DUE = "* * * * *"


def queue(server: EmbeddedServer, engine: Engine, *tasks: Task) -> Queue:
    return Queue(server.url, engine, tasks, clock.now, HASTY)


def jobs(engine: Engine, task: str) -> list[tuple[str, int]]:
    with engine.connect() as connection:
        query = text("SELECT status::text, attempts FROM procrastinate_jobs WHERE task_name = :task ORDER BY id")
        return [(str(status), int(attempts)) for status, attempts in connection.execute(query, {"task": task})]


def noting(done: list[str], name: str) -> Work:
    return lambda engine, now: done.append(name)


def test_the_tables_are_those_of_the_library() -> None:
    file = resources.files("serving.store") / "migrations" / "versions" / "0017_background.sql"
    assert SchemaManager.get_schema().strip() in file.read_text(encoding="utf-8")


def test_what_is_due_is_done_once_and_nothing_is_locked_meanwhile(server: EmbeddedServer, engine: Engine) -> None:
    done: list[str] = []

    def look(engine: Engine, now: dt.datetime) -> None:
        with engine.connect() as connection:
            query = text("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'")
            done.append(f"{connection.execute(query).scalar_one()} open")

    yearly = Task("yearly", "0 0 29 2 *", noting(done, "yearly"))
    daily = Task("daily", "0 0 * * *", noting(done, "daily"))
    work = queue(server, engine, daily, Task("look", "0 * * * *", look), yearly)
    work.work_once()
    assert sorted(done) == ["0 open", "daily"]
    queue(server, engine, daily, Task("look", "0 * * * *", look), yearly).work_once()
    assert len(done) == 2  # unless the hour changed just now, which this test does not mind
    assert jobs(engine, "daily") == []  # what is done is not kept


def test_the_work_is_done_with_the_rights_of_the_application(server: EmbeddedServer, engine: Engine) -> None:
    things_happen(engine, 3)

    def seal_all(engine: Engine, now: dt.datetime) -> None:
        with engine.begin() as connection:
            assert connection.execute(text("SELECT current_user")).scalar_one() == "applyfree_app"
            seal(connection)

    queue(server, engine, Task("seal", ALWAYS_DUE, seal_all)).work_once()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM ledger_leaf")).scalar_one() == 3


def test_the_words_of_an_error_stay_where_they_are(
    server: EmbeddedServer,
    engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("APPLYFREE_LOG", str(tmp_path / "log"))
    log.configure()

    def fail(engine: Engine, now: dt.datetime) -> None:
        raise ValueError("张三, 11010519491231002X")

    queue(server, engine, Task("fails", ALWAYS_DUE, fail)).work_once()
    assert '"outcome": "ValueError"' in (tmp_path / "log").read_text()
    assert "11010519491231002X" not in (tmp_path / "log").read_text() + caplog.text
    assert jobs(engine, "fails") == [("todo", 1)]  # to be tried again
    monkeypatch.delenv("APPLYFREE_LOG")
    log.configure()


def work_in_a_process(url: str, at_work: Path) -> None:
    """A worker that begins something long."""

    def never_ends(engine: Engine, now: dt.datetime) -> None:
        at_work.touch()
        time.sleep(600)

    Queue(url, open_engine(url), [Task("long", ALWAYS_DUE, never_ends)], clock.now, HASTY).work()


def kill_a_worker(server: EmbeddedServer, at_work: Path) -> None:
    at_work.unlink(missing_ok=True)
    process = multiprocessing.get_context("spawn").Process(target=work_in_a_process, args=(server.url, at_work))
    process.start()
    while not at_work.exists():
        assert process.exitcode is None
        time.sleep(0.05)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()


def test_what_a_killed_worker_had_begun_is_done_by_another(
    server: EmbeddedServer, engine: Engine, tmp_path: Path
) -> None:
    kill_a_worker(server, tmp_path / "at_work")
    assert jobs(engine, "long") == [("doing", 0)]
    done: list[str] = []
    work = queue(server, engine, Task("long", ALWAYS_DUE, noting(done, "long")))
    while not done:
        time.sleep(HASTY.stalled_seconds / 2)
        work.work_once()
    assert [state for state, _ in jobs(engine, "long")] == []


def test_what_kills_its_worker_each_time_is_left_for_somebody_to_look(
    server: EmbeddedServer, engine: Engine, tmp_path: Path
) -> None:
    kill_a_worker(server, tmp_path / "at_work")
    with engine.begin() as connection:
        connection.execute(text("UPDATE procrastinate_jobs SET attempts = :n"), {"n": MOST_ATTEMPTS})
    while jobs(engine, "long") == [("doing", MOST_ATTEMPTS)]:
        time.sleep(HASTY.stalled_seconds / 2)
        queue(server, engine).work_once()
    assert [state for state, _ in jobs(engine, "long")] == ["failed"]


def test_two_workers_never_do_one_task_at_once(server: EmbeddedServer, engine: Engine) -> None:
    inside, most, done = 0, 0, 0
    lock = threading.Lock()

    def slow(engine: Engine, now: dt.datetime) -> None:
        nonlocal inside, most, done
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.3)
        with lock:
            inside, done = inside - 1, done + 1

    every_second = Task("slow", "* * * * * *", slow)
    while done < 3:
        threads = [threading.Thread(target=queue(server, engine, every_second).work_once) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == 1


def test_the_oldest_item_of_every_work_table_is_told(engine: Engine) -> None:
    with engine.begin() as connection:
        assert [one for one in oldest_items(connection, MORNING) if one.items or one.stuck] == []
        later = MORNING + dt.timedelta(minutes=30)
        for name, not_before in (("p1", None), ("p2", later)):
            key = delivery_key("dibao", "2026-03", "person", name, "offer", 1)
            enqueue(connection, key, kind="offer", channel="sms", benefit="dibao", now=MORNING, not_before=not_before)
    things_happen(engine, 1)
    with engine.connect() as connection:
        found = {one.name: one for one in oldest_items(connection, MORNING + dt.timedelta(minutes=61))}
    assert (found["outbox_ready"].items, found["outbox_ready"].stuck) == (2, True)
    assert found["outbox_ready"].age == dt.timedelta(minutes=61)
    assert found["ledger_unsealed"].stuck
    assert not found["outbox_in_doubt"].stuck


def test_what_is_stuck_is_logged(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLYFREE_LOG", str(tmp_path / "log"))
    log.configure()
    things_happen(engine, 2)
    report_what_is_stuck(engine, MORNING + dt.timedelta(minutes=4))
    report_what_is_stuck(engine, MORNING + dt.timedelta(minutes=6))
    monkeypatch.delenv("APPLYFREE_LOG")
    log.configure()
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert '"event": "work_is_stuck", "table": "ledger_unsealed", "waiting": 2, "seconds": 360.0' in line
