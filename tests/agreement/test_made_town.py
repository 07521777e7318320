"""On the made town, every benefit of the Chinese catalogue: both evaluators write the same rows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from features.facts.encoding import population_of
from features.made.town.maker import make_town
from rules.catalogue import load_catalogue
from rules.evaluate.output import batch_determinations, reference_determinations
from rules.rulebook import Rulebook
from serving.catalogues import shipped_catalogues
from serving.evaluation import pose, sound_rulebook


@pytest.mark.parametrize("day", [dt.date(2026, 3, 1), dt.date(2025, 6, 30)])
def test_both_evaluators_write_the_same_rows(day: dt.date, tmp_path: Path) -> None:
    catalogue = load_catalogue(shipped_catalogues() / "cn")
    rulebook: Rulebook = sound_rulebook(catalogue)
    make_town(rulebook.vocabulary, 400, day).write(tmp_path, rulebook.vocabulary)
    facts = pose([catalogue], tmp_path, day).facts
    batch = pl.concat(batch_determinations(rulebook, day, facts.tables, facts.asked))
    population = population_of(facts.tables, rulebook.vocabulary)
    reference = pl.concat(reference_determinations(rulebook, day, population, facts.asked))
    key = ["benefit", "subject", "id"]
    assert batch.sort(key).equals(reference.sort(key))
    assert batch.filter(pl.col("outcome") == "eligible")["benefit"].n_unique() >= 10
