"""The search against every subset of small random households, and what it promises whatever they are."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.delivery.bundles.choice import Settled, Verdict, settle_problem
from serving.delivery.bundles.cliffs import CliffKind
from serving.delivery.bundles.model import Problem
from tests.unit.serving.delivery.bundles.made_worlds import Items, MadeWorld, made_worlds

K = TypeVar("K")
V = TypeVar("V")
pytestmark = pytest.mark.searched


def _settled(world: MadeWorld) -> tuple[Settled, ...]:
    return settle_problem(world.problem(), world.settle)


def _together(settled: tuple[Settled, ...]) -> Items:
    return frozenset().union(*(knot.proposals[0].received.items for knot in settled))


@given(made_worlds(exact=True))
def test_with_exact_amounts_the_best_of_all_subsets_is_found(world: MadeWorld) -> None:
    best = max(sum(worth.low for worth in worths.values()) for _, worths in world.every_set())
    assert sum(knot.secured for knot in _settled(world)) == best


@given(made_worlds())
def test_nothing_surely_as_good_as_what_is_held_brings_more_at_the_least(world: MadeWorld) -> None:
    """Knot by knot: what is lost in one is never made up for by what is won in another."""
    for knot in _settled(world):
        held = frozenset(world.held) & set(knot.items)
        inside = [(one, worths) for one, worths in world.every_set() if one <= set(knot.items)]
        safe = [sum(w.low for w in worths.values()) for one, worths in inside if world.never_worse(one, held)]
        assert knot.secured == max(safe)


@given(made_worlds())
def test_what_is_proposed_can_be_received_together_and_is_worth_what_is_said(world: MadeWorld) -> None:
    settled = _settled(world)
    worths = world.worths(_together(settled))
    assert worths is not None
    assert worths == {i: share.worth for knot in settled for i, share in knot.proposals[0].received.shares.items()}


@given(made_worlds())
def test_no_set_offered_is_worth_less_than_what_is_held(world: MadeWorld) -> None:
    """In no world that the bounds allow, in money, in what lasts, and in kind."""
    settled = _settled(world)
    for knot in settled:
        held = frozenset(world.held) & set(knot.items)
        for proposal in knot.proposals:
            others = _together(settled) - set(knot.items)
            assert world.never_worse(proposal.received.items | others, held | others)
            assert proposal.gives_up == held - proposal.received.items
            assert proposal.accept == proposal.received.items - held


@given(made_worlds())
def test_what_is_settled_is_worse_than_nothing_that_could_be(world: MadeWorld) -> None:
    settled = _settled(world)
    if all(knot.verdict is Verdict.SETTLED for knot in settled):
        best = _together(settled)
        assert all(world.never_worse(best, one) for one, _ in world.every_set())


@given(made_worlds())
def test_what_is_left_out_is_surely_no_better_or_a_person_is_told(world: MadeWorld) -> None:
    """Every set that may be better than the first proposal stands among the proposals or the doubtful ones."""
    for knot in _settled(world):
        others = knot.proposals + knot.doubtful
        inside = [one for one, _ in world.every_set() if one <= set(knot.items)]
        for one in inside:
            assert any(world.never_worse(proposal.received.items, one) for proposal in others)


@given(made_worlds(most=4), st.data())
def test_one_more_option_never_lowers_what_is_secured(world: MadeWorld, data: st.DataObject) -> None:
    options = sorted(world.bases.keys() - world.held.keys())
    if options:
        left_out = data.draw(st.sampled_from(options))
        kept = {i: base for i, base in world.bases.items() if i != left_out}
        fewer = MadeWorld(
            kept,
            {pair: touch for pair, touch in world.touches.items() if left_out not in pair},
            {pair: exclusion for pair, exclusion in world.exclusions.items() if left_out not in pair},
            {one: other for one, other in world.needs.items() if one != left_out},
            world.held,
        )
        assert sum(k.secured for k in _settled(world)) >= sum(k.secured for k in _settled(fewer))


@given(made_worlds(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(world: MadeWorld, shuffle: random.Random) -> None:
    def shuffled(entries: Mapping[K, V]) -> dict[K, V]:
        listed = list(entries.items())
        shuffle.shuffle(listed)
        return dict(listed)

    problem = world.problem()
    again = Problem(
        problem.options,
        shuffled(problem.held),
        shuffled(problem.exclusions),
        shuffled(problem.needs),
        shuffled(problem.touches),
    )
    assert settle_problem(again, world.settle) == settle_problem(problem, world.settle)


@given(made_worlds())
def test_cliffs_are_true_when_the_rules_are_executed_both_ways(world: MadeWorld) -> None:
    for knot in _settled(world):
        for cliff in knot.cliffs:
            assert cliff.accept in cliff.after - cliff.before
            assert cliff.lose in cliff.before
            had, has = world.worth(cliff.lose, cliff.before), world.worth(cliff.lose, cliff.after)
            assert had is not None
            if cliff.lose not in cliff.after:
                has = None
            assert (has is None) == (cliff.kind is not CliffKind.FALLS)
            most = None if had.high is None else had.high - (has.low if has else 0)
            least = had.low if has is None else 0 if has.high is None else max(0, had.low - has.high)
            assert (cliff.loss_low, cliff.loss_high) == (least, most)
            assert cliff.certain == (has is None or least > 0)


@given(made_worlds(exact=True))
def test_whatever_is_lost_by_accepting_one_thing_is_told(world: MadeWorld) -> None:
    """An item is held, another one is accepted with what it excludes given up: a loss without a cliff there is none."""
    held = frozenset(world.held)
    told = {(cliff.accept, cliff.lose) for knot in _settled(world) for cliff in knot.cliffs}
    for accept in world.bases.keys() - held:
        after = frozenset(i for i in held if frozenset((i, accept)) not in world.exclusions) | {accept}
        if world.worth(accept, after) is None:
            continue
        for lose, had in world.held.items():
            has = world.worth(lose, after) if lose in after else None
            if had.low > (has.low if has else 0):
                assert (accept, lose) in told
