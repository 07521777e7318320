"""On random well-typed rules and random subjects with unknowns, batch equals reference, field by field."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings

from features.facts.population import Population, Subject
from features.facts.values import Known
from tests.agreement.comparison import batch_rows, reference_rows
from tests.agreement.rule_texts import FIRST, SECOND, benefit_text
from tests.agreement.worlds import World, rulebook_of, worlds


@pytest.mark.searched
@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large], deadline=None
)
@given(worlds())
def test_batch_equals_reference_on_random_rules(world: World) -> None:
    expected = reference_rows(world.rulebook, world.population, world.on_date)
    found = batch_rows(world.rulebook, world.population, world.on_date)
    assert found == expected, "\n".join(world.texts)


def test_a_benefit_that_asks_another_halfway_reads_its_own_missing_facts() -> None:
    """Both rest on a fact of the household; the second has named more facts before it, so its bits differ."""
    first = benefit_text(FIRST, "person", ["size < size"], [], "wage", local=False)
    second = benefit_text(SECOND, "person", ["wage <= wage"], ["size > size"], f"amount({FIRST})", local=False)
    rulebook = rulebook_of((first, second))
    assert rulebook is not None
    home = Subject("household", "h0", {})
    person = Subject("person", "p0", {}, {"household_id": "h0"})
    population = Population(rulebook.vocabulary.subjects, [home, person])
    found = batch_rows(rulebook, population, dt.date(2024, 11, 1))
    assert found == reference_rows(rulebook, population, dt.date(2024, 11, 1))
    assert found[SECOND, "p0"].missing == {"size", "wage"}


def test_an_open_part_that_can_come_out_one_way_only_makes_other_facts_superfluous() -> None:
    """Nobody knows the household, and no household has fewer than no members: the wage will never matter."""
    conditions = ["size < 0", "not ((if size < 1 then age < age else birth_date < birth_date))"]
    rulebook = rulebook_of((benefit_text(FIRST, "person", conditions, [], "wage", local=False),))
    assert rulebook is not None
    born = Known(dt.date(2008, 2, 29), "test")
    person = Subject("person", "p0", {"birth_date": born}, {"household_id": "none"})
    population = Population(rulebook.vocabulary.subjects, [person])
    found = batch_rows(rulebook, population, dt.date(2024, 11, 1))
    assert found == reference_rows(rulebook, population, dt.date(2024, 11, 1))
    assert found[FIRST, "p0"].missing == {"household_id"}
