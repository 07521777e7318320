"""The numbers of the law inside a text: `{$income_limit}` becomes the figure for this subject on this day."""

from __future__ import annotations

import re
from decimal import Decimal

from explain.values import counted_text, money_text
from explain.wording import Messages, in_both
from features.documents import Place, Wording
from features.facts.population import Subject
from features.facts.units import MINOR_UNITS
from rules import plan
from rules.benefits import Benefit
from rules.catalogue import Catalogue
from rules.compile import Compiler
from rules.evaluate.reference import ReferenceEvaluator
from rules.kleene import Truth
from rules.language import syntax
from rules.parameters import Parameter
from rules.rulebook import Rulebook, Variant
from rules.scope import Context, Scope

_PLACEHOLDER = re.compile(r"\{\$([a-z][a-z0-9_]*)\}")


class Figures:
    """Puts the figures of one catalogue into its texts; each parameter is compiled once for a benefit and a place."""

    def __init__(self, catalogue: Catalogue, rulebook: Rulebook) -> None:
        self.catalogue = catalogue
        self.rulebook = rulebook
        self._nodes: dict[tuple[str, str, str], plan.Node] = {}

    def filled(
        self, text: Wording, benefit: Benefit, variant: Variant, evaluator: ReferenceEvaluator, subject: Subject
    ) -> Wording:
        """A clause's text with its parameters put in; one whose value is not certain stays under its name."""
        if "{$" not in text.zh and "{$" not in text.en:
            return text
        known = {**self.catalogue.shared, **self.catalogue.sources[benefit.id].parameters}

        def figure(name: str, say: Messages) -> str:
            node = self._node(name, benefit, variant, known)
            return _figure(known[name], node, evaluator, subject, say) or say.of(known[name].names)

        return in_both(lambda say: _PLACEHOLDER.sub(lambda match: figure(match[1], say), say.of(text)))

    def _node(self, name: str, benefit: Benefit, variant: Variant, known: dict[str, Parameter]) -> plan.Node:
        key = (benefit.id, variant.compiled.area, name)
        if key not in self._nodes:
            book = self.rulebook
            scope = Scope(
                book.vocabulary, book.currency, benefit.subject, variant.compiled.area, benefit.area_by,
                known, {}, {}, book.interner,
            )  # fmt: skip
            reference = syntax.ParameterRef(name, (), None, Place("", 1, 1))
            self._nodes[key] = Compiler(scope).any(reference, Context(benefit.subject))
        return self._nodes[key]


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
