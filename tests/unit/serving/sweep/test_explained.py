"""What `explain` says of a subject from the history is what the sweep stored, with evidence behind every fact."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import polars as pl
import pytest

from explain.compose import Explainer
from explain.explanation import Explanation
from features.facts.population import Subject
from features.facts.values import Gap, Known
from features.history.history import History
from rules.answers import determine
from rules.evaluate.reference import ReferenceEvaluator
from serving.evaluation import sound_rulebook
from serving.store.answers import plain_figure
from serving.store.server import EmbeddedServer
from serving.sweep.facts import RecordedFacts
from serving.sweep.identities import UnifiedHistory
from serving.sweep.one_subject import explained as of_one
from serving.sweep.one_subject import read_subject
from serving.sweep.run import Settings, Sweeper
from tests.gates.gappy_city import KNOWN_AT, ON_DATE, gappy_city
from tests.sweep_world import cn_catalogue, current, emptied

PERSONS = 120
PER_BENEFIT = 2
CATALOGUE = cn_catalogue()
RULEBOOK = sound_rulebook(CATALOGUE)
EXPLAINER = Explainer(CATALOGUE, RULEBOOK)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("explained")


@pytest.fixture(scope="module")
def history(home: Path) -> History:
    return gappy_city(home / "history", RULEBOOK.vocabulary, PERSONS, 3)


@pytest.fixture(scope="module")
def stored(server: EmbeddedServer, home: Path, history: History) -> pl.DataFrame:
    """Of each benefit and outcome some determinations, as a sweep stored them."""
    with emptied(server, home) as session:
        source = RecordedFacts(home / "history", tuple(history.views.values()))
        runner = Sweeper(server, home, source, Settings(1, 400), lambda: KNOWN_AT)
        runner.run(CATALOGUE, ON_DATE)
        runner.close()
        return current(session).group_by("benefit", "outcome", maintain_order=True).head(PER_BENEFIT)


@cache
def explained(history: History, subject: str, benefit: str) -> Explanation:
    """The answer of one subject."""
    return of_one(EXPLAINER, UnifiedHistory(history), benefit, subject, ON_DATE, KNOWN_AT)


def test_it_says_what_the_sweep_stored(history: History, stored: pl.DataFrame) -> None:
    doubtful = 0
    for row in stored.sample(fraction=1 / 3, seed=3).iter_rows(named=True):
        found = explained(history, row["id"], row["benefit"])
        amount, missing = found.amount, [item.name for item in found.missing]
        told = {
            "subject": found.kind, "id": found.id, "benefit": found.benefit, "outcome": found.outcome.value,
            "amount": plain_figure(amount.value), "amount_low": plain_figure(amount.low),
            "amount_high": plain_figure(amount.high), "version": found.version, "unmet": list(found.unmet),
            "missing": missing, "next_change": found.upcoming and found.upcoming.on_date,
        }  # fmt: skip
        assert told == row
        doubtful += "household_id" in missing
        for fact in (fact for clause in found.clauses for fact in clause.facts):
            assert (fact.value is None) == (fact.gap != "")
            assert fact.value is None or (fact.said_by and fact.true_from and fact.learned_at)
    assert doubtful
    assert set(stored["outcome"]) == {"eligible", "ineligible", "undetermined"}


def test_every_missing_fact_has_its_reason(history: History, stored: pl.DataFrame) -> None:
    open_ones = stored.filter(pl.col("outcome") == "undetermined")
    gaps: set[Gap] = set()
    for row in open_ones.iter_rows(named=True):
        for missing in explained(history, row["id"], row["benefit"]).missing:
            for fact in missing.facts:
                gap = Gap(fact.gap)
                gaps.add(gap)
                if gap is Gap.CONFLICTING:
                    values = {(one.by.register, one.value) for one in fact.said}
                    assert len({register for register, _ in values}) > 1
                    assert len({value for _, value in values}) > 1
                if gap is Gap.QUARANTINED:
                    assert any(one.value is None for one in fact.said)
                if gap is Gap.STALE:
                    assert all(one.stale_on is not None and one.stale_on <= ON_DATE for one in fact.said)
    assert gaps == {Gap.NOT_HELD, Gap.STALE, Gap.CONFLICTING, Gap.QUARANTINED}


@pytest.mark.long  # half a minute; other tests of this file look at the same in small
def test_what_comes_next_is_what_is_said_on_that_day(history: History, stored: pl.DataFrame) -> None:
    """Where the registers say of that day what they say of today."""
    unified, compared = UnifiedHistory(history), 0
    for row in stored.filter(pl.col("next_change").is_not_null()).iter_rows(named=True):
        told = explained(history, row["id"], row["benefit"]).upcoming
        assert told is not None
        of_whom = (row["benefit"], row["subject"], row["id"])
        today, that_day = (
            read_subject(unified, RULEBOOK, *of_whom, day, KNOWN_AT, told.on_date) for day in (ON_DATE, told.on_date)
        )
        if today.doubtful_links == that_day.doubtful_links and all(
            one.facts.items() <= that_day.population.listed[kind].get(name, Subject(kind, name)).facts.items()
            for kind, subjects in today.population.listed.items()
            for name, one in subjects.items()
        ):
            then = of_one(EXPLAINER, unified, row["benefit"], row["id"], told.on_date, KNOWN_AT)
            assert (told.outcome, told.in_force, told.amount) == (then.outcome, then.in_force, then.amount)
            compared += 1
    assert compared > 20


def test_what_would_alter_an_answer_alters_it(history: History, stored: pl.DataFrame) -> None:
    """The change is put into the facts that were read, and the answer is asked for anew."""
    altered = 0
    for row in stored.iter_rows(named=True):
        found = explained(history, row["id"], row["benefit"])
        if "household_id" in (item.name for item in found.missing):
            assert found.changes == ()
        for change in found.changes:
            read = read_subject(
                UnifiedHistory(history), RULEBOOK, row["benefit"], row["subject"], row["id"], ON_DATE, KNOWN_AT
            )
            listed = read.population.listed
            for step in change.steps:
                listed[step.kind][step.id].facts[step.fact] = Known(step.new, "", ON_DATE)
            evaluator = ReferenceEvaluator(RULEBOOK, read.population, ON_DATE)
            then = determine(evaluator, row["benefit"], listed[row["subject"]][row["id"]])
            assert then.outcome is change.outcome
            assert then.outcome is not found.outcome
            altered += 1
    assert altered > 20
