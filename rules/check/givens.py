"""Does an example say everything that its rule reads? A fact left out would be unknown without a word."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from features.documents import Finding
from features.facts.population import Subject
from rules import plan
from rules.examples import Example
from rules.rulebook import BenefitPlan, CompiledBenefit, Rulebook


def find_omitted_facts(rulebook: Rulebook, compiled: CompiledBenefit, examples: list[Example]) -> Iterator[Finding]:
    """Facts that the rule reads of a row and that the row does not state: written neither in `given` nor in `each`.

    Examples that omit the same facts share one finding, at the first of them.
    """
    omitting: dict[tuple[str, ...], list[Example]] = defaultdict(list)
    for example in examples:
        collector = _Collector(rulebook, example)
        collector.benefit(compiled.benefit.id, example.subject)
        lacking = {
            f"`{fact}` of {subject.kind} {subject.id}" if subject is not example.subject else f"`{fact}`"
            for subject, facts in collector.read.values()
            for fact in facts - subject.facts.keys()
        }
        if lacking:
            omitting[tuple(sorted(lacking))].append(example)
    for lacking_names, those in omitting.items():
        more = f" and {len(lacking_names) - 4} more" if len(lacking_names) > 4 else ""
        others = f" (nor do {len(those) - 1} more examples)" if len(those) > 1 else ""
        yield Finding(
            those[0].place,
            f"“{those[0].name}” does not say {', '.join(lacking_names[:4])}{more}{others}.",
            "Write the value, or `unknown`, here or under `each`.",
        )


class _Collector:
    """Walks a benefit as it stands on the day of the example, over the subjects that it reads there."""

    def __init__(self, rulebook: Rulebook, example: Example) -> None:
        self.population = example.population
        self.plans: dict[str, BenefitPlan] = rulebook.in_force(example.on_date)
        self.read: dict[int, tuple[Subject, set[str]]] = {}
        self.seen: set[tuple[object, ...]] = set()

    def benefit(self, benefit_id: str, subject: Subject) -> None:
        benefit = self.plans[benefit_id]
        for node in (benefit.outcome, benefit.amount):
            if node is not None:
                self.visit(node, (subject,))

    def visit(self, node: plan.Node, line: tuple[Subject, ...]) -> None:
        """Note what a node reads; `line` holds the subject and those outside of the quantifiers around it."""
        key = (id(node), *(id(subject) for subject in line))
        if key in self.seen:
            return
        self.seen.add(key)
        subject = line[0]
        match node:
            case plan.BoolFact() | plan.CodeFact() | plan.QuantityFact() | plan.MonthsIn():
                self.read.setdefault(id(subject), (subject, set()))[1].add(node.fact.id)
            case plan.ViaCondition() | plan.ViaQuantity() | plan.ViaCode():
                group = self.population.group_of(subject, node.group)
                if group is not None:
                    self.visit(node.operand, (group,))
            case plan.OuterCondition() | plan.OuterQuantity() | plan.OuterCode():
                self.visit(node.operand, line[1:])
            case plan.Exists() | plan.Count() | plan.Total():
                for member in self._members(node.relation, subject):
                    for child in node.children():
                        self.visit(child, (member, *line))
            case plan.EligibleFor() | plan.AmountOf():
                self.benefit(node.benefit, subject)
            case _:
                for child in node.children():
                    self.visit(child, line)

    def _members(self, relation: plan.Relation, subject: Subject) -> list[Subject]:
        if relation.via is not None:
            group = self.population.group_of(subject, relation.via)
            if group is None:
                return []
            subject = group
        if relation.group is not None:
            return self.population.members(subject)[0]
        return self.population.related(subject, self.population.vocabulary.relations[relation.name])[0]
