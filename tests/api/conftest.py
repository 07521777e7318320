"""One small world for all tests of the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import api_world
from tests.api_world import World, unlimited


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with api_world.api_world(change=unlimited) as made:
        yield made


@pytest.fixture(scope="module")
def swept_home() -> Iterator[Path]:
    """A home with a database of its own, swept."""
    with api_world.swept_home() as home:
        yield home
