"""The reference evaluator: one subject at a time, slow and obvious. This module defines the meaning of the language.

Every node has a value (a truth, an interval, a code), a day until which that value is good (see `rules.horizon`), and
the facts it rests on where it is open (bits; see `rules.missing`). What each node means is written in
`rules.evaluate.single`; here the answers are made of them.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from features.facts.population import Population, Subject
from rules import plan
from rules.evaluate import intervals
from rules.evaluate.intervals import ZERO, is_point
from rules.evaluate.single.conditions import CONDITIONS
from rules.evaluate.single.dates import DATES
from rules.evaluate.single.evaluation import Answer, Case, Evaluation, Judgement, Measure
from rules.evaluate.single.lookups import LOOKUPS
from rules.evaluate.single.quantities import QUANTITIES
from rules.kleene import Truth
from rules.missing import Pattern, skeleton_of
from rules.plan import NEVER
from rules.rulebook import BenefitPlan, Rulebook

FALSE, UNKNOWN = Truth.FALSE, Truth.UNKNOWN
_QUANTITIES = {**QUANTITIES, **LOOKUPS, **DATES}

__all__ = ["Answer", "Case", "ReferenceEvaluator"]


class ReferenceEvaluator(Evaluation):
    """Answers every benefit of a rulebook on one date for the subjects of a population."""

    def __init__(self, rulebook: Rulebook, population: Population, on_date: dt.date) -> None:
        super().__init__(rulebook, population, on_date)
        self.plans = rulebook.in_force(on_date)
        self._for_all: dict[plan.Node, Any] = {}
        self._answers: dict[tuple[str, int], Answer] = {}

    def answer(self, benefit_id: str, subject: Subject) -> Answer:
        """The answer for one subject."""
        key = (benefit_id, id(subject))
        known = self._answers.get(key)
        if known is None:
            known = self._answers[key] = self._answer(self.plans[benefit_id], self.case(subject))
        return known

    def clause(self, node: plan.Condition, subject: Subject) -> Truth:
        """The truth of one clause for one subject."""
        return self.judge(node, self.case(subject)).truth

    def members_of(self, relation: plan.Relation, subject: Subject) -> list[Subject]:
        """The persons that a relation leads to, as far as they are known."""
        return [case.subject for case in self.related(relation, self.case(subject))[0]]

    def _answer(self, benefit: BenefitPlan, case: Case) -> Answer:
        outcome = self.judge(benefit.outcome, case)
        unmet, version = self._unmet(benefit, case, outcome.truth)
        until = min(outcome.until, benefit.changes_on)
        if outcome.truth is FALSE:
            return Answer(FALSE, ZERO, until, 0, unmet, version)
        amount = Measure(ZERO, NEVER, 0)
        if benefit.amount is not None:
            amount = self.measure(benefit.amount, case)
        until = min(until, amount.until)
        interval = amount.interval
        if outcome.truth is UNKNOWN:
            interval = intervals.hull([ZERO, interval])
        needs = outcome.needs | (0 if is_point(amount.interval) else amount.needs)
        return Answer(outcome.truth, interval, until, self._irreducible(benefit, case, needs), unmet, version)

    def _unmet(self, benefit: BenefitPlan, case: Case, truth: Truth) -> tuple[tuple[str, ...], int | None]:
        if not benefit.variants:
            return ("in_force",), None
        applies: list[int] = []
        for index, variant in enumerate(benefit.variants):
            if variant.guard is None or self.judge(variant.guard, case).truth is not FALSE:
                applies.append(index)
        version = applies[0] if len(applies) == 1 else None
        if truth is not FALSE:
            return (), version
        if not applies:
            return ("in_area",), None
        unmet = [
            name
            for index in applies
            for name, node in benefit.variants[index].clauses
            if self.judge(node, case).truth is FALSE
        ]
        return tuple(dict.fromkeys(unmet)), version

    def _irreducible(self, benefit: BenefitPlan, case: Case, needs: int) -> int:
        """`needs` without the facts that the rest makes superfluous, in the bits of this evaluator."""
        if needs == 0 or needs & (needs - 1) == 0:
            return needs
        skeleton = skeleton_of(benefit)
        position = {name: index for index, name in enumerate(benefit.names)}

        def local(bits: int) -> int:
            return sum(1 << position[name] for name in self.names_of(bits))

        judgements = [self.judge(atom, case) for atom in skeleton.atoms]
        measures = [self.measure(quantity, case) for quantity in skeleton.quantities]
        pattern = Pattern(
            tuple(j.truth.value for j in judgements),
            tuple(local(j.needs) if j.truth is UNKNOWN else 0 for j in judgements),
            tuple(is_point(m.interval) for m in measures),
            tuple(0 if is_point(m.interval) else local(m.needs) for m in measures),
        )
        reduced = skeleton.reduce(pattern, local(needs))
        return sum(self.bit(name) for index, name in enumerate(benefit.names) if reduced >> index & 1)

    def judge(self, node: plan.Condition, case: Case) -> Judgement:
        """The truth of a condition."""
        found: Judgement | None = case.memo.get(node)
        if found is None:
            found = case.memo[node] = CONDITIONS[type(node)](node, case, self)
        return found

    def measure(self, node: plan.Quantity, case: Case) -> Measure:
        """The interval of a figure."""
        found: Measure | None = case.memo.get(node)
        if found is None:
            memo = self._for_all if plan.is_the_same_for_all(node) else case.memo
            found = memo.get(node)
            if found is None:
                found = _QUANTITIES[type(node)](node, case, self)
                memo[node] = found
        return found

    def forget(self) -> None:
        """Drop what was computed so far (memory, not meaning)."""
        super().forget()
        self._for_all.clear()
        self._answers.clear()
