"""In a sample city, every benefit of the Chinese catalogue: both evaluators write the same rows."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from features.facts.encoding import population_of
from rules.catalogue import load_catalogue
from rules.evaluate.output import batch_determinations, reference_determinations
from rules.rulebook import Rulebook
from serving.catalogues import shipped_catalogues
from serving.evaluation import sound_rulebook
from tests.city_world import city_tables


@pytest.mark.parametrize("day", [dt.date(2026, 3, 1), dt.date(2025, 6, 30)])
def test_both_evaluators_write_the_same_rows(day: dt.date) -> None:
    catalogue = load_catalogue(shipped_catalogues() / "cn")
    rulebook: Rulebook = sound_rulebook(catalogue)
    tables = city_tables(400, day)
    asked = {kind: table.height for kind, table in tables.items()}
    batch = pl.concat(batch_determinations(rulebook, day, tables, asked))
    population = population_of(tables, rulebook.vocabulary)
    reference = pl.concat(reference_determinations(rulebook, day, population, asked))
    key = ["benefit", "subject", "id"]
    assert batch.sort(key).equals(reference.sort(key))
    for outcome in ("eligible", "ineligible", "undetermined"):
        assert batch.filter(pl.col("outcome") == outcome)["benefit"].n_unique() >= 10
