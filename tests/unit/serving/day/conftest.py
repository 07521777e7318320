"""One small city for all tests of the day's run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.day_world import City, swept_city


@pytest.fixture(scope="package")
def _made() -> Iterator[City]:
    with swept_city(350, 7) as made:
        yield made


@pytest.fixture
def city(_made: City) -> City:
    """Swept once, nothing delivered."""
    _made.undeliver()
    return _made
