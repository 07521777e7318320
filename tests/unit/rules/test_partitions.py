"""A population that is cut into parts has the same answers as the whole."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings

from features.facts.encoding import ID, tables_of
from features.facts.population import Population, Subject
from features.facts.values import Known
from features.made.by_type import tables_by_type
from rules.catalogue import load_catalogue
from rules.evaluate.output import batch_determinations
from rules.partitions import Part, cut, parts_of
from rules.paths import Links, Step, chains_by_kind
from rules.rulebook import Rulebook
from serving.catalogues import shipped_catalogues
from serving.evaluation import sound_rulebook
from tests.agreement.rule_texts import FIRST, benefit_text
from tests.agreement.worlds import World, rulebook_of, worlds
from tests.city_world import city_tables

DAY = dt.date(2026, 3, 1)
KEY = ["benefit", "subject", "id"]


def cn() -> Rulebook:
    """The shipped Chinese rules."""
    return sound_rulebook(load_catalogue(shipped_catalogues() / "cn"))


def whole_and_parts(
    rulebook: Rulebook, tables: dict[str, pl.DataFrame], size: int, on_date: dt.date = DAY
) -> tuple[pl.DataFrame, pl.DataFrame, list[Part]]:
    """Every determination, of the whole and of its parts; and the parts."""
    parts = list(parts_of(tables, rulebook.vocabulary.subjects, rulebook.in_force(on_date), size))
    asked = {kind: table.height for kind, table in tables.items()}
    whole = pl.concat(batch_determinations(rulebook, on_date, tables, asked))
    found = [rows for part in parts for rows in batch_determinations(rulebook, on_date, part.tables, part.asked)]
    return whole.sort(KEY), pl.concat(found).sort(KEY), parts


@pytest.mark.parametrize("size", [10, 60, 10_000])
def test_the_parts_of_a_city_have_the_answers_of_the_whole(size: int) -> None:
    whole, found, parts = whole_and_parts(cn(), city_tables(300, DAY), size)
    assert found.equals(whole)
    assert (len(parts) > 20) == (size == 10)


def test_the_parts_of_random_people_have_the_answers_of_the_whole() -> None:
    rulebook = cn()
    tables = tables_by_type(rulebook.vocabulary, 400, (3,), share_unknown=0.1, share_true=0.3)
    whole, found, parts = whole_and_parts(rulebook, tables, 50)
    assert found.equals(whole)
    assert len(parts) > 4


@pytest.mark.searched
@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large], deadline=None
)
@given(worlds())
def test_whatever_the_rules_read_each_subject_alone_has_the_answer_of_the_whole(world: World) -> None:
    tables = tables_of(world.population, world.rulebook.vocabulary)
    whole, found, parts = whole_and_parts(world.rulebook, tables, 1, world.on_date)
    assert found.equals(whole), "\n".join(world.texts)
    assert all(sum(part.asked.values()) == 1 for part in parts)


def test_everybody_is_answered_for_once() -> None:
    rulebook = cn()
    tables = tables_by_type(rulebook.vocabulary, 400, (4,))
    parts = list(parts_of(tables, rulebook.vocabulary.subjects, rulebook.in_force(DAY), 50))
    for kind, table in tables.items():
        asked = [part.tables[kind].head(part.asked.get(kind, 0)).get_column(ID) for part in parts]
        assert sorted(pl.concat(asked)) == sorted(table.get_column(ID))


def test_only_those_who_are_asked_for_are_answered_for() -> None:
    rulebook = cn()
    tables = tables_by_type(rulebook.vocabulary, 400, (4,))
    plans = rulebook.in_force(DAY)
    parts = list(parts_of(tables, rulebook.vocabulary.subjects, plans, 50, asked={"person": 70}))
    assert sum(part.asked["person"] for part in parts) == 70
    assert all(set(part.asked) == {"person"} for part in parts)


def people(text: str, *, is_listed: bool = True) -> tuple[Rulebook, dict[str, pl.DataFrame]]:
    """Forty persons in one household, which may be on no list, the last of them ill; and a rule."""
    rulebook = rulebook_of((benefit_text(FIRST, "person", [text], [], "wage", local=False),))
    assert rulebook is not None
    persons = [Subject("person", f"p{n}", {"ill": Known(n == 39, "test")}, {"household_id": "h0"}) for n in range(40)]
    homes = [Subject("household", "h0", {})] if is_listed else []
    population = Population(rulebook.vocabulary.subjects, [*homes, *persons])
    return rulebook, tables_of(population, rulebook.vocabulary)


def test_a_rule_that_reads_over_everybody_finds_everybody_in_each_part() -> None:
    rulebook, tables = people("any household.members where ill")
    whole, found, parts = whole_and_parts(rulebook, tables, 10)
    assert found.equals(whole)
    assert set(found["outcome"]) == {"eligible"}
    assert [part.tables["person"].height for part in parts] == [40] * 4
    rulebook, tables = people("ill")
    _, _, parts = whole_and_parts(rulebook, tables, 10)
    assert [part.tables["person"].height for part in parts] == [10] * 4, "nobody is read whom no rule reads"


def test_a_household_of_which_only_the_name_is_known_ties_its_persons() -> None:
    rulebook, tables = people("any household.members where ill", is_listed=False)
    whole, found, _ = whole_and_parts(rulebook, tables, 10)
    assert found.equals(whole)
    assert set(found["outcome"]) == {"eligible"}


def test_an_enterprise_fills_a_chunk_as_its_persons_do() -> None:
    rulebook = cn()
    chains = chains_by_kind(rulebook.in_force(DAY))
    assert (Step("members", "enterprise"),) in chains["enterprise"]
    people = {"id": [f"p{n}" for n in range(90)], "enterprise_id": [f"e{n // 30}" for n in range(90)]}
    tables = {"person": pl.DataFrame(people), "enterprise": pl.DataFrame({"id": [f"e{n}" for n in range(9)]})}
    links = Links(tables, rulebook.vocabulary.subjects)
    chunks = list(cut(links, {"enterprise": np.arange(9)}, chains, 31))
    assert [chunk["enterprise"].tolist() for chunk in chunks] == [[0], [1], [2], [3, 4, 5, 6, 7, 8]]
