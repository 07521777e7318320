"""The made town: deterministic, readable as files of facts, and coherent."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from features.documents import Findings
from features.facts.files import load_facts
from features.facts.vocabulary import Vocabulary, load_vocabulary
from features.made.town.maker import Town, make_town

MOST_MEMBERS = {"enterprise": 1_000, "otherwise": 100}


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    """The Chinese one."""
    return load_vocabulary("cn", Findings())


def town(vocabulary: Vocabulary, day: dt.date = dt.date(2026, 3, 1), seed: int = 1, persons: int = 1_000) -> Town:
    """A town of a thousand."""
    return make_town(vocabulary, persons, day, seed)


def test_the_same_seed_makes_the_same_town(vocabulary: Vocabulary) -> None:
    assert town(vocabulary).rows == town(vocabulary).rows
    assert town(vocabulary).rows != town(vocabulary, seed=2).rows


@pytest.mark.parametrize("day", [dt.date(2026, 3, 1), dt.date(2024, 2, 29), dt.date(2027, 1, 1), dt.date(2025, 12, 31)])
def test_its_files_load_without_a_mistake_on_any_day(vocabulary: Vocabulary, tmp_path: Path, day: dt.date) -> None:
    town(vocabulary, day).write(tmp_path, vocabulary)
    facts = load_facts(tmp_path, vocabulary, MOST_MEMBERS)
    assert facts.problems == 0
    assert facts.asked["person"] >= 1_000


def test_people_and_their_relations_fit_each_other(vocabulary: Vocabulary) -> None:
    rows = town(vocabulary, persons=3_000).rows["person"]
    people = {str(row["id"]): row for row in rows}
    for row in rows:
        spouse = people.get(str(row["spouse_id"]))
        assert spouse is None or spouse["spouse_id"] == row["id"]
        for link, sex in (("mother_id", "female"), ("father_id", "male")):
            parent = people.get(str(row.get(link)))
            if parent is not None:
                assert parent["sex"] == sex
                assert (row["birth_date"] - parent["birth_date"]).days > 16 * 365  # type: ignore[operator]


def test_some_of_everything_is_unknown_and_nothing_is_wholly_so(vocabulary: Vocabulary, tmp_path: Path) -> None:
    town(vocabulary, persons=3_000).write(tmp_path, vocabulary)
    facts = load_facts(tmp_path, vocabulary, MOST_MEMBERS)
    households = facts.tables["household"]
    share = households["household_income_month"].null_count() / households.height
    assert 0.5 < share < 0.9
    people = facts.tables["person"]
    assert people["birth_date"].null_count() == 0
    assert 0 < people.select(pl.col("receives_dibao").null_count()).item() < people.height / 50


def test_a_fact_that_the_dictionary_does_not_know_is_our_own_mistake(vocabulary: Vocabulary, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="of a person: shoe_size"):
        Town({"person": [{"id": "p1", "shoe_size": 43}]}).write(tmp_path, vocabulary)
