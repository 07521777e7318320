"""Citizens, caseworkers, clocks and crashes at random: invariants I1-I3, I5 and I6 of gates.md hold after every step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from serving.store.server import EmbeddedServer
from tests.casework_machine import Casework
from tests.random_city import prepare
from tests.sweep_world import a_database

STEPS = 200
"""Of one example: Hypothesis draws so many numbers and no more for one."""


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    for server in a_database():
        prepare(server)
        yield server


def drive(server: EmbeddedServer, examples: int, *, server_kills_per_step: float) -> Counter[tuple[str, str]]:
    """So many cities, each for its steps; by operation and outcome, how often."""
    Casework.server, Casework.server_kills_per_step = server, server_kills_per_step
    Casework.came_to.clear()
    Casework.steps = 0
    how = settings(
        max_examples=examples, stateful_step_count=STEPS, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(Casework, settings=how)
    return Casework.came_to


def test_what_must_hold_holds_after_each_of_some_hundred_steps(server: EmbeddedServer) -> None:
    drive(server, 3, server_kills_per_step=0)
    assert Casework.steps >= 600


@pytest.mark.long
def test_what_must_hold_holds_after_each_of_twenty_thousand_steps(
    server: EmbeddedServer, record_property: Callable[[str, object], None]
) -> None:
    came_to = drive(server, 110, server_kills_per_step=0.0002)
    record_property("steps", Casework.steps)
    assert Casework.steps >= 20_000
    for (what, outcome), many in sorted(came_to.items()):
        record_property(f"{what}: {outcome}", many)
        print(f"{many:7,} {what}: {outcome}")
    print(f"{Casework.steps:,} steps")
