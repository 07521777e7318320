"""Each pair of the shipped catalogue that excludes each other, on a made household."""

from __future__ import annotations

import datetime as dt

import pytest

from features.facts.population import Population
from serving.delivery.bundles.choice import Reason, Settled, Verdict, settle_problem
from serving.delivery.bundles.cliffs import CliffKind
from serving.delivery.bundles.household import problem_of, settle_household
from serving.delivery.bundles.model import Item, Worth
from serving.delivery.bundles.reexecution import Reexecution
from tests.unit.serving.delivery.bundles.families import (
    ALONE_IN_HARDSHIP,
    CHECKED,
    DAY,
    DEAD,
    DISABLED,
    FLEXIBLE,
    HARD_UP,
    OF_PENSION_AGE,
    ORPHAN,
    OUT_OF_WORK,
    UNATTENDED,
    WELL_OFF,
    WORKS_AGAIN,
    Family,
    of_home,
    of_person,
    prepared,
    yuan,
)

ALONE = Family(HARD_UP, {**ALONE_IN_HARDSHIP, **DISABLED})
CHILD = Family(HARD_UP, {**DISABLED, **CHECKED, **ALONE_IN_HARDSHIP, **UNATTENDED})
BEREAVED = Family(WELL_OFF, DEAD, {})
FLEXIBLE_WORKER = Family(WELL_OFF, FLEXIBLE, day=dt.date(2026, 9, 1))
OLD_AND_OUT_OF_WORK = Family(WELL_OFF, {**OUT_OF_WORK, **OF_PENSION_AGE})

BOTH_OWED = {
    ("de_facto_unattended_child_allowance", "tekun_support"): CHILD,
    ("de_facto_unattended_child_allowance", "disability_living_subsidy"): CHILD,
    ("dibao", "tekun_support"): ALONE,
    ("disability_living_subsidy", "tekun_support"): CHILD,
    ("disability_nursing_subsidy", "tekun_support"): ALONE,
    ("flexible_employment_si_subsidy", "graduate_flexible_si_subsidy"): FLEXIBLE_WORKER,
    ("resident_pension", "unemployment_benefit"): OLD_AND_OUT_OF_WORK,
    ("survivor_funeral_benefit", "unemployment_survivor_benefit"): BEREAVED,
}
"""Pairs that the rules grant at once: the bundle settles them."""

SETTLED_BY_THE_RULES = {
    ("dibao", "dibao_margin_status"): ("dibao", Family(HARD_UP, {}, {})),
    ("orphan_basic_living", "disability_living_subsidy"): (
        "orphan_basic_living",
        Family(HARD_UP, {**DISABLED, **CHECKED, **ORPHAN}),
    ),
    ("orphan_basic_living", "tekun_support"): (
        "orphan_basic_living",
        Family(WELL_OFF, {**ALONE_IN_HARDSHIP, **ORPHAN}),
    ),
    ("unemployment_reemployment_lump_sum", "unemployment_benefit"): (
        "unemployment_reemployment_lump_sum",
        Family(WELL_OFF, WORKS_AGAIN),
    ),
}
"""Pairs of which a clause refuses one already: nothing is left to settle twice."""


def _settle(family: Family, held: dict[Item, Worth] | None = None) -> tuple[Settled, ...]:
    household = family.household(held)
    return settle_household(prepared(family.day), household, lambda: family.population)


def _knot(settled: tuple[Settled, ...], item: Item) -> Settled:
    (knot,) = (knot for knot in settled if item in knot.items)
    return knot


def test_every_pair_that_excludes_each_other_is_tried() -> None:
    tried = {frozenset(pair) for pair in (*BOTH_OWED, *SETTLED_BY_THE_RULES)}
    assert tried == prepared().exclusions.keys()


@pytest.mark.parametrize("pair", BOTH_OWED, ids="-".join)
def test_of_two_that_are_owed_at_once_never_both_are_proposed(pair: tuple[str, str]) -> None:
    family = BOTH_OWED[pair]
    owed = {item.benefit for item in family.household().owed}
    assert set(pair) <= owed
    for knot in _settle(family):
        for proposal in (*knot.proposals, *knot.doubtful):
            assert not set(pair) <= {item.benefit for item in proposal.received.items}


@pytest.mark.parametrize("pair", BOTH_OWED, ids="-".join)
def test_whoever_accepts_one_is_told_that_the_other_is_shut_out_and_under_which_article(pair: tuple[str, str]) -> None:
    cliffs = [cliff for knot in _settle(BOTH_OWED[pair]) for cliff in knot.cliffs]
    told = {(c.accept.benefit, c.lose.benefit, c.kind, bool(c.because)) for c in cliffs}
    for one, other in (pair, pair[::-1]):
        assert (one, other, CliffKind.SHUT_OUT, True) in told


@pytest.mark.parametrize("pair", SETTLED_BY_THE_RULES, ids="-".join)
def test_what_a_clause_settles_comes_to_the_bundle_settled(pair: tuple[str, str]) -> None:
    first, family = SETTLED_BY_THE_RULES[pair]
    household = family.household()
    assert {item.benefit for item in (*household.owed, *household.open)} & set(pair) == {first}
    chosen = {item.benefit for knot in _settle(family) for item in knot.proposals[0].received.items}
    assert chosen & set(pair) == {first}


def test_alone_and_disabled_tekun_is_more_than_dibao_with_the_nursing_subsidy() -> None:
    knot = _knot(_settle(ALONE), of_person("tekun_support"))
    assert knot.verdict is Verdict.SETTLED
    assert knot.proposals[0].accept == {of_person("tekun_support")}
    assert knot.secured == 25_132_80
    instead = {of_home("dibao"), of_person("disability_nursing_subsidy")}  # the law lets one choose between the two
    (other,) = knot.proposals[1:]
    assert other.accept == instead
    assert other.received.low == 15_708_00 + 3_480_00


def test_one_of_two_who_would_leave_the_dibao_household_is_a_caseworkers_matter() -> None:
    knot = _knot(_settle(Family(HARD_UP, {**ALONE_IN_HARDSHIP, **DISABLED}, {})), of_home("dibao"))
    assert (knot.verdict, knot.reasons) == (Verdict.REVIEW, (Reason.UNIT_CHANGES,))


def test_unemployment_benefit_lowers_dibao_by_what_it_brings_and_both_are_taken() -> None:
    knot = _knot(_settle(Family(HARD_UP, OUT_OF_WORK, {}, {})), of_home("dibao"))
    unemployment = of_person("unemployment_benefit")
    shares = knot.proposals[0].received.shares
    assert knot.verdict is Verdict.SETTLED
    assert (shares[unemployment].worth.low, shares[of_home("dibao")].worth.low) == (27_000_00, 47_124_00 - 27_000_00)
    (cliff,) = (cliff for cliff in knot.cliffs if cliff.accept == unemployment)
    assert (cliff.lose, cliff.kind) == (of_home("dibao"), CliffKind.FALLS)
    assert (cliff.loss_low, cliff.loss_high) == (27_000_00, 27_000_00)


def test_dibao_that_is_held_falls_when_unemployment_benefit_comes_and_nothing_is_lost() -> None:
    held = {of_home("dibao"): Worth(47_124_00, 47_124_00, lasting=True)}
    knot = _knot(_settle(Family(HARD_UP, OUT_OF_WORK, {}, {}), held), of_home("dibao"))
    assert all(p.received.low >= 47_124_00 for p in knot.proposals)
    assert {(c.lose, c.kind) for c in knot.cliffs} == {(of_home("dibao"), CliffKind.FALLS)}


def test_an_income_that_ends_dibao_opens_the_margin_status_and_the_household_chooses() -> None:
    """2,250 more on 1,000 for two: above the standard, within the margin line."""
    family = Family({**HARD_UP, "household_income_month": yuan(1000)}, OUT_OF_WORK, {})
    assert of_home("dibao_margin_status") not in family.household().owed
    knot = _knot(_settle(family), of_home("dibao"))
    assert knot.verdict is Verdict.CHOICE
    with_margin = {of_home("dibao_margin_status"), of_person("unemployment_benefit")}
    assert {p.accept for p in knot.proposals} == {frozenset(with_margin), frozenset({of_home("dibao")})}


def test_dibao_opens_a_higher_medical_insurance_subsidy() -> None:
    family = Family(HARD_UP, {**DISABLED, **CHECKED}, {})
    subsidy = of_person("resident_medical_insurance_subsidy")
    assert family.household().owed[subsidy].low == 820_00
    shares = _knot(_settle(family), of_home("dibao")).proposals[0].received.shares
    assert shares[subsidy].worth.low == 1_369_00
    assert of_home("dibao") in shares[subsidy].beside


def test_giving_up_dibao_for_tekun_counts_what_dibao_carries_with_it() -> None:
    """Who holds dibao and would lose by tekun keeps it: no proposal is worth less."""
    much = {of_home("dibao"): Worth(30_000_00, 30_000_00, lasting=True)}
    knot = _knot(_settle(ALONE, much), of_home("dibao"))
    assert knot.proposals[0].gives_up == frozenset()
    assert all(p.received.low >= 30_000_00 for p in knot.proposals)
    little = {of_home("dibao"): Worth(10_000_00, 10_000_00, lasting=True)}
    knot = _knot(_settle(ALONE, little), of_home("dibao"))
    assert knot.proposals[0].gives_up == {of_home("dibao")}
    assert CliffKind.ENDS in {c.kind for c in knot.cliffs if c.lose == of_home("dibao")}


def test_dibao_does_not_shut_out_tekun_that_is_still_being_checked() -> None:
    family = Family(HARD_UP, {**ALONE_IN_HARDSHIP, **DISABLED, "has_livelihood_source": None})
    knot = _knot(_settle(family), of_home("dibao"))
    assert (knot.verdict, knot.reasons) == (Verdict.CHOICE, (Reason.OPEN_RIVAL,))
    assert of_person("tekun_support") in knot.rivals


def test_the_survivors_may_choose_the_smaller_grant() -> None:
    knot = _knot(_settle(BEREAVED), of_home("survivor_funeral_benefit"))
    assert [p.accept for p in knot.proposals] == [
        {of_home("unemployment_survivor_benefit")},
        {of_home("survivor_funeral_benefit")},
    ]


def test_cliffs_of_every_made_household_are_true_when_the_rules_are_executed_again() -> None:
    for family in (*BOTH_OWED.values(), *(family for _, family in SETTLED_BY_THE_RULES.values())):
        for knot in _settle(family):
            for cliff in knot.cliffs:
                fresh = Reexecution(prepared(family.day), family.population)
                had = fresh(cliff.before)[cliff.lose].worth
                has = fresh(cliff.after)[cliff.lose].worth if cliff.lose in cliff.after else Worth(0, 0)
                assert (cliff.loss_low, cliff.loss_high) == (had.low - has.low, (had.high or 0) - (has.high or 0))


def test_the_fast_way_says_what_the_rules_say() -> None:
    """Households without ties: the proposals of the search are those that are made without looking."""
    for family in (Family(WELL_OFF, {**DISABLED, **CHECKED}), Family(WELL_OFF, CHECKED, CHECKED), Family(WELL_OFF, {})):
        household = family.household()
        assert prepared(DAY).is_plain([i.benefit for i in household.owed], [i.benefit for i in household.open])
        reexecution = Reexecution(prepared(DAY), family.population)
        searched = settle_problem(problem_of(prepared(DAY), household, reexecution), reexecution)
        quick = settle_household(prepared(DAY), household, _unread)
        assert {i: s.worth for k in quick for i, s in k.proposals[0].received.shares.items()} == {
            i: s.worth for k in searched for i, s in k.proposals[0].received.shares.items()
        }


def _unread() -> Population:
    raise AssertionError("the facts of a household without ties are not read")
