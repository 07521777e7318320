"""How deep the measured rules are: a speed means nothing without it."""

from __future__ import annotations

import datetime as dt

from rules import plan
from rules.rulebook import Rulebook


def rule_depth(rulebook: Rulebook, on_date: dt.date) -> dict[str, str | int | float]:
    """Benefits in force, their criteria, plan nodes, distinct facts read, and the deepest chain of nodes."""
    plans = [p for p in rulebook.in_force(on_date).values() if p.variants]
    nodes: set[int] = set()
    facts: set[str] = set()
    depths: dict[int, int] = {}

    def depth(node: plan.Node) -> int:
        if id(node) not in depths:
            nodes.add(id(node))
            if isinstance(node, plan.BoolFact | plan.CodeFact | plan.QuantityFact | plan.MonthsIn):
                facts.add(node.fact.id)
            depths[id(node)] = 1 + max((depth(child) for child in node.children()), default=0)
        return depths[id(node)]

    deepest = max(max(depth(p.outcome), depth(p.amount) if p.amount else 0) for p in plans)
    criteria = sum(len(v.clauses) for p in plans for v in p.variants)
    return {"benefits": len(plans), "criteria": criteria, "nodes": len(nodes), "facts": len(facts), "depth": deepest}
