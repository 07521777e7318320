"""Both shipped catalogues over drawn populations: batch equals reference, and answers hold until `next_change`."""

from __future__ import annotations

import datetime as dt
from functools import cache
from importlib import resources
from pathlib import Path

import polars as pl
import pytest

from features.facts.encoding import population_of
from features.made.by_type import tables_by_type
from rules import plan
from rules.benefits import IN_AREA
from rules.catalogue import catalogue_folders, load_catalogue
from rules.evaluate.batch import BatchEvaluator
from rules.rulebook import Rulebook
from tests.agreement.comparison import batch_rows, reference_rows

CATALOGUES = [p.name for p in catalogue_folders(Path(str(resources.files("rules") / "catalogue")))]
DAYS = (dt.date(2025, 7, 15), dt.date(2026, 3, 1))
ALL_THAT_IS_SAID = ("outcome", "amount_low", "amount_high", "unmet", "missing", "next_change", "version")
STEPS = (1, 17, 62, 184, 303, 366, 731)


@cache
def rulebook(name: str) -> Rulebook:
    """A shipped catalogue, compiled once."""
    book = load_catalogue(Path(str(resources.files("rules") / "catalogue" / name))).rulebook
    assert book is not None
    return book


@cache
def people(name: str, persons: int, seed: int) -> dict[str, pl.DataFrame]:
    """A drawn population in which every kind of fact is often true and often unknown."""
    return tables_by_type(rulebook(name).vocabulary, persons, (seed,), share_unknown=0.08, share_true=0.3)


@pytest.mark.parametrize("on_date", DAYS, ids=str)
@pytest.mark.parametrize("name", CATALOGUES)
def test_batch_equals_reference_on_every_benefit(name: str, on_date: dt.date) -> None:
    book = rulebook(name)
    population = population_of(people(name, 40, 3), book.vocabulary)
    assert batch_rows(book, population, on_date) == reference_rows(book, population, on_date)


def held(book: Rulebook, tables: dict[str, pl.DataFrame], on_date: dt.date, later: list[dt.date]) -> list[str]:
    """Where an answer changed before its `next_change`, or a benefit concerned somebody before `outside_until`.

    Or where anything at all that is said of an answer changed before the day on which it is looked at again.
    """
    today = BatchEvaluator(book, on_date)
    now = today.evaluate(tables)
    wrong: list[str] = []
    for day in later:
        that_day = BatchEvaluator(book, day)
        then = that_day.evaluate(tables)
        for benefit, before in now.items():
            after = then[benefit]
            still = before.get_column("next_change") > plan.day_number(day)
            changed = pl.Series([False]).new_from_index(0, before.height)
            for column in ("outcome", "amount_low", "amount_high"):
                changed |= ~before.get_column(column).eq_missing(after.get_column(column))
            if (changed & still).any():
                wrong.append(f"{benefit} changed by {day} for {int((changed & still).sum())} subjects")
            was_outside, is_outside = (is_out(at, benefit, frame) for at, frame in ((today, before), (that_day, after)))
            came_in = was_outside & ~is_outside & (before.get_column("outside_until") > plan.day_number(day))
            if came_in.any():
                wrong.append(f"{benefit} came to concern {int(came_in.sum())} subjects by {day}")
            stands = before.get_column("look_again") > plan.day_number(day)
            for column in ALL_THAT_IS_SAID:
                moved = stands & ~before.get_column(column).eq_missing(after.get_column(column))
                if moved.any():
                    wrong.append(f"{benefit} said another {column} by {day} to {int(moved.sum())} subjects")
    return wrong


def is_out(evaluator: BatchEvaluator, benefit: str, answers: pl.DataFrame) -> pl.Series:
    """Who is outside of a benefit's area."""
    names = evaluator.clause_names(benefit)
    bit = 1 << names.index(IN_AREA) if IN_AREA in names else 0
    return answers.select((pl.col("unmet") & pl.lit(bit, dtype=pl.UInt64)) != 0).to_series()


@pytest.mark.parametrize("name", CATALOGUES)
def test_few_answers_are_looked_at_again_on_an_ordinary_day(name: str) -> None:
    """A clause that time cannot turn, or not for years, makes nobody's answer be made again each day."""
    book, on_date = rulebook(name), DAYS[1]
    answers = BatchEvaluator(book, on_date).evaluate(people(name, 800, 4))
    days = pl.concat([frame.get_column("look_again") for frame in answers.values()])
    assert (days <= pl.concat([frame.get_column("next_change") for frame in answers.values()])).all()
    assert (days > plan.day_number(on_date)).all()
    assert (days == plan.day_number(on_date) + 1).sum() < len(days) / 400


@pytest.mark.parametrize("on_date", DAYS, ids=str)
@pytest.mark.parametrize("name", CATALOGUES)
def test_answers_hold_until_next_change_on_every_benefit(name: str, on_date: dt.date) -> None:
    later = [on_date + dt.timedelta(days=step) for step in STEPS]
    assert held(rulebook(name), people(name, 800, 4), on_date, later) == []


@pytest.mark.long
@pytest.mark.parametrize("name", CATALOGUES)
def test_answers_hold_on_every_single_day_for_a_year(name: str) -> None:
    later = [DAYS[0] + dt.timedelta(days=step) for step in range(1, 367)]
    assert held(rulebook(name), people(name, 400, 5), DAYS[0], later) == []
