"""What would the answer be if a fact were otherwise? The reference evaluator, with some facts supposed.

Nothing is written into the population, so that any number of questions can be asked of the same facts at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from explain.explanation import FactKey
from features.facts.population import Population, Subject
from features.facts.values import Value
from rules.evaluate.reference import ReferenceEvaluator
from rules.plan import NEVER
from rules.rulebook import Rulebook

Supposed = Mapping[FactKey, Value]
"""Values that are put in place of what is held, as if they had been learned today."""


class SupposedEvaluator(ReferenceEvaluator):
    """Answers as the reference evaluator does, on facts of which some are supposed."""

    def __init__(self, rulebook: Rulebook, population: Population, on_date: dt.date, supposed: Supposed) -> None:
        super().__init__(rulebook, population, on_date)
        self.supposed = supposed

    def holding(self, subject: Subject, fact: str) -> tuple[Any, int]:
        """A fact's value, and until when it does not grow stale."""
        key = (subject.kind, subject.id, fact)
        return (self.supposed[key], NEVER) if key in self.supposed else super().holding(subject, fact)
