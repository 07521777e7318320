"""What every test may ask for.

Hypothesis runs the same examples each time by default, so that a red build is red for everyone. The profile
`long` (`make test-long`) searches afresh; what it finds becomes a row of a table, not a seed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ["COLUMNS"] = "200"  # noqa: TID251 (tables are as wide wherever the tests run)

settings.register_profile("fast", derandomize=True, max_examples=50, deadline=None)
settings.register_profile(
    "long", max_examples=2_000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("fast")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds the whole project."""
    return Path(__file__).resolve().parent.parent
