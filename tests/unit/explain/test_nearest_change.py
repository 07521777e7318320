"""The nearest change: the smallest that alters the answer, of facts that can change, and never a false one."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import partial
from operator import ge, le

import pytest

from explain.changeable import Changeable, changeable_facts, check_complete
from explain.compose import Explainer
from explain.errors import ChangeableError
from explain.limits import Limit, limits_of
from explain.supposing import SupposedEvaluator
from features.facts.values import Gap
from rules.answers import determine
from rules.determination import Outcome
from serving.views import vocabulary_of
from tests.sweep_world import cn_catalogue
from tests.unit.explain.families import ON_DATE, explained, explainer, family


def test_an_income_above_the_limit_is_told_to_the_fen() -> None:
    (change,) = explained(family(), "dibao").changes
    (step,) = change.steps
    assert (step.fact, step.way, step.new) == ("household_income_month", "lower", Decimal(392_699))
    assert step.distance is not None
    assert (step.distance.zh, step.distance.en) == ("73.01元", "CNY 73.01")
    assert (change.outcome, change.amount.value) == (Outcome.ELIGIBLE, Decimal("0.01"))


def test_one_fen_less_of_a_change_alters_nothing() -> None:
    population = family()
    home = population.listed["household"]["h"]
    (change,) = explained(population, "dibao").changes
    told = change.steps[0].new
    assert isinstance(told, Decimal)
    for income, outcome in ((told, Outcome.ELIGIBLE), (told + 1, Outcome.INELIGIBLE)):
        supposed = {("household", "h", "household_income_month"): income}
        evaluator = SupposedEvaluator(explainer().rulebook, population, ON_DATE, supposed)
        assert determine(evaluator, "dibao", home).outcome is outcome


def test_a_yes_tells_how_far_income_may_rise() -> None:
    (change,) = explained(family({"household_income_month": Decimal(240_000)}), "dibao").changes
    assert (change.steps[0].way, change.steps[0].new) == ("higher", Decimal(392_700))
    assert change.outcome is Outcome.INELIGIBLE


def test_two_clauses_in_the_way_need_two_facts() -> None:
    (change,) = explained(family({"household_assets_within_limit": False}), "dibao").changes
    assert {(step.fact, step.way) for step in change.steps} == {
        ("household_income_month", "lower"), ("household_assets_within_limit", "becomes"),
    }  # fmt: skip
    assert change.outcome is Outcome.ELIGIBLE


def test_a_missing_figure_is_told_with_its_limit_and_with_all_amounts_it_may_give() -> None:
    (change,) = explained(family({"household_income_month": Gap.NOT_HELD}), "dibao").changes
    (step,) = change.steps
    assert (step.way, step.new, step.before) == ("at_most", Decimal(392_699), None)
    assert (change.amount.low, change.amount.high) == (Decimal("0.01"), Decimal(3_927))


def test_a_range_of_which_not_all_is_true_is_told_as_one_value() -> None:
    """Nobody is 70 today who was born in 1955, and nobody gets it who is not yet born: only a proven range is told."""
    population = family(None, {"birth_date": Gap.NOT_HELD, "hukou_area": "110000"})
    for change in explained(population, "advanced_age_allowance", "p0").changes:
        (step,) = change.steps
        evaluator = SupposedEvaluator(
            explainer().rulebook, population, ON_DATE, {("person", "p0", "birth_date"): step.new}
        )
        then = determine(evaluator, "advanced_age_allowance", population.listed["person"]["p0"])
        assert then.outcome is change.outcome


def test_nobody_is_told_to_grow_older_or_to_change_sex() -> None:
    population = family(None, {"birth_date": dt.date(1990, 1, 1), "hukou_area": "110000"})
    assert explained(population, "advanced_age_allowance", "p0").changes == ()


def test_nothing_can_change_where_nothing_is_listed() -> None:
    population = family()
    rigid = Explainer(cn_catalogue(), explainer().rulebook, Changeable())
    assert rigid.explain(population, "dibao", population.listed["household"]["h"], ON_DATE).changes == ()


@pytest.mark.parametrize("jurisdiction", ["cn", "us"])
def test_of_every_fact_it_is_said_whether_it_can_change(jurisdiction: str) -> None:
    dictionary = vocabulary_of(jurisdiction).dictionary
    changeable = changeable_facts(jurisdiction)
    check_complete(changeable, dictionary)
    assert {"birth_date", "sex"} <= changeable.fixed
    fewer = Changeable(changeable.numbers, changeable.statuses, changeable.places, changeable.fixed - {"sex"})
    with pytest.raises(ChangeableError, match="`sex` is in no list"):
        check_complete(fewer, dictionary)


def test_a_limit_is_found_to_one_unit_in_either_direction() -> None:
    fact = explainer().rulebook.vocabulary.dictionary.facts["household_income_month"]
    line = limits_of(fact, ON_DATE)
    for limit in (0, 1, 7, 99_999, 1_000_000, line.high):
        for start in (0, 5, 100_000, 123_456_789):
            up = line.reach(start, 1, partial(le, limit))
            assert up == (max(limit, start + 1) if start < line.high else None)
            down = line.reach(start, -1, partial(ge, limit))
            assert down == (min(limit, start - 1) if start > 0 else None)
    assert Limit(fact, 0, 10).reach(3, 1, lambda _: False) is None
