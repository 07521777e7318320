"""What every test may ask for.

Hypothesis runs the same examples each time, few by default and thousands under `long` (`make test-long`), so that a red
build is red for everyone. `make search` looks at fresh ones; what it finds becomes a test of its own, not a seed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine

from serving.store.server import EmbeddedServer
from tests.casework_world import casework_database
from tests.databases import a_database

os.environ["COLUMNS"] = "200"  # noqa: TID251 (tables are as wide wherever the tests run)

settings.register_profile("fast", derandomize=True, max_examples=50, deadline=None)
_THOUSANDS = settings(max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", _THOUSANDS, derandomize=True)
settings.register_profile("fresh", _THOUSANDS, print_blob=True)
settings.load_profile("fast")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds the whole project."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """A PostgreSQL server of the module's own, migrated and without rows."""
    yield from a_database()


@pytest.fixture
def engine(server: EmbeddedServer) -> Iterator[Engine]:
    """The module's database, empty for each test: these commit."""
    with casework_database(server) as engine:
        yield engine


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Tell at once what failed: a run that is cut short has no summary."""
    if report.failed:
        print(f"\n{report.when} of {report.nodeid} failed\n{report.longreprtext}", flush=True)  # noqa: T201
