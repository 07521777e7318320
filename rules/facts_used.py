"""Which facts a node reads for a subject, and what we hold of them: the evidence beside each criterion."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from features.facts.population import Subject
from features.facts.values import Unknown
from rules import plan
from rules.determination import FactUsed
from rules.evaluate.reference import ReferenceEvaluator

_NOT_HELD = Unknown()


class _Place(NamedTuple):
    """A fact of the subject itself (`group` None), or of the group it belongs to."""

    group: str | None
    fact: str


def facts_used(evaluator: ReferenceEvaluator, node: plan.Node, subject: Subject) -> tuple[FactUsed, ...]:
    """Every fact that a node reads for a subject, each once, in the order of reading.

    Facts of other benefits that it asks for belong to them. Of a group that is not known nothing is listed.
    """
    places = _places(node)
    if places is None:
        return tuple(_FactReader(evaluator).read(node, subject).values())
    return tuple(_held(evaluator, places, subject))


def _held(evaluator: ReferenceEvaluator, places: tuple[_Place, ...], subject: Subject) -> Iterator[FactUsed]:
    for group, fact in places:
        owner = subject if group is None else evaluator.population.group_of(subject, group)
        if owner is not None:
            yield FactUsed(owner.kind, owner.id, fact, owner.facts.get(fact, _NOT_HELD))


@lru_cache(maxsize=100_000)
def _places(node: plan.Node) -> tuple[_Place, ...] | None:
    """Where a node reads its facts, the same for every subject; None where that depends on whom it is related to."""
    if isinstance(node, _FACTS):
        return (_Place(None, node.fact.id),)
    if isinstance(node, _RELATED):
        return None
    found: dict[_Place, None] = {}
    for child in node.children():
        places = _places(child)
        if places is None:
            return None
        for place in places:
            if isinstance(node, _OF_GROUP):
                assert place.group is None, "a group belongs to no other"
                found[_Place(node.group, place.fact)] = None
            else:
                found[place] = None
    return tuple(found)


_FACTS = plan.BoolFact | plan.CodeFact | plan.QuantityFact | plan.MonthsIn
_OF_GROUP = plan.ViaCondition | plan.ViaQuantity | plan.ViaCode
_RELATED = (
    plan.OuterCondition, plan.OuterQuantity, plan.OuterCode,
    plan.Exists, plan.Count, plan.Total, plan.EligibleFor, plan.AmountOf,
)  # fmt: skip


class _FactReader:
    """Goes through a rule once for each subject it is read for. Rules share parts: a part is not gone through twice."""

    def __init__(self, evaluator: ReferenceEvaluator) -> None:
        self.evaluator = evaluator
        self._seen: set[tuple[int, int, tuple[int, ...]]] = set()
        self._found: dict[tuple[str, str, str], FactUsed] = {}

    def read(self, node: plan.Node, subject: Subject) -> dict[tuple[str, str, str], FactUsed]:
        """The facts of a node by whose and which they are, in the order of reading."""
        self._read(node, subject, ())
        return self._found

    def _read(self, node: plan.Node, subject: Subject, outer: tuple[Subject, ...]) -> None:
        """Collect the facts of a node; `outer`: the subjects outside of the quantifiers around it, innermost last."""
        key = (id(node), id(subject), tuple(map(id, outer)))
        if key in self._seen:
            return
        self._seen.add(key)
        places = _places(node)
        if places is not None:
            for used in _held(self.evaluator, places, subject):
                self._found.setdefault(used[:3], used)
            return
        match node:
            case plan.ViaCondition() | plan.ViaQuantity() | plan.ViaCode():
                group = self.evaluator.population.group_of(subject, node.group)
                if group is not None:
                    self._read(node.operand, group, outer)
            case plan.OuterCondition() | plan.OuterQuantity() | plan.OuterCode():
                self._read(node.operand, outer[-1], outer[:-1])
            case plan.Exists() | plan.Count() | plan.Total():
                for member in self.evaluator.members_of(node.relation, subject):
                    for part in node.children():
                        self._read(part, member, (*outer, subject))
            case plan.EligibleFor() | plan.AmountOf():
                other = self.evaluator.plans[node.benefit]
                self._read(other.outcome, subject, ())
                if isinstance(node, plan.AmountOf) and other.amount is not None:
                    self._read(other.amount, subject, ())
            case _:
                for child in node.children():
                    self._read(child, subject, outer)
