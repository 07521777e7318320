"""Gate 4: no machine-made negative act, in ten thousand random sequences of calls and of raw statements.

What counts as one is asked of the tables in words of their own (tests/cases_promises.py): what was denied, suspended,
ended, reduced or asked back has two named humans who each looked for themselves, a code, and words.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from sqlalchemy import Engine, text

from serving.casework.review import TAKING_AWAY, Verdict, recommend
from serving.casework.states import State
from serving.store.server import EmbeddedServer
from tests.cases_at_random import STEPS, Play
from tests.cases_promises import broken
from tests.cases_world import in_review
from tests.casework_world import casework_database, count, owner_engine

CASES, STEPS_EACH = 10_000, 10
QUICK = 100


NEVER_REFUSED = {"open a case"}
"""That somebody looks takes nothing from anybody."""
NEVER_DONE = {"update", "insert amendment"}
"""By raw SQL none of it is done: what two people decided is amended by their decision itself (`amended by two`)."""


@pytest.fixture(scope="module")
def engine(server: EmbeddedServer) -> Iterator[Engine]:
    with casework_database(server) as engine:
        yield engine


def played(engine: Engine, seeds: range) -> Counter[str]:
    """Each sequence in a transaction of its own, looked at after its last step, and undone."""
    done: Counter[str] = Counter()
    with engine.connect() as connection:
        for seed in seeds:
            play = Play(connection, random.Random(seed), done)
            for _ in range(STEPS_EACH):
                play.step()
            assert broken(connection) == [], f"seed {seed}"
            done["taken away by two"] += count(connection, "move", "to_state IN ('denied', 'suspended', 'ended')")
            done["amended by two"] += count(connection, "amendment", "kind <> 'restore'")
            connection.rollback()
    return done


def test_no_sequence_takes_anything_away_without_two_humans(engine: Engine) -> None:
    done = played(engine, range(QUICK))
    # Not vacuous: two humans did take away, and the machine tried.
    assert done["taken away by two"] > 0
    assert done["insert move refused"] > 0


@pytest.mark.long
def test_ten_thousand_sequences_take_nothing_away_without_two_humans(engine: Engine) -> None:
    done = played(engine, range(1_000_000, 1_000_000 + CASES))
    print(f"gate 4: {CASES} sequences of {STEPS_EACH} steps: {dict(sorted(done.items()))}")  # noqa: T201
    assert done["taken away by two"] > CASES / 100
    assert done["amended by two"] > 0
    for name in STEPS:
        assert done[f"{name} refused"] > 0 or name in NEVER_REFUSED, name
        assert done[name] > 0 or name in NEVER_DONE, name


def test_what_is_looked_for_would_be_found(engine: Engine, server: EmbeddedServer) -> None:
    """With the checks and triggers out of the way, the questions that are asked find what was done."""
    owner = owner_engine(server)
    with owner.connect() as connection:
        of = in_review(connection)
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for check in ("no_machine_made_negative_act", "a_negative_act_says_why"):
            connection.execute(text(f"ALTER TABLE move DROP CONSTRAINT {check}"))
        connection.execute(
            text(
                "INSERT INTO move (entitlement, revision, from_state, to_state, actor_kind, actor, at) "
                "VALUES (:of, 2, 'review', 'denied', 'system', 'model', now())"
            ),
            {"of": of.id},
        )
        connection.execute(
            text(
                "INSERT INTO amendment (entitlement, decision, kind, amount_minor, at) "
                "VALUES (:of, 1, 'reduce', 1, now())"
            ),
            {"of": of.id},
        )
        assert broken(connection) == [
            "taken away by anything but two humans with a reason",
            "taken away without a move",
            "reduced or asked back by anything but two humans with a reason",
        ]
        connection.rollback()
    owner.dispose()


def test_the_engine_recommends_nothing_negative(engine: Engine) -> None:
    with engine.connect() as connection:
        of = in_review(connection)
        connection.rollback()
    whys: tuple[list[dict[str, object]], ...] = ([], [{"code": "above_cap"}], [{"code": "discretion_full"}])
    tiers = ("automatic", "confirm", "ask", "review")
    for tier, state, why, confirmed, arrived in product(tiers, State, whys, (True, False), (True, False)):
        one = replace(of, tier=tier, state=state, reasons=why)
        verdict = recommend(one, confirmed=confirmed, arrived=arrived).verdict
        assert verdict not in TAKING_AWAY
        assert verdict is not Verdict.CLOSE
