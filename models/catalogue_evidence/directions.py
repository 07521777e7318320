"""Which way each fact can push an answer, read from the rules themselves: +1 towards yes, -1 towards no, 0 unknown."""

from __future__ import annotations

from collections.abc import Mapping

from rules import plan
from rules.reads import Read
from rules.rulebook import BenefitPlan


def directions_of(benefit: BenefitPlan, kind: str, plans: Mapping[str, BenefitPlan]) -> dict[Read, int]:
    """The direction of each fact that a benefit reads of the subject's own kind.

    A fact that appears on both sides, or where no comparison gives a direction (under a quantifier, a choice, a
    table), has 0. What is read of another kind of subject is a sum over persons or of a group: it has none here.
    """
    found = _Directions(kind, plans)
    found.condition(benefit.outcome, 1)
    return {read: next(iter(signs)) if len(signs) == 1 else 0 for read, signs in found.signs.items()}


class _Directions:
    def __init__(self, kind: str, plans: Mapping[str, BenefitPlan]) -> None:
        self.kind, self._plans = kind, plans
        self.signs: dict[Read, set[int]] = {}

    def condition(self, node: plan.Node, sign: int) -> None:
        match node:
            case plan.BoolFact():
                self._note(node.fact.subject, node.fact.id, sign)
            case plan.Not():
                self.condition(node.operand, -sign)
            case plan.AllOf() | plan.AnyOf():
                for each in node.operands:
                    self.condition(each, sign)
            case plan.Compare() if node.operator in ("<", "<="):
                self.quantity(node.left, -sign)
                self.quantity(node.right, sign)
            case plan.EligibleFor() if node.benefit in self._plans:
                self.condition(self._plans[node.benefit].outcome, sign)
            case _:
                self._undirected(node)

    def quantity(self, node: plan.Node, sign: int) -> None:
        match node:
            case plan.QuantityFact():
                self._note(node.fact.subject, node.fact.id, sign)
            case plan.Const() | plan.Today():
                pass
            case plan.Add():
                self.quantity(node.left, sign)
                self.quantity(node.right, sign)
            case plan.Negate():
                self.quantity(node.operand, -sign)
            case plan.Rescale() | plan.RoundTo():
                self.quantity(node.operand, sign)
            case plan.Least() | plan.Greatest():
                for each in node.operands:
                    self.quantity(each, sign)
            case plan.Multiply() | plan.Divide() if node.left.low >= 0:
                self.quantity(node.left, sign)
                self.quantity(node.right, sign if isinstance(node, plan.Multiply) else -sign)
            case plan.MonthsIn():
                self._note(node.fact.subject, node.fact.id, sign)
            case _:
                self._undirected(node)

    def _undirected(self, node: plan.Node) -> None:
        """Whatever is read below may push either way."""
        match node:
            case plan.BoolFact() | plan.QuantityFact() | plan.CodeFact() | plan.MonthsIn():
                self._note(node.fact.subject, node.fact.id, 0)
            case plan.EligibleFor() | plan.AmountOf() if node.benefit in self._plans:
                self._undirected(self._plans[node.benefit].outcome)
            case _:
                pass
        for child in node.children():
            self._undirected(child)

    def _note(self, kind: str, fact: str, sign: int) -> None:
        self.signs.setdefault((kind, fact), set()).add(sign if kind == self.kind else 0)
