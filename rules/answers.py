"""From an evaluator's answer to a determination that people and programs can read."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from features.facts.population import Subject
from features.facts.units import MINOR_UNITS
from rules import plan
from rules.determination import ClauseTrace, Determination, Outcome
from rules.evaluate.intervals import Bound
from rules.evaluate.reference import Answer, ReferenceEvaluator
from rules.facts_used import facts_used
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
                facts=facts_used(evaluator, node, subject),
            )
