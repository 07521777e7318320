"""What a set of events comes to."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from features.events.messages import Event
from features.events.threads import Idle, resolve
from tests.unit.features.events.worlds import death, move

FIRST = move(id="e1", to="440303")
LATER = move(id="e2", to="440304", version=2, corrects="e1")
LATEST = move(id="e3", to="440305", version=3, corrects="e1")
NEVER = move(id="r1", version=4, reverses="e1")
NOT_LATEST = move(id="r3", version=4, reverses="e3")
NOT_NEVER = move(id="rr", version=5, reverses="r1")

SPEAKS: list[tuple[str, list[Event], list[Event]]] = [
    ("one event", [FIRST], [FIRST]),
    ("a correction speaks instead", [FIRST, LATER], [LATER]),
    ("the latest correction speaks", [FIRST, LATER, LATEST], [LATEST]),
    (
        "by version, not by id",
        [FIRST, move(id="e2", version=3, corrects="e1"), move(id="e3", version=2, corrects="e1")],
        [move(id="e2", version=3, corrects="e1")],
    ),
    (
        "the last of a chain by version",
        [FIRST, LATER, LATEST, move(id="a4", version=4, corrects="e2")],
        [move(id="a4", version=4, corrects="e2")],
    ),
    ("a reversal cancels", [FIRST, NEVER], []),
    ("with all its corrections", [FIRST, LATER, LATEST, NEVER], []),
    ("a reversed correction leaves the one before", [FIRST, LATER, LATEST, NOT_LATEST], [LATER]),
    ("a reversed reversal does not stand", [FIRST, LATER, NEVER, NOT_NEVER], [LATER]),
    ("a correction alone waits", [LATER], []),
    (
        "a higher version replaces",
        [FIRST, move(id="e1", to="440307", version=2)],
        [move(id="e1", to="440307", version=2)],
    ),
    ("another source's correction is about another event", [FIRST, move(id="e2", source="x", corrects="e1")], [FIRST]),
    ("an event of another kind corrects nothing", [FIRST, death(id="e2", source="police", corrects="e1")], [FIRST]),
    ("what goes round in a circle says nothing", [move(id="a", corrects="b"), move(id="b", corrects="a")], []),
]


@pytest.mark.parametrize(("name", "events", "speaking"), SPEAKS, ids=[each[0] for each in SPEAKS])
def test_what_speaks_depends_on_the_set_alone(name: str, events: list[Event], speaking: list[Event]) -> None:
    for order in itertools.permutations(events * 2 if len(events) < 4 else events):
        result = resolve(order)
        assert [said.events for said in result.effective] == [(each,) for each in speaking]
        assert not any(said.disputed for said in result.effective)


@pytest.mark.parametrize(
    ("events", "reasons"),
    [
        ([LATER], {"e2": Idle.WAITS}),
        ([LATER, move(id="e9", version=9, corrects="e2")], {"e2": Idle.WAITS, "e9": Idle.WAITS}),
        ([FIRST, death(id="e2", source="police", corrects="e1")], {"e2": Idle.OTHER_KIND}),
        ([FIRST, NEVER, move(id="e7", corrects="r1")], {"e7": Idle.CORRECTS_A_REVERSAL}),
        ([move(id="a", corrects="b"), move(id="b", corrects="a")], {"a": Idle.CIRCULAR, "b": Idle.CIRCULAR}),
    ],
)
def test_an_event_that_says_nothing_says_why(events: list[Event], reasons: dict[str, Any]) -> None:
    for order in itertools.permutations(events):
        assert {key[1]: reason for key, reason in resolve(order).idle.items()} == reasons


def test_two_contents_under_one_version_are_a_dispute_until_a_higher_version_settles_it() -> None:
    other = move(id="e1", to="440307")
    (said,) = resolve([FIRST, other]).effective
    assert said.disputed
    assert set(map(str, said.events)) == {str(FIRST), str(other)}
    settled = move(id="e1", to="440308", version=2)
    (said,) = resolve([other, settled, FIRST]).effective
    assert (said.events, said.disputed) == ((settled,), False)


def test_a_disputed_reversal_throws_doubt_on_what_it_names() -> None:
    """Nobody knows whether `e1` was reversed: it neither holds nor is gone."""
    (said,) = resolve([FIRST, NEVER, move(id="r1", version=4, to="440307", reverses="e1")]).effective
    assert said.disputed
    assert FIRST in said.events


def test_a_long_chain_of_corrections_is_read() -> None:
    chain = [move(id=f"e{n}", version=n, corrects=f"e{n - 1}" if n > 1 else None) for n in range(1, 5001)]
    (said,) = resolve(reversed(chain)).effective
    assert said.events == (chain[-1],)
