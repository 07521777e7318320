"""Gate G5, facts: no answer of the shipped catalogue rests on a gap.

What the history does not know is filled with some value, and everything is answered again: who was ineligible still is,
whoever was, and who was eligible with an amount still is, with the same amount. Only what was undetermined may change.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from features.facts.values import Gap, Unknown
from rules.catalogue import load_catalogue
from rules.evaluate.batch import ELIGIBLE, INELIGIBLE, UNDETERMINED, BatchEvaluator
from rules.rulebook import Rulebook
from serving.catalogues import shipped_catalogues
from serving.evaluation import sound_rulebook
from tests.gates.gappy_city import KNOWN_AT, ON_DATE, completed, gappy_city

PERSONS = 400
COMPLETIONS = 6


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    return sound_rulebook(load_catalogue(shipped_catalogues() / "cn"))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_answer_rests_on_a_gap(seed: int, rulebook: Rulebook, tmp_path: Path) -> None:
    history = gappy_city(tmp_path, rulebook.vocabulary, PERSONS, seed)
    tables = history.as_of(ON_DATE, KNOWN_AT)
    evaluator = BatchEvaluator(rulebook, ON_DATE)
    answers = evaluator.evaluate(tables)
    settled = Counter[tuple[int, int]]()
    for number in range(COMPLETIONS):
        fuller = evaluator.evaluate(completed(tables, rulebook.vocabulary, ON_DATE, (seed, 7, number)))
        for benefit, before in answers.items():
            after = fuller[benefit]
            pairs = pl.DataFrame({"before": before["outcome"], "after": after["outcome"]})
            counts = pairs.group_by("before", "after").len().iter_rows()
            settled.update({(old, new): count for old, new, count in counts})
            certain = (before["outcome"] == ELIGIBLE) & (before["amount_low"] == before["amount_high"])
            for bound in ("amount_low", "amount_high"):
                assert before[bound].filter(certain).equals(after[bound].filter(certain)), benefit
    contradicted = {pair: count for pair, count in settled.items() if pair[0] != UNDETERMINED and pair[0] != pair[1]}
    assert contradicted == {}
    assert min(settled[INELIGIBLE, INELIGIBLE], settled[ELIGIBLE, ELIGIBLE]) > 0
    assert min(settled[UNDETERMINED, INELIGIBLE], settled[UNDETERMINED, ELIGIBLE]) > 0


def test_the_city_has_every_kind_of_gap_there_is(rulebook: Rulebook, tmp_path: Path) -> None:
    history = gappy_city(tmp_path, rulebook.vocabulary, 100, 1)
    found: Counter[Gap] = Counter()
    for person in history.subjects("person", KNOWN_AT).head(60):
        held = history.holdings("person", person, ON_DATE, KNOWN_AT)
        found.update(holding.gap for holding in held.values() if isinstance(holding, Unknown))
    assert {gap for gap, count in found.items() if count > 20} == set(Gap)
