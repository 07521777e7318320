"""From an evaluator's answer to a determination that people and programs can read."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

from features.facts.population import Subject
from features.facts.units import MINOR_UNITS
from features.facts.values import Unknown
from rules import plan
from rules.determination import ClauseTrace, Determination, FactUsed, Outcome
from rules.evaluate.intervals import Bound
from rules.evaluate.reference import Answer, ReferenceEvaluator
from rules.kleene import Truth
from rules.rulebook import BenefitPlan

OUTCOMES = {Truth.TRUE: Outcome.ELIGIBLE, Truth.FALSE: Outcome.INELIGIBLE, Truth.UNKNOWN: Outcome.UNDETERMINED}
IN_KIND = "in_kind"


def amount_unit(benefit: BenefitPlan, currency: str) -> str:
    """The unit of a benefit's amounts: a currency, a unit of count, or `in_kind`."""
    if benefit.amount_type is None:
        return IN_KIND
    return currency if benefit.amount_type.kind == "money" else benefit.amount_type.unit or "number"


def amount_divisor(benefit: BenefitPlan) -> int:
    """How many units of the plan make one of what answers state (a yuan, a month, 1)."""
    if benefit.amount is None:
        return 1
    return int(10**benefit.amount.scale) * (MINOR_UNITS if benefit.amount.type.kind == "money" else 1)


def amount_period(benefit: BenefitPlan) -> str:
    """What the amount is per: month, year, once."""
    return benefit.variants[0].compiled.version.amount.per if benefit.variants else ""


def determine(
    evaluator: ReferenceEvaluator, benefit_id: str, subject: Subject, *, trace: bool = False
) -> Determination:
    """The determination of one subject for one benefit, with its trace where asked for."""
    benefit = evaluator.plans[benefit_id]
    answer = evaluator.answer(benefit_id, subject)
    divisor = amount_divisor(benefit)
    low, high = (None, None) if benefit.amount is None and benefit.variants else answer.interval
    point = low is not None and low == high and answer.truth is not Truth.UNKNOWN

    def stated(value: Bound) -> Decimal | None:
        return None if value is None else Decimal(value) / divisor

    return Determination(
        subject=subject.kind,
        id=subject.id,
        benefit=benefit_id,
        version="" if answer.version is None else benefit.variants[answer.version].label,
        outcome=OUTCOMES[answer.truth],
        amount=stated(low) if point else None,
        amount_low=stated(low),
        amount_high=stated(high),
        per=amount_period(benefit),
        unit=amount_unit(benefit, evaluator.rulebook.currency),
        unmet=tuple(name for name in benefit.clause_names if name in answer.unmet),
        missing=ordered_missing(benefit, evaluator.names_of(answer.missing)),
        next_change=None if answer.until >= plan.DAY_HIGH else plan.day_of(answer.until),
        trace=tuple(clause_traces(evaluator, benefit, subject, answer)) if trace else (),
    )


def ordered_missing(benefit: BenefitPlan, names: tuple[str, ...]) -> tuple[str, ...]:
    """Missing facts in the order in which the rule reads them."""
    wanted = set(names)
    return tuple(name for name in benefit.names if name in wanted)


def clause_traces(
    evaluator: ReferenceEvaluator, benefit: BenefitPlan, subject: Subject, answer: Answer
) -> Iterator[ClauseTrace]:
    """How each clause came out, and why: of the version that applies, or of all where it is not known which."""
    for index, variant in enumerate(benefit.variants):
        if answer.version is not None and index != answer.version:
            continue
        law = variant.compiled.version.law
        for clause_id, node in variant.clauses:
            criterion = variant.criterion(clause_id)
            yield ClauseTrace(
                id=clause_id,
                met=evaluator.clause(node, subject),
                exception=criterion.exception if criterion else False,
                because=criterion.because if criterion else law.title,
                test=criterion.text if criterion else f'{benefit.benefit.area_by} within "{variant.compiled.area}"',
                facts=tuple(dict.fromkeys(facts_read(evaluator, node, subject))),
            )


_NOT_HELD = Unknown()


@lru_cache(maxsize=100_000)
def _own_facts(node: plan.Node) -> tuple[str, ...] | None:
    """The facts a node reads, each once, where all are the subject's own; None where it reads others' too."""
    if isinstance(node, plan.BoolFact | plan.CodeFact | plan.QuantityFact | plan.MonthsIn):
        return (node.fact.id,)
    if isinstance(node, _ELSEWHERE):
        return None
    found: dict[str, None] = {}
    for child in node.children():
        facts = _own_facts(child)
        if facts is None:
            return None
        found.update(dict.fromkeys(facts))
    return tuple(found)


_ELSEWHERE = (
    plan.ViaCondition, plan.ViaQuantity, plan.ViaCode, plan.OuterCondition, plan.OuterQuantity, plan.OuterCode,
    plan.Exists, plan.Count, plan.Total, plan.EligibleFor, plan.AmountOf,
)  # fmt: skip


def facts_read(evaluator: ReferenceEvaluator, node: plan.Node, subject: Subject) -> Iterator[FactUsed]:
    """Every fact that a node reads for a subject, and what we hold of it; facts of other benefits it asks for too."""
    yield from _FactReader(evaluator).read(node, subject, ())


class _FactReader:
    """Goes through a rule once for each subject it is read for. Rules share parts: a part is not gone through twice."""

    def __init__(self, evaluator: ReferenceEvaluator) -> None:
        self.evaluator = evaluator
        self._seen: set[tuple[int, int, tuple[int, ...]]] = set()

    def read(self, node: plan.Node, subject: Subject, outer: tuple[Subject, ...]) -> Iterator[FactUsed]:
        """The facts of a node; `outer` are the subjects outside of the quantifiers around it, innermost last."""
        key = (id(node), id(subject), tuple(id(other) for other in outer))
        if key in self._seen:
            return
        self._seen.add(key)
        match node:
            case plan.BoolFact() | plan.CodeFact() | plan.QuantityFact() | plan.MonthsIn():
                yield FactUsed(subject.kind, subject.id, node.fact.id, subject.facts.get(node.fact.id, Unknown()))
            case plan.ViaCondition() | plan.ViaQuantity() | plan.ViaCode():
                group = self.evaluator.population.group_of(subject, node.group)
                if group is not None:
                    yield from self.read(node.operand, group, outer)
            case plan.OuterCondition() | plan.OuterQuantity() | plan.OuterCode():
                yield from self.read(node.operand, outer[-1], outer[:-1])
            case plan.Exists() | plan.Count() | plan.Total():
                for member in self.evaluator.members_of(node.relation, subject):
                    for part in node.children():
                        yield from self.read(part, member, (*outer, subject))
            case plan.EligibleFor() | plan.AmountOf():
                other = self.evaluator.plans[node.benefit]
                parts = [other.outcome, other.amount if isinstance(node, plan.AmountOf) else None]
                for part in filter(None, parts):
                    yield from self.read(part, subject, ())
            case _:
                for child in node.children():
                    yield from self.read(child, subject, outer)
