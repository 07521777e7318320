"""Conditions that speak of the same thing: two limits on one figure, two lists of codes of one fact.

They cannot take any truths they like: an income below 500 is below 1000 too.
"""

from __future__ import annotations

from collections.abc import Iterable

from rules import plan
from rules.rulebook import BenefitPlan


class Overlaps:
    """Atoms that speak of one and the same figure or code, and the values on which each is true.

    The values of a group are represented by samples: every limit and its neighbours, or every code. An atom's `mask`
    has a bit for each sample on which it holds.
    """

    def __init__(self, atoms: Iterable[plan.Condition], benefit: BenefitPlan) -> None:
        by_subject: dict[int, list[tuple[int, plan.Condition]]] = {}
        for index, atom in enumerate(atoms):
            subject = _speaks_of(atom, benefit)
            if subject is not None:
                by_subject.setdefault(id(subject), []).append((index, atom))
        self.of_atom: dict[int, tuple[int, int]] = {}
        self.full: list[int] = []
        for members in by_subject.values():
            if len(members) > 1:
                self._add(members, benefit)

    def _add(self, members: list[tuple[int, plan.Condition]], benefit: BenefitPlan) -> None:
        number = len(self.full)
        if isinstance(members[0][1], plan.Compare):
            limits = sorted({_limit(a, benefit) for _, a in members if isinstance(a, plan.Compare)})
            first = members[0][1]
            subject = first.left if _constant(first.right, benefit) is not None else first.right
            raw = {v for limit in limits for v in (limit - 1, limit, limit + 1)} | {subject.low, subject.high}
            samples: list[int] = sorted(v for v in raw if subject.low <= v <= subject.high)
            for index, atom in members:
                assert isinstance(atom, plan.Compare)
                mask = sum(1 << i for i, v in enumerate(samples) if _holds(atom, v, benefit))
                self.of_atom[index] = (number, mask)
            self.full.append((1 << len(samples)) - 1)
            return
        universe = sorted({c for _, a in members for c in _codes(a)})
        for index, atom in members:
            codes = _codes(atom)
            self.of_atom[index] = (number, sum(1 << i for i, c in enumerate(universe) if c in codes))
        fact = _fact_of(members[0][1])
        complete = bool(fact) and set(fact) <= set(universe)
        self.full.append((1 << len(universe) + (0 if complete else 1)) - 1)

    @property
    def one_sided(self) -> list[int]:
        """The atoms that hold for every value, or for none: no head count is below 0, whatever the household."""
        return [atom for atom, (group, mask) in self.of_atom.items() if mask in (0, self.full[group])]


def _fact_of(atom: plan.Condition) -> tuple[str, ...]:
    assert isinstance(atom, plan.CodeIn | plan.Within)
    operand = atom.operand
    while isinstance(operand, plan.ViaCode | plan.OuterCode):
        operand = operand.operand
    assert isinstance(operand, plan.CodeFact)
    return operand.fact.type.codes


def _codes(atom: plan.Condition) -> frozenset[str]:
    assert isinstance(atom, plan.CodeIn | plan.Within)
    return atom.codes


def _speaks_of(atom: plan.Condition, benefit: BenefitPlan) -> plan.Node | None:
    if isinstance(atom, plan.CodeIn | plan.Within):
        return atom.operand
    if isinstance(atom, plan.Compare):
        left, right = _constant(atom.left, benefit), _constant(atom.right, benefit)
        if (left is None) != (right is None):
            return atom.left if left is None else atom.right
    return None


def _constant(node: plan.Quantity, benefit: BenefitPlan) -> int | None:
    """The value of a figure that is the same for everybody on the date, or None."""
    if isinstance(node, plan.Const):
        return node.value
    if isinstance(node, plan.Rescale):
        inner = _constant(node.operand, benefit)
        return None if inner is None else inner * 10**node.shift
    if isinstance(node, plan.Lookup) and not node.keys and node.area is None and node.at is None:
        period = node.parameter.on(benefit.on_date)
        value = period.table.get(()) if period else None
        return value if isinstance(value, int) and not isinstance(value, bool) else None
    return None


def _limit(atom: plan.Compare, benefit: BenefitPlan) -> int:
    left = _constant(atom.left, benefit)
    right = _constant(atom.right, benefit)
    limit = left if left is not None else right
    assert limit is not None
    return limit


def _holds(atom: plan.Compare, value: int, benefit: BenefitPlan) -> bool:
    left = _constant(atom.left, benefit)
    right = _constant(atom.right, benefit)
    a = value if left is None else left
    b = value if right is None else right
    return a < b if atom.operator == "<" else a <= b if atom.operator == "<=" else a == b
