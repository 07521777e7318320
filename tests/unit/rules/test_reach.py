"""What lies within a rule's reach is enough to answer it."""

from __future__ import annotations

import datetime as dt

from hypothesis import given

from features.facts.encoding import population_of, tables_of
from features.facts.neighbours import around
from features.facts.population import Population
from rules.answers import determine
from rules.evaluate.reference import ReferenceEvaluator
from rules.reach import steps_of
from tests.unit.rules.test_output import ON_DATE, RULEBOOK, villages

PLANS = RULEBOOK.in_force(dt.date(2026, 3, 1))


def test_steps_are_counted_over_the_deepest_relation() -> None:
    assert {benefit: steps_of(benefit, PLANS) for benefit in PLANS} == {
        "old_age_grant": 0,  # the person's own facts
        "rent_help": 1,  # household → members
        "carer_help": 2,  # person → household → members
        "sibling_grant": 2,  # person → parent → children
    }


@given(villages())
def test_the_neighbours_alone_give_the_same_answers(village: Population) -> None:
    vocabulary = RULEBOOK.vocabulary
    tables = tables_of(village, vocabulary)
    whole = ReferenceEvaluator(RULEBOOK, village, ON_DATE)
    for benefit, found in PLANS.items():
        for subject in village.listed[found.benefit.subject].values():
            near = population_of(
                around(tables, vocabulary, subject.kind, subject.id, steps_of(benefit, PLANS)), vocabulary
            )
            alone = ReferenceEvaluator(RULEBOOK, near, ON_DATE)
            answer = determine(alone, benefit, near.listed[subject.kind][subject.id])
            assert answer == determine(whole, benefit, subject)
