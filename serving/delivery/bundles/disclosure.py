"""What an offer gives away: benefits that are owed only because of something about a person that others must not learn.

A notice to a household is read by all who live there, and home may be where the danger is. Sensitivity comes from the
fact dictionary (class 4 is the most sensitive), and from how the rule reads the fact: `disability_certificate_status =
'valid'` as a condition is given away by the offer, `unless imprisoned` is not, since nearly everybody meets it. Where a
rule has alternatives of which only some are sensitive, it depends on which of them this person meets.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping

from features.facts.dictionary import Fact
from features.facts.population import Subject
from features.facts.subjects import PERSON
from rules import plan
from rules.benefits import IN_AREA
from rules.check.reading import facts, nodes
from rules.evaluate.reference import ReferenceEvaluator
from rules.kleene import Truth
from rules.rulebook import BenefitPlan, Variant

MOST_SENSITIVE = 4


class Disclosure(enum.Enum):
    """Does being offered a benefit give something sensitive away?"""

    NEVER = "never"
    DEPENDS = "depends"
    ALWAYS = "always"


Choice = Callable[[Iterable[plan.Condition]], list[plan.Condition]]
_Fold = Callable[[Iterable[bool]], bool]


def disclosures(plans: Mapping[str, BenefitPlan]) -> dict[str, Disclosure]:
    """What offers of each benefit in force give away, by the rules alone."""
    found: dict[str, Disclosure] = {}
    for benefit_id, benefit in plans.items():
        if not any(_tells(variant, benefit, plans, list, any) for variant in benefit.variants):
            found[benefit_id] = Disclosure.NEVER
        elif all(_tells(variant, benefit, plans, list, all) for variant in benefit.variants):
            found[benefit_id] = Disclosure.ALWAYS
        else:
            found[benefit_id] = Disclosure.DEPENDS
    return found


def gives_away(evaluator: ReferenceEvaluator, benefit_id: str, subject: Subject) -> bool:
    """Does the offer give something sensitive away about this subject, as it meets the conditions?"""
    benefit = evaluator.plans[benefit_id]

    def met(alternatives: Iterable[plan.Condition]) -> list[plan.Condition]:
        return [one for one in alternatives if evaluator.clause(one, subject) is Truth.TRUE]

    version = evaluator.answer(benefit_id, subject).version
    variants = benefit.variants if version is None else benefit.variants[version : version + 1]
    return any(_tells(variant, benefit, evaluator.plans, met, all) for variant in variants)


def _tells(
    variant: Variant, benefit: BenefitPlan, plans: Mapping[str, BenefitPlan], among: Choice, fold: _Fold
) -> bool:
    """Does meeting the conditions tell something? The figure tells too, except a group's, which names nobody."""
    for clause_id, condition in variant.clauses:
        criterion = variant.criterion(clause_id)
        asked = clause_id != IN_AREA and not (criterion is not None and criterion.exception)
        if asked and _condition_tells(condition, plans, among, fold):
            return True
    amount = variant.compiled.amount
    return benefit.benefit.subject == PERSON and amount is not None and _sensitive(facts([amount]))


def _condition_tells(node: plan.Condition, plans: Mapping[str, BenefitPlan], among: Choice, fold: _Fold) -> bool:
    match node:
        case plan.AllOf():
            return any(_condition_tells(part, plans, among, fold) for part in node.operands)
        case plan.AnyOf():
            alternatives = among(node.operands)
            told = (_condition_tells(part, plans, among, fold) for part in alternatives or node.operands)
            return fold(told) if alternatives else any(told)  # none is known to be met: any of them might be
        case plan.Not(operand=plan.BoolFact()):
            return False  # that something is absent is what most people share
        case plan.Exists():
            return _condition_tells(node.where, plans, list, any)  # of other persons: of any of them, to be careful
        case plan.EligibleFor():
            return any(
                _tells(variant, plans[node.benefit], plans, list, any) for variant in plans[node.benefit].variants
            )
    asked = {part.benefit for part in nodes([node]) if isinstance(part, plan.EligibleFor | plan.AmountOf)}
    if any(_tells(variant, plans[one], plans, list, any) for one in asked for variant in plans[one].variants):
        return True
    return _sensitive(facts([node]))


def _sensitive(read: Iterable[Fact]) -> bool:
    return any(fact.sensitivity >= MOST_SENSITIVE for fact in read)
