"""Citizens, caseworkers, clocks and crashes at random: I1-I3, I5 and I6 of gates.md hold after every step."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from serving.store.server import EmbeddedServer
from tests.at_random.city import prepare
from tests.at_random.machine import Casework
from tests.databases import a_database

# A connection that is cut off inside a savepoint takes the savepoint with it.
pytestmark = pytest.mark.filterwarnings("ignore:nested transaction already deassociated")
STEPS = 200
"""Of one example: Hypothesis draws so many numbers and no more for one."""
MUST_HAPPEN = [
    "confirm", "refuse", "again", "ask for person", "object", "object to notice", "confirm_bundle", "want_human",
    "first steps", "pass time", "escalate", "send", "seal", "bank: paid", "bank: returned", "settle: send_again",
    "event: death", "event: amended", "still entitled", "release hold", "press stop", "trip", "release stop",
    "decide: grant", "decide: deny", "decide: reduce", "decide: suspend", "decide: end", "agree", "return",
    "bulk: carry out", "case: pause", "case: over",
]  # fmt: skip
"""A run in which one of these never came to anything proves nothing about it."""


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
    server: EmbeddedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    came_to = drive(server, 115, server_kills_per_step=0.0002)
    with capsys.disabled():
        for (what, outcome), many in sorted(came_to.items()):
            sys.stdout.write(f"{many:7,} {what}: {outcome}\n")
        sys.stdout.write(f"{Casework.steps:,} steps\n")
    assert Casework.steps >= 20_000
    assert all(came_to[what, "ok"] for what in MUST_HAPPEN), [what for what in MUST_HAPPEN if not came_to[what, "ok"]]
    assert sum(many for (_, outcome), many in came_to.items() if outcome == "cut off") > 100
