"""What a benefit reads: the facts of each kind of subject without which its answer could not be computed.

This is all that may be fetched for it. Personal Information Protection Law of the PRC, art. 6: what is
processed is limited to the smallest scope that the purpose needs.
"""

from __future__ import annotations

import datetime as dt

from features.facts.subjects import PERSON
from features.facts.vocabulary import Vocabulary
from rules import plan
from rules.rulebook import BenefitPlan, Rulebook

Read = tuple[str, str]
"""A kind of subject, and a fact (or link) of it."""


def reads_of(rulebook: Rulebook, on_date: dt.date) -> dict[str, tuple[Read, ...]]:
    """What each benefit in force on a day reads, sorted; benefits not in force are left out."""
    plans = rulebook.in_force(on_date)
    reads = _Reads(plans, rulebook.vocabulary)
    return {benefit: tuple(sorted(reads.of(benefit))) for benefit, found in plans.items() if found.variants}


class _Reads:
    """Walks each benefit once; benefits that it asks for are part of what it reads."""

    def __init__(self, plans: dict[str, BenefitPlan], vocabulary: Vocabulary) -> None:
        self._plans = plans
        self._subjects = vocabulary.subjects
        self._known: dict[str, frozenset[Read]] = {}

    def of(self, benefit: str) -> frozenset[Read]:
        if benefit not in self._known:
            found = self._plans[benefit]
            reads: set[Read] = set()
            seen: set[int] = set()
            self._visit(found.outcome, seen, reads)
            if found.amount is not None:
                self._visit(found.amount, seen, reads)
            self._known[benefit] = frozenset(reads)
        return self._known[benefit]

    def _visit(self, node: plan.Node, seen: set[int], reads: set[Read]) -> None:
        if id(node) in seen:
            return
        seen.add(id(node))
        match node:
            case plan.BoolFact() | plan.CodeFact() | plan.QuantityFact() | plan.MonthsIn():
                reads.add((node.fact.subject, node.fact.id))
            case plan.ViaCondition() | plan.ViaQuantity() | plan.ViaCode():
                reads.add((PERSON, node.link))
            case plan.Exists() | plan.Count() | plan.Total():
                reads.update((PERSON, link) for link in self._links(node.relation))
            case plan.EligibleFor() | plan.AmountOf():
                reads.update(self.of(node.benefit))
            case _:
                pass
        for child in node.children():
            self._visit(child, seen, reads)

    def _links(self, relation: plan.Relation) -> tuple[str, ...]:
        """The columns of persons by which a relation is found."""
        groups = [name for name in (relation.group, relation.via) if name is not None]
        links = tuple(self._subjects.groups[name].link for name in groups)
        found = self._subjects.relations.get(relation.name)
        return links + (found.links if found is not None else ())
