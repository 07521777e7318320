"""F4 and F5: a replica is not decided on; one that is promoted too early is noticed; the old primary is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from serving.casework.states import State
from serving.store.engine import open_engine
from serving.store.errors import LostWritesError, NotPrimaryError, OldPrimaryError, OtherDatabaseError
from serving.store.fence import Fence
from serving.store.server import EmbeddedServer
from tests.casework_world import an_entitlement, casework_database, moved
from tests.databases import a_database, an_unmigrated_database
from tests.replicas import Replica, a_replica


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    yield from a_database()


def test_nothing_is_decided_on_a_replica(server: EmbeddedServer, engine: Engine) -> None:
    with a_replica(server) as replica:
        behind = open_engine(replica.url)
        with pytest.raises(NotPrimaryError, match="replica"):
            behind.connect()
        behind.dispose()


def test_a_failover_that_loses_nothing_goes_on(server: EmbeddedServer, engine: Engine, tmp_path: Path) -> None:
    fence = Fence(tmp_path / "fence.json")
    _decide(engine, "p1")
    fence.remember(engine)
    with a_replica(server) as replica:
        new = _promoted(replica, fence)
        fence.require_whole()
        _decide(new, "p2")
        new.dispose()


def test_a_replica_that_was_behind_is_noticed_and_nothing_is_delivered(
    server: EmbeddedServer, engine: Engine, tmp_path: Path
) -> None:
    fence = Fence(tmp_path / "fence.json")
    _decide(engine, "p1")
    with a_replica(server) as replica:
        replica.cut_off()
        _decide(engine, "p2")  # acknowledged here, unknown there
        fence.remember(engine)
        new = _promoted(replica, fence)
        with pytest.raises(LostWritesError, match="lacks entries"):
            fence.require_whole()
        _decide(new, "p3")
        fence.remember(new)
        with pytest.raises(LostWritesError):  # writing on does not heal it
            fence.require_whole()
        fence.release()
        fence.require_whole()
        new.dispose()


def test_the_old_primary_is_refused(server: EmbeddedServer, engine: Engine, tmp_path: Path) -> None:
    fence = Fence(tmp_path / "fence.json")
    _decide(engine, "p1")
    fence.remember(engine)
    with a_replica(server) as replica:
        _promoted(replica, fence).dispose()
        old = fence.guard(open_engine(server.url))
        with pytest.raises(OldPrimaryError, match="replaced by another primary"):
            old.connect()
        with pytest.raises(OldPrimaryError):  # nor by connections that were open all the time
            fence.remember(engine)
        old.dispose()


def test_another_database_is_no_failover(server: EmbeddedServer, engine: Engine, tmp_path: Path) -> None:
    fence = Fence(tmp_path / "fence.json")
    fence.remember(engine)
    for other in an_unmigrated_database():
        with casework_database(other) as foreign, pytest.raises(OtherDatabaseError):
            fence.remember(foreign)


def _decide(engine: Engine, subject: str) -> None:
    with engine.begin() as connection:
        moved(connection, an_entitlement(connection, subject, tier="automatic"), State.APPROVED)


def _promoted(replica: Replica, fence: Fence) -> Engine:
    replica.promote()
    engine = fence.guard(open_engine(replica.url))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT pg_is_in_recovery()")).scalar_one() is False
    return engine
