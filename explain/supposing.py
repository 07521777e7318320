"""What would the answer be if a fact were otherwise? The reference evaluator, with some facts supposed.

Nothing is written into the population, so that any number of questions can be asked of the same facts at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from explain.explanation import FactKey
from features.facts.population import Population, Subject
from features.facts.values import Value
from rules import plan
from rules.evaluate.reference import ReferenceEvaluator
from rules.evaluate.single.evaluation import Case, Measure
from rules.plan import NEVER
from rules.rulebook import Rulebook

Supposed = Mapping[FactKey, Value]
"""Values that are put in place of what is held, as if they had been learned today."""

Ranges = Mapping[FactKey, tuple[Value, Value]]
"""Figures or dates that lie between two values, both included."""


class SupposedEvaluator(ReferenceEvaluator):
    """Answers as the reference evaluator does, on facts of which some are supposed.

    What it answers on a range holds for every value in it: it evaluates the interval, as it does for a fact that is not
    known and can only be so small or so large.
    """

    def __init__(
        self,
        rulebook: Rulebook,
        population: Population,
        on_date: dt.date,
        supposed: Supposed,
        ranges: Ranges | None = None,
    ) -> None:
        super().__init__(rulebook, population, on_date)
        self.supposed = supposed
        self.ranges = ranges or {}

    def holding(self, subject: Subject, fact: str) -> tuple[Any, int]:
        """A fact's value, and until when it does not grow stale."""
        key = (subject.kind, subject.id, fact)
        return (self.supposed[key], NEVER) if key in self.supposed else super().holding(subject, fact)

    def measure(self, node: plan.Quantity, case: Case) -> Measure:
        """The interval of a figure."""
        if self.ranges and isinstance(node, plan.QuantityFact):
            found = self.ranges.get((case.subject.kind, case.subject.id, node.fact.id))
            if found is not None:
                low, high = (_units(value, node.scale) for value in found)
                return Measure((low, high), NEVER, 0 if low == high else self.bit(node.fact.id))
        return super().measure(node, case)


def _units(value: Value, scale: int) -> int:
    if isinstance(value, dt.date):
        return plan.day_number(value)
    assert isinstance(value, int | Decimal)
    return int(value * 10**scale)
