"""One small world for all tests of the API."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.store.server import EmbeddedServer
from tests import sweep_world
from tests.api_world import World, api_world, sweep_city, unlimited


@pytest.fixture(scope="session")
def api_server() -> Iterator[EmbeddedServer]:
    yield from sweep_world.a_database()


@pytest.fixture(scope="module")
def world(api_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with api_world(api_server, tmp_path_factory.mktemp("api"), change=unlimited) as made:
        yield made


@pytest.fixture(scope="module")
def swept_home() -> Iterator[Path]:
    """A home with a database of its own, swept."""
    # Not below pytest's folder: every session of pytest that starts closes that one to the user of the server.
    folder = Path(tempfile.mkdtemp(prefix="home"))
    with EmbeddedServer(folder / "postgres") as server:
        sweep_city(server, folder)
        yield folder
    shutil.rmtree(folder, ignore_errors=True)
