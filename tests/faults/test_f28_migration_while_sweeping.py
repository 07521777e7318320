"""F28: the schema moves on while people are swept, old and new code at once: nothing that was acknowledged is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from serving.casework.states import State
from serving.store import migrate as migrating
from serving.store.database import Session, connect
from serving.store.engine import open_engine
from serving.store.server import EmbeddedServer
from tests import sweep_world
from tests.casework_world import an_entitlement, moved
from tests.databases import an_unmigrated_database
from tests.sweep_world import FIRST, ON_DATE, Editions, cn_catalogue, current, expected, made_tables

BEFORE_CASEWORK = "0003"


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    yield from an_unmigrated_database()


def test_a_migration_in_the_middle_of_a_sweep(
    server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Editions(tmp_path / "editions", pause_seconds=0.1)
    tables = made_tables(500)
    source.add(FIRST, tables)
    session = connect(server.url)
    migrating.migrate(session, until=BEFORE_CASEWORK)
    with monkeypatch.context() as old_release:
        old_release.setattr(migrating, "CURRENT_HEAD", BEFORE_CASEWORK)
        runner = sweep_world.sweeper(server, tmp_path, source, chunk=60)
    sweeping = threading.Thread(target=runner.run, args=(cn_catalogue(), ON_DATE))
    sweeping.start()
    _wait_until(session, "SELECT count(*) > 3 FROM chunk WHERE state = 'done'")
    done = _done(session)
    migrating.migrate(session)
    assert session.execute("SELECT count(*) > 0 FROM chunk WHERE state = 'open'").fetchone() == (True,)
    # The new release works beside the old one's sweep.
    engine = open_engine(server.url)
    with engine.begin() as connection:
        moved(connection, an_entitlement(connection), State.OFFERED)
    engine.dispose()
    sweeping.join()
    assert done <= _done(session)
    assert_frame_equal(current(session), expected(tables))
    runner.close()
    session.close()


def test_what_the_old_release_wrote_is_read_by_the_new_one(server: EmbeddedServer, tmp_path: Path) -> None:
    """Each migration over a database in use: the answers before and after it are the same."""
    source = Editions(tmp_path / "editions")
    source.add(FIRST, made_tables(60))
    session = connect(server.url)
    migrating.migrate(session, until=BEFORE_CASEWORK)
    with pytest.MonkeyPatch.context() as old_release:
        old_release.setattr(migrating, "CURRENT_HEAD", BEFORE_CASEWORK)
        sweep_world.swept(server, tmp_path, source)
    before = current(session)
    migrating.migrate(session)
    assert_frame_equal(current(session), before)
    session.close()


def _done(session: Session) -> set[object]:
    return {row[0] for row in session.execute("SELECT id FROM chunk WHERE state = 'done'").fetchall()}


def _wait_until(session: Session, question: str) -> None:
    while session.execute(question.encode()).fetchone() != (True,):
        time.sleep(0.05)
