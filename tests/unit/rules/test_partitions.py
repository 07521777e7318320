"""A population that is cut into parts has the same answers as the whole."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from features.facts.encoding import ID, tables_of
from features.facts.population import Population, Subject
from features.facts.values import Known
from features.made.by_type import tables_by_type
from features.made.town.maker import make_town
from rules.catalogue import load_catalogue
from rules.evaluate.output import batch_determinations
from rules.partitions import Part, UncuttableError, cut
from rules.rulebook import Rulebook
from serving.catalogues import shipped_catalogues
from serving.evaluation import pose, sound_rulebook
from tests.agreement.rule_texts import FIRST, benefit_text
from tests.agreement.worlds import rulebook_of

DAY = dt.date(2026, 3, 1)
KEY = ["benefit", "subject", "id"]


def answers(rulebook: Rulebook, tables: dict[str, pl.DataFrame], asked: dict[str, int]) -> pl.DataFrame:
    """Every determination of the subjects asked for."""
    return pl.concat(batch_determinations(rulebook, DAY, tables, asked))


def together(rulebook: Rulebook, parts: list[Part]) -> pl.DataFrame:
    """The determinations of all parts."""
    found = [answers(rulebook, part.tables, part.asked) for part in parts if any(part.asked.values())]
    return pl.concat(found).sort(KEY)


@pytest.mark.parametrize("persons", [1, 60, 10_000])
def test_the_parts_of_a_town_have_the_answers_of_the_whole(persons: int, tmp_path: Path) -> None:
    catalogue = load_catalogue(shipped_catalogues() / "cn")
    rulebook = sound_rulebook(catalogue)
    make_town(rulebook.vocabulary, 300, DAY).write(tmp_path, rulebook.vocabulary)
    facts = pose([catalogue], tmp_path, DAY).facts
    plans = rulebook.in_force(DAY)
    parts = list(cut(facts.tables, rulebook.vocabulary.subjects, plans, persons, largest_family=40))
    whole = answers(rulebook, facts.tables, {kind: table.height for kind, table in facts.tables.items()})
    assert together(rulebook, parts).equals(whole.sort(KEY))
    assert (len(parts) > 20) == (persons == 1)


def test_the_parts_of_random_people_have_the_answers_of_the_whole() -> None:
    rulebook = sound_rulebook(load_catalogue(shipped_catalogues() / "cn"))
    tables = tables_by_type(rulebook.vocabulary, 400, (3,), share_unknown=0.1, share_true=0.3)
    parts = list(cut(tables, rulebook.vocabulary.subjects, rulebook.in_force(DAY), 50, largest_family=50))
    whole = answers(rulebook, tables, {kind: table.height for kind, table in tables.items()})
    assert together(rulebook, parts).equals(whole.sort(KEY))
    assert len(parts) > 4


def test_everybody_is_answered_for_once() -> None:
    rulebook = sound_rulebook(load_catalogue(shipped_catalogues() / "cn"))
    tables = tables_by_type(rulebook.vocabulary, 400, (4,))
    parts = list(cut(tables, rulebook.vocabulary.subjects, rulebook.in_force(DAY), 50))
    for kind, table in tables.items():
        asked = [
            part.tables[kind].head(part.asked.get(kind, 0)).get_column(ID) for part in parts if kind in part.tables
        ]
        assert sorted(pl.concat(asked)) == sorted(table.get_column(ID))


def test_a_rule_that_reads_over_colleagues_cannot_be_cut() -> None:
    text = benefit_text(FIRST, "person", ["any household.members where ill"], [], "wage", local=False)
    rulebook = rulebook_of((text,))
    assert rulebook is not None
    people = [
        Subject("person", f"p{n}", {"ill": Known(value=False, source="test")}, {"household_id": "h0"}) for n in range(9)
    ]
    tables = tables_of(
        Population(rulebook.vocabulary.subjects, [Subject("household", "h0", {}), *people]), rulebook.vocabulary
    )
    # Nine persons in a household are too many for parts of three: the household counts as a hub.
    with pytest.raises(UncuttableError, match="household"):
        list(cut(tables, rulebook.vocabulary.subjects, rulebook.in_force(DAY), 3, largest_family=3))
    assert len(list(cut(tables, rulebook.vocabulary.subjects, rulebook.in_force(DAY), 3))) == 1
