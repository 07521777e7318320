"""The numbers of the law inside a text: `{$income_limit}` becomes the figure for this subject on this day."""

from __future__ import annotations

import re
from decimal import Decimal

from explain.values import counted_text, money_text
from explain.wording import Messages
from features.documents import Place
from features.facts.population import Subject
from features.facts.units import MINOR_UNITS
from rules import plan
from rules.catalogue import Catalogue
from rules.compile import Compiler
from rules.evaluate.reference import ReferenceEvaluator
from rules.kleene import Truth
from rules.language import syntax
from rules.parameters import Parameter
from rules.rulebook import Variant
from rules.scope import Context, Scope

_PLACEHOLDER = re.compile(r"\{\$([a-z][a-z0-9_]*)\}")


def filled(
    text: str,
    catalogue: Catalogue,
    variant: Variant,
    evaluator: ReferenceEvaluator,
    subject: Subject,
    say: Messages,
) -> str:
    """A clause's text with its parameters put in; one whose value is not certain stays under its name."""
    benefit = next(b for b in evaluator.plans.values() if variant in b.variants).benefit
    known = {**catalogue.shared, **catalogue.sources[benefit.id].parameters}
    scope = Scope(
        evaluator.rulebook.vocabulary,
        evaluator.rulebook.currency,
        benefit.subject,
        variant.compiled.area,
        benefit.area_by,
        known,
        {},
        {},
        evaluator.rulebook.interner,
    )

    def figure(match: re.Match[str]) -> str:
        parameter = known[match[1]]
        reference = syntax.ParameterRef(parameter.id, (), None, Place("", 1, 1))
        node = Compiler(scope).any(reference, Context(benefit.subject))
        return _figure(parameter, node, evaluator, subject, say) or say.of(parameter.names)

    return _PLACEHOLDER.sub(figure, text)


def _figure(
    parameter: Parameter, node: plan.Node, evaluator: ReferenceEvaluator, subject: Subject, say: Messages
) -> str | None:
    if isinstance(node, plan.Condition):
        truth = evaluator.clause(node, subject)
        return None if truth is Truth.UNKNOWN else say.say("true" if truth is Truth.TRUE else "false")
    assert isinstance(node, plan.Quantity)
    low, high = evaluator.measure(node, evaluator.case(subject)).interval
    if low is None or low != high:
        return None
    if parameter.type.kind == "date":
        return plan.day_of(low).isoformat()
    value = Decimal(low) / Decimal(10**node.scale)
    if parameter.type.kind == "money":
        return money_text(value / MINOR_UNITS, evaluator.rulebook.currency, say)
    return counted_text(value, None, say)
