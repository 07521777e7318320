"""Gate G10: a change that is shown is true. Its values are put into the tables, and the other evaluator agrees.

The reference evaluator found the changes; here the batch evaluator judges them, on columns in which the values stand as
a register would have sent them. Many changes are judged at once, of people who have nothing to do with each other.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from explain.compose import Explainer
from explain.explanation import Change, ChangeStep
from explain.limits import limits_of
from features.facts.encoding import ID, STALE_SUFFIX, Tables, encode, population_of
from features.facts.population import NONE, Population
from features.facts.subjects import PERSON
from features.facts.values import Value
from rules.answers import amount_divisor
from rules.determination import Outcome
from rules.evaluate.batch import ELIGIBLE, INELIGIBLE, UNDETERMINED, BatchEvaluator
from rules.rulebook import Rulebook
from tests.city_tables import city_tables
from tests.sweep_world import cn_catalogue, cn_rulebook

ON_DATE = dt.date(2026, 3, 1)
CODES = {Outcome.ELIGIBLE: ELIGIBLE, Outcome.INELIGIBLE: INELIGIBLE, Outcome.UNDETERMINED: UNDETERMINED}
ENTERPRISE = "enterprise"


@dataclass(frozen=True, slots=True)
class Shown:
    """A change that an explanation shows: of whose answer, among whom, and with which values it is to be tried."""

    benefit: str
    kind: str
    id: str
    circle: str
    change: Change
    values: tuple[Value, ...]


def circles(population: Population) -> dict[str, str]:
    """Who may matter for whom: persons of one household or family share a circle; enterprises have their own."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for person in population.listed[PERSON].values():
        for link, target in person.links.items():
            if target not in (None, NONE) and link != "enterprise_id":
                kind = "household" if link == "household_id" else PERSON
                parent[root(f"{PERSON}:{person.id}")] = root(f"{kind}:{target}")
    return {name: root(name) for name in list(parent)}


def shown_changes(rulebook: Rulebook, tables: Tables, chance: random.Random) -> Iterator[Shown]:
    """Every change that is shown to anybody; ranges are tried at their end and somewhere inside."""
    population = population_of(tables, rulebook.vocabulary)
    explainer = Explainer(cn_catalogue(), rulebook)
    circle = circles(population)
    for benefit, plan in rulebook.in_force(ON_DATE).items():
        kind = plan.benefit.subject
        for subject in population.listed[kind].values():
            for change in explainer.explain(population, benefit, subject, ON_DATE).changes:
                where = f"{kind}:{subject.id}"
                for values in (
                    tuple(step.new for step in change.steps),
                    tuple(inside(rulebook, step, chance) for step in change.steps),
                ):
                    yield Shown(benefit, kind, subject.id, circle.get(where, where), change, values)
                    if not any(step.way in ("at_most", "at_least") for step in change.steps):
                        break


def inside(rulebook: Rulebook, step: ChangeStep, chance: random.Random) -> Value:
    """Some value that the sentence speaks of."""
    if step.way not in ("at_most", "at_least"):
        return step.new
    line = limits_of(rulebook.vocabulary.dictionary.facts[step.fact], ON_DATE)
    number = line.number(step.new)
    low, high = (line.low, number) if step.way == "at_most" else (number, line.high)
    return line.value(chance.randint(low, high))


def false_changes(rulebook: Rulebook, tables: Tables, shown: list[Shown]) -> list[str]:
    """The changes of which the batch evaluator says something else; changes of one circle are judged one by one."""
    evaluator = BatchEvaluator(rulebook, ON_DATE)
    rounds: dict[tuple[str, int], list[Shown]] = defaultdict(list)
    so_far: Counter[tuple[str, str]] = Counter()
    for one in shown:
        rounds[one.benefit, so_far[one.benefit, one.circle]].append(one)
        so_far[one.benefit, one.circle] += 1
    wrong: list[str] = []
    for (benefit, _), some in rounds.items():
        changed = with_values(rulebook, tables, some)
        answers = evaluator.evaluate(changed, [benefit])[benefit]
        kind = some[0].kind
        row_of = {name: row for row, name in enumerate(tables[kind][ID])}
        divisor = amount_divisor(evaluator.plans[benefit])
        for one in some:
            row = answers.row(row_of[one.id], named=True)
            if not agrees(one, row, divisor):
                wrong.append(f"{benefit}: {[step.fact for step in one.change.steps]} {row}")
    return wrong


def with_values(rulebook: Rulebook, tables: Tables, some: list[Shown]) -> Tables:
    """The tables with the values of these changes in their cells."""
    cells: dict[tuple[str, str], dict[str, Value]] = defaultdict(dict)
    for one in some:
        for step, value in zip(one.change.steps, one.values, strict=True):
            cells[step.kind, step.fact][step.id] = value
    changed = dict(tables)
    for (kind, name), values in cells.items():
        table, fact = changed[kind], rulebook.vocabulary.dictionary.facts[name]
        place = {subject: row for row, subject in enumerate(table[ID])}
        rows = [place[subject] for subject in values]
        put = pl.Series([encode(fact, value) for value in values.values()], dtype=table[name].dtype)
        columns = [table[name].clone().scatter(rows, put)]
        stale = name + STALE_SUFFIX
        if stale in table.columns:
            columns.append(table[stale].clone().scatter(rows, pl.Series([None] * len(rows), dtype=pl.Date)))
        changed[kind] = table.with_columns(columns)
    return changed


def agrees(one: Shown, row: dict[str, int | None], divisor: int) -> bool:
    """Is the batch evaluator's row what was shown?"""
    told = one.change
    if row["outcome"] != CODES[told.outcome]:
        return False
    if told.outcome is Outcome.INELIGIBLE or told.amount.in_kind is not None:
        return True
    low, high = (
        None if row[name] is None else Decimal(row[name] or 0) / divisor for name in ("amount_low", "amount_high")
    )
    least, most = told.amount.low, told.amount.high
    above = least is None or (low is not None and low >= least)
    return above and (most is None or (high is not None and high <= most))


def judged(persons: int, seed: int, folder: Path) -> tuple[list[Shown], list[str]]:
    """Every change shown in a city, and those that are false."""
    rulebook = cn_rulebook()
    tables = city_tables(rulebook.vocabulary, persons, seed, ON_DATE, folder)
    shown = list(shown_changes(rulebook, tables, random.Random(seed)))
    return shown, false_changes(rulebook, tables, shown)


def test_every_change_shown_in_a_small_city_is_true(tmp_path: Path) -> None:
    shown, wrong = judged(200, 11, tmp_path)
    assert wrong == []
    assert len(shown) > 500
    assert {step.way for one in shown for step in one.change.steps} >= {"lower", "higher", "becomes", "is"}
    assert {one.change.outcome for one in shown} >= {Outcome.ELIGIBLE, Outcome.INELIGIBLE}


@pytest.mark.long
def test_every_change_shown_to_ten_thousand_people_is_true(tmp_path: Path) -> None:
    shown, wrong = judged(10_000, 12, tmp_path)
    assert wrong == []
    assert len(shown) > 25_000


def test_a_false_change_would_be_found(tmp_path: Path) -> None:
    rulebook = cn_rulebook()
    tables = city_tables(rulebook.vocabulary, 60, 11, ON_DATE, tmp_path)
    shown = [one for one in shown_changes(rulebook, tables, random.Random(1)) if one.change.steps[0].way == "becomes"]
    population = population_of(tables, rulebook.vocabulary)
    unchanged = [
        Shown(
            one.benefit, one.kind, one.id, one.circle, one.change, tuple(held(population, s) for s in one.change.steps)
        )
        for one in shown
        if len(one.change.steps) == 1
    ]
    assert unchanged
    assert len(false_changes(rulebook, tables, unchanged)) == len(unchanged)


def held(population: Population, step: ChangeStep) -> Value:
    """What a fact is as it is."""
    holding = population.listed[step.kind][step.id].facts[step.fact]
    value = getattr(holding, "value", None)
    assert value is not None
    found: Value = value
    return found
