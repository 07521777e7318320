"""Does the law bound an open amount, or only what a fact may be at most?

An amount that rests on a figure that is not known is bounded by the largest figure that the fact dictionary lets pass:
"up to 1,665,000 yuan a month" is true and tells nobody anything.
"""

from __future__ import annotations

from collections.abc import Iterable

from explain.limits import limits_of
from explain.supposing import SupposedEvaluator
from features.facts.population import Subject
from features.facts.values import Known
from rules.answers import determine
from rules.determination import Determination, FactUsed
from rules.evaluate.reference import ReferenceEvaluator

_FIGURES = ("integer", "number", "money")


def high_by_law(
    evaluator: ReferenceEvaluator, found: Determination, subject: Subject, used: Iterable[FactUsed]
) -> bool:
    """Would the upper bound stay where it is if every figure that is not known could only be half as large?

    Args:
        evaluator: that found the answer.
        found: the answer.
        subject: whose.
        used: the facts that its amount rests on.
    """
    facts, on_date = evaluator.rulebook.vocabulary.dictionary.facts, evaluator.on_date
    ranges = {}
    for one in used:
        held = one.holding
        known = isinstance(held, Known) and (held.stale_on is None or held.stale_on > on_date)
        if not known and facts[one.fact].type.kind in _FIGURES:
            line = limits_of(facts[one.fact], on_date)
            ranges[one[:3]] = (line.value(line.low), line.value((line.low + line.high) // 2))
    if not ranges or found.amount_high is None:
        return True
    halved = SupposedEvaluator(evaluator.rulebook, evaluator.population, on_date, {}, ranges)
    return determine(halved, found.benefit, subject).amount_high == found.amount_high
