"""F3: PostgreSQL is killed and comes back by itself; what was acknowledged is there."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.store.answers import Answer, intern, spelled
from serving.store.database import LOST, Session, connect
from serving.store.server import EmbeddedServer
from tests import sweep_world
from tests.databases import a_database


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    yield from a_database()


def test_what_was_acknowledged_survives_three_kills(server: EmbeddedServer, tmp_path: Path) -> None:
    session = sweep_world.emptied(server, tmp_path)
    kept: dict[int, Answer] = {}
    for number in range(3):
        answers = [
            Answer("b", "2020-01-01", "eligible", str(n), str(n), str(n), "month", "CNY", (), ())
            for n in range(100 * number, 100 * number + 100)
        ]
        kept |= dict(zip(intern(session, answers), answers, strict=True))
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(LOST):
            _ask_until_it_is_gone(session)
        session = connect(server.url, remedy=server.ensure_running)
        assert spelled(session, list(kept)) == kept
    session.close()


def _ask_until_it_is_gone(session: Session) -> None:
    while True:  # a backend lives on until it notices
        session.execute("SELECT 1")
