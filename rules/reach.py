"""How far a rule looks: over how many relations the facts of an answer may lie away from its subject."""

from __future__ import annotations

from rules import plan
from rules.rulebook import BenefitPlan


def steps_of(benefit: str, plans: dict[str, BenefitPlan]) -> int:
    """The most steps (person to group, group to persons, person to person) from the subject to a fact it reads."""
    known: dict[int, int] = {}

    def steps(node: plan.Node) -> int:
        if id(node) not in known:
            inner = max((steps(child) for child in node.children()), default=0)
            if isinstance(node, plan.ViaCondition | plan.ViaQuantity | plan.ViaCode):
                inner += 1
            elif isinstance(node, plan.Exists | plan.Count | plan.Total):
                inner += 1 if node.relation.via is None else 2
            elif isinstance(node, plan.EligibleFor | plan.AmountOf):
                inner = steps_of(node.benefit, plans)
            known[id(node)] = inner
        return known[id(node)]

    found = plans[benefit]
    return max(steps(found.outcome), 0 if found.amount is None else steps(found.amount))
