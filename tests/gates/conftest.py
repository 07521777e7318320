"""What gates share: the sample city after its day, small by default and whole under `long`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.delivered_city import QUICK, WHOLE, City, delivered_city


@pytest.fixture(scope="session", params=[QUICK, pytest.param(WHOLE, marks=pytest.mark.long)])
def city(request: pytest.FixtureRequest) -> Iterator[City]:
    """Made, swept and delivered once for all tests that only look at it."""
    with delivered_city(request.param) as found:
        yield found
