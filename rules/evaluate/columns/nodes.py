"""The batch evaluator's values: each node of the plan for all rows at once. Must agree with `rules.evaluate.reference`.

A condition gives its truth and until when that is good; a figure its span and until when. Nodes are computed once per
choice of rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, cast

from features.facts.areas import Areas
from rules import plan
from rules.evaluate.columns.comparisons import COMPARISONS
from rules.evaluate.columns.conditions import CONDITIONS
from rules.evaluate.columns.dates import DATES
from rules.evaluate.columns.evaluation import Answers, Evaluation
from rules.evaluate.columns.lookups import Lookups
from rules.evaluate.columns.quantities import QUANTITIES
from rules.evaluate.columns.relations import RELATED_CONDITIONS, RELATED_QUANTITIES
from rules.evaluate.columns.results import Judged, Measured, take
from rules.evaluate.columns.rows import Rows

_CONDITIONS = {**CONDITIONS, **COMPARISONS, **RELATED_CONDITIONS}


class BatchValues(Evaluation):
    """Evaluates plan nodes for rows on one date."""

    def __init__(self, areas: Areas, on_date: dt.date, answers: Answers) -> None:
        super().__init__(areas, on_date, answers)
        lookups = Lookups(areas, on_date)
        self._quantities: dict[type[plan.Node], Callable[[Any, Rows, Evaluation], Measured]] = {
            **QUANTITIES,
            **DATES,
            **RELATED_QUANTITIES,
            plan.Lookup: lookups.measure,
            plan.Marginal: lookups.marginal,
        }

    def judge(self, node: plan.Condition, rows: Rows) -> Judged:
        """The truth of a condition in every row."""
        return cast(Judged, self._remember("condition", node, rows, _CONDITIONS))

    def measure(self, node: plan.Quantity, rows: Rows) -> Measured:
        """The span of a figure in every row."""
        return cast(Measured, self._remember("quantity", node, rows, self._quantities))

    def _remember(
        self,
        kind: str,
        node: plan.Node,
        rows: Rows,
        table: Mapping[type[plan.Node], Callable[[Any, Rows, Evaluation], Judged | Measured]],
    ) -> Judged | Measured:
        key = (kind, id(node))
        if key in rows.memo:
            known: Judged | Measured = rows.memo[key]
            return known
        inherited = rows.inherited(key)
        shared = rows.shared() if inherited is None and not looks_outside(node) else None
        value: Judged | Measured
        if inherited is not None:
            value = take(*inherited)
        elif shared is not None:
            whole, chosen = shared
            value = take(self._remember(kind, node, whole, table), chosen)
        else:
            value = table[type(node)](node, rows, self)
        rows.memo[key] = value
        return value


@lru_cache(maxsize=100_000)
def looks_outside(node: plan.Node) -> bool:
    """Does the node read what stands outside of the quantifier around it?"""
    return _steps_outside(node) > 0


@lru_cache(maxsize=100_000)
def _steps_outside(node: plan.Node) -> int:
    """How many quantifiers around the node it looks out of."""
    inner = max((_steps_outside(child) for child in node.children()), default=0)
    if isinstance(node, plan.OuterCondition | plan.OuterQuantity | plan.OuterCode):
        return inner + 1
    return max(0, inner - 1) if isinstance(node, plan.Exists | plan.Count | plan.Total) else inner
