"""Who chooses: the figures where they decide, the household where they do not, a person where something may be lost."""

from __future__ import annotations

import itertools

from rules.determination import Outcome
from serving.delivery.bundles.choice import MOST_DECIDERS, Reason, Verdict, settle_problem
from serving.delivery.bundles.model import Answered, Exclusion, Item, Problem, Worth
from serving.delivery.bundles.sets import Ledger
from serving.delivery.bundles.ties import Ties
from tests.unit.serving.delivery.bundles.made_worlds import Items, item


def test_beyond_the_bound_a_person_settles_it_and_nothing_is_given_up() -> None:
    items = [Item(f"b{n:02}", "person", "p") for n in range(MOST_DECIDERS + 1)]
    exclusions = {frozenset(pair): Exclusion("excludes", None, "art. 1") for pair in itertools.pairwise(items)}
    held = {items[0]: Worth(5, 5)}
    problem = Problem(frozenset(items[1:]), held, exclusions)

    def settle(accepted: Items) -> dict[Item, Answered]:
        return {one: Answered(Outcome.ELIGIBLE, Worth(10, 10)) for one in accepted}

    (knot,) = settle_problem(problem, settle)
    assert (knot.verdict, knot.reasons) == (Verdict.REVIEW, (Reason.TOO_MANY,))
    assert knot.proposals[0].received.items == {items[0]}
    assert not knot.proposals[0].gives_up


def test_in_kind_against_money_is_the_households_choice() -> None:
    exclusion = Exclusion("choose_one", "b", "art. 1")
    worths = {item("a"): Worth(100, 100, lasting=True), item("b"): Worth(0, 0, lasting=True, in_kind=True)}
    problem = Problem(frozenset(worths), exclusions={frozenset(worths): exclusion})
    (knot,) = settle_problem(problem, lambda accepted: {i: Answered(Outcome.ELIGIBLE, worths[i]) for i in accepted})
    assert (knot.verdict, knot.reasons) == (Verdict.CHOICE, (Reason.NOT_COMPARABLE,))
    assert {p.received.items for p in knot.proposals} == {frozenset({item("a")}), frozenset({item("b")})}


def test_more_now_against_what_lasts_is_the_households_choice() -> None:
    exclusion = Exclusion("excludes", None, "art. 1")
    worths = {item("a"): Worth(100, 100), item("b"): Worth(60, 60, lasting=True)}
    problem = Problem(frozenset(worths), exclusions={frozenset(worths): exclusion})
    (knot,) = settle_problem(problem, lambda accepted: {i: Answered(Outcome.ELIGIBLE, worths[i]) for i in accepted})
    assert knot.verdict is Verdict.CHOICE


def test_what_may_be_more_or_less_than_what_is_held_goes_to_a_person() -> None:
    exclusion = Exclusion("excludes", None, "art. 1")
    worths = {item("a"): Worth(10, 200, lasting=True), item("b"): Worth(60, 60, lasting=True)}
    problem = Problem(frozenset({item("a")}), {item("b"): worths[item("b")]}, {frozenset(worths): exclusion})
    (knot,) = settle_problem(problem, lambda accepted: {i: Answered(Outcome.ELIGIBLE, worths[i]) for i in accepted})
    assert (knot.verdict, knot.reasons) == (Verdict.REVIEW, (Reason.UNCERTAIN,))
    assert [p.received.items for p in knot.proposals] == [{item("b")}]
    assert [p.gives_up for p in knot.doubtful] == [{item("b")}]


def test_an_open_rival_that_may_be_more_is_not_shut_out_silently() -> None:
    exclusion = Exclusion("excludes", None, "art. 1")
    one, other = item("a"), item("b")
    problem = Problem(
        frozenset({one}), exclusions={frozenset((one, other)): exclusion}, pending={other: Worth(0, 99, lasting=True)}
    )
    (knot,) = settle_problem(
        problem, lambda accepted: {i: Answered(Outcome.ELIGIBLE, Worth(50, 50, lasting=True)) for i in accepted}
    )
    assert (knot.verdict, knot.reasons, knot.rivals) == (Verdict.CHOICE, (Reason.OPEN_RIVAL,), (other,))


def test_an_item_is_worth_nothing_beside_what_excludes_it_unless_both_are_held() -> None:
    one, other = item("a"), item("b")
    exclusions = {frozenset((one, other)): Exclusion("excludes", None, "art. 1")}

    def settle(accepted: Items) -> dict[Item, Answered]:
        return {i: Answered(Outcome.ELIGIBLE, Worth(10, 10)) for i in accepted}

    offered = Problem(frozenset({one}), {other: Worth(5, 5)}, exclusions)
    assert Ledger(offered, Ties(offered), settle).worth(one, frozenset((one, other))) is None
    both = Problem(frozenset(), {one: Worth(5, 5), other: Worth(5, 5)}, exclusions)
    assert Ledger(both, Ties(both), settle).worth(one, frozenset((one, other))) == Worth(5, 5)
    knots = settle_problem(both, settle)
    assert [(k.verdict, k.reasons, k.proposals[0].gives_up) for k in knots] == [
        (Verdict.REVIEW, (Reason.HELD_CONFLICT,), frozenset())
    ]
