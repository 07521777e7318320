"""The promises on the shipped rules themselves, on random households."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.facts.values import Value
from serving.delivery.bundles.choice import Verdict
from serving.delivery.bundles.household import Household, problem_of, settle_household
from serving.delivery.bundles.model import Item, Worth
from serving.delivery.bundles.reexecution import Reexecution
from serving.delivery.bundles.sets import Ledger, falls_short
from serving.delivery.bundles.ties import Ties
from tests.unit.serving.delivery.bundles.families import (
    ALONE_IN_HARDSHIP,
    CHECKED,
    DISABLED,
    HARD_UP,
    OF_PENSION_AGE,
    OUT_OF_WORK,
    UNATTENDED,
    Family,
    of_home,
    of_person,
    prepared,
    yuan,
)

pytestmark = pytest.mark.searched

_TRAITS = st.lists(
    st.sampled_from([DISABLED, CHECKED, ALONE_IN_HARDSHIP, OUT_OF_WORK, OF_PENSION_AGE, UNATTENDED]), max_size=3
)


@st.composite
def families(draw: st.DrawFn) -> tuple[Family, dict[Item, Worth]]:
    """One to three persons with what may bring them benefits, and awards of some of what they are owed."""
    persons: list[Mapping[str, Value]] = []
    for _ in range(draw(st.integers(1, 3))):
        persons.append({name: value for trait in draw(_TRAITS) for name, value in trait.items()})
    income = yuan(draw(st.sampled_from([0, 500, 1500, 2500, 5000])))
    family = Family({**HARD_UP, "household_income_month": income}, *persons)
    owed = sorted(family.household().owed)
    awards = draw(st.lists(st.sampled_from(owed), max_size=2, unique=True)) if owed else []
    held: dict[Item, Worth] = {}
    for item in awards:
        worth = family.household().owed[item]
        paid = 0 if worth.in_kind else draw(st.sampled_from([worth.low // 2, worth.low, worth.low + 1000_00]))
        held[item] = replace(worth, low=paid, high=paid)
    return family, held


def _parts(family: Family, held: dict[Item, Worth]) -> tuple[Household, Ledger]:
    household = family.household(held)
    reexecution = Reexecution(prepared(), family.population, held)
    problem = problem_of(prepared(), household, reexecution)
    return household, Ledger(problem, Ties(problem), reexecution)


@given(families())
def test_no_bundle_is_worth_less_than_what_the_household_has(made: tuple[Family, dict[Item, Worth]]) -> None:
    family, held = made
    household, ledger = _parts(family, held)
    for knot in settle_household(prepared(), household, lambda: family.population):
        mine = frozenset(held) & set(knot.items)
        now = ledger.received(mine)
        assert now is not None
        for proposal in knot.proposals:
            assert not falls_short(proposal.received, now)
            assert proposal.received.low >= sum(held[item].low for item in mine)


@given(families())
def test_what_an_item_is_worth_rests_on_its_ancestors_alone(made: tuple[Family, dict[Item, Worth]]) -> None:
    """The search asks each item in the company of those that touch it; the rules say the same in the whole company."""
    family, held = made
    _, ledger = _parts(family, held)
    for knot in ledger.ties.knots():
        for received in ledger.sets(knot):
            whole = Reexecution(prepared(), family.population, held)(received.items)
            for item in received.items:
                assert whole[item] == ledger.answered(item, received.items)


@given(families())
def test_a_certain_choice_is_never_left_to_a_person_without_a_reason(made: tuple[Family, dict[Item, Worth]]) -> None:
    family, held = made
    for knot in settle_household(prepared(), family.household(held), lambda: family.population):
        assert (knot.verdict is Verdict.SETTLED) == (not knot.reasons)
        assert knot.doubtful == () or knot.verdict is Verdict.REVIEW


@given(st.integers(0, 4000), st.integers(1, 3))
def test_income_that_is_received_counts_as_income_that_was_assessed(income: int, size: int) -> None:
    """Beside unemployment benefit, dibao is what the rules say of a household that had that much more income."""
    unemployed = [OUT_OF_WORK, *[{}] * (size - 1)]
    family = Family({**HARD_UP, "household_income_month": yuan(income)}, *unemployed)
    richer = Family({**HARD_UP, "household_income_month": yuan(income + 2250)}, *unemployed)
    dibao, unemployment = of_home("dibao"), of_person("unemployment_benefit")
    beside = Reexecution(prepared(), family.population)(frozenset({dibao, unemployment}))
    alone = Reexecution(prepared(), richer.population)(frozenset({dibao}))
    assert beside[unemployment].worth.low == 2250_00 * 12
    assert beside[dibao] == alone[dibao]
