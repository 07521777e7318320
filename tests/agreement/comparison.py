"""Both evaluators' answers in one form, and what differs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from features.facts.encoding import tables_of
from features.facts.population import Population
from rules import plan
from rules.evaluate.batch import BatchEvaluator
from rules.evaluate.reference import ReferenceEvaluator
from rules.kleene import Truth
from rules.rulebook import Rulebook

_OUTCOMES = {Truth.FALSE: 0, Truth.UNKNOWN: 1, Truth.TRUE: 2}


@dataclass(frozen=True)
class Row:
    """One answer."""

    outcome: int
    amount_low: int | None
    amount_high: int | None
    unmet: frozenset[str]
    missing: frozenset[str]
    next_change: int
    version: int


def reference_rows(rulebook: Rulebook, population: Population, on_date: dt.date) -> dict[tuple[str, str], Row]:
    """The reference's answers by benefit and subject."""
    evaluator = ReferenceEvaluator(rulebook, population, on_date)
    rows: dict[tuple[str, str], Row] = {}
    for benefit_id, benefit in evaluator.plans.items():
        for subject in population.listed[benefit.benefit.subject].values():
            answer = evaluator.answer(benefit_id, subject)
            rows[benefit_id, subject.id] = Row(
                _OUTCOMES[answer.truth],
                answer.interval[0],
                answer.interval[1],
                frozenset(answer.unmet),
                frozenset(evaluator.names_of(answer.missing)),
                min(answer.until, plan.NEVER),
                -1 if answer.version is None else answer.version,
            )
    return rows


def batch_rows(rulebook: Rulebook, population: Population, on_date: dt.date) -> dict[tuple[str, str], Row]:
    """The batch evaluator's answers by benefit and subject."""
    evaluator = BatchEvaluator(rulebook, on_date)
    rows: dict[tuple[str, str], Row] = {}
    for benefit_id, frame in evaluator.evaluate(tables_of(population, rulebook.vocabulary)).items():
        benefit = evaluator.plans[benefit_id]
        clauses = evaluator.clause_names(benefit_id)
        subjects = population.listed[benefit.benefit.subject].values()
        for subject, row in zip(subjects, frame.iter_rows(named=True), strict=True):
            rows[benefit_id, subject.id] = Row(
                row["outcome"],
                row["amount_low"],
                row["amount_high"],
                frozenset(name for index, name in enumerate(clauses) if row["unmet"] >> index & 1),
                frozenset(name for index, name in enumerate(benefit.names) if row["missing"] >> index & 1),
                row["next_change"],
                row["version"],
            )
    return rows
