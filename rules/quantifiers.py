"""Compiling `any`, `all`, `count` and `sum` over the members of a relation."""

from __future__ import annotations

from features.documents import DocumentError, nearest_advice
from features.facts.subjects import PERSON
from rules import plan
from rules.expressions import ExpressionCompiler
from rules.language import syntax as s
from rules.scope import Context

MAX_QUANTIFIERS = 3
"""Quantifiers inside one another multiply the members that are looked at."""


class Quantifiers:
    """Compiles quantifiers."""

    def __init__(self, compiler: ExpressionCompiler) -> None:
        self.compiler = compiler
        self.make = compiler.scope.interner.make

    def read(self, quantifier: s.Quantifier, context: Context) -> plan.Node:
        """Compile one quantifier.

        Raises:
            DocumentError: there is no such relation, or too many quantifiers stand inside one another.
        """
        relation = self._relation(quantifier, context)
        bound = relation.group if relation.via is None else None
        inner = Context(PERSON, context, bound)
        if inner.quantifiers > MAX_QUANTIFIERS:
            raise DocumentError(
                quantifier.place,
                f"More than {MAX_QUANTIFIERS} quantifiers stand inside one another.",
                "Write a fact that says so, or ask of nearer relations.",
            )
        where: plan.Condition = self.make(plan.BoolConst, True)
        if quantifier.where is not None:
            where = self.compiler.condition(quantifier.where, inner)
        if quantifier.kind == "any":
            return self.make(plan.Exists, relation, where)
        if quantifier.kind == "all":
            return self.compiler.negation(self.make(plan.Exists, relation, self.compiler.negation(where)))
        if quantifier.kind == "count":
            return self.compiler.arithmetic.count(relation, where)
        assert quantifier.of is not None
        of = self.compiler.quantity(quantifier.of, inner)
        return self.compiler.arithmetic.total(relation, of, where, quantifier.place)

    def _relation(self, quantifier: s.Quantifier, context: Context) -> plan.Relation:
        subjects, parts = self.compiler.scope.vocabulary.subjects, quantifier.relation
        group = subjects.group_of_relation(parts[-1])
        if len(parts) == 1 and context.kind == PERSON and parts[0] in subjects.relations:
            relation = subjects.relations[parts[0]]
            return plan.Relation(parts[0], None, None, relation.links[0])
        if group is not None and len(parts) == 1 and context.kind == group.name:
            return plan.Relation(parts[0], group.name, None, group.link)
        if group is not None and len(parts) == 2 and parts[0] == group.name and context.kind == PERSON:
            return plan.Relation(parts[1], group.name, group.name, group.link)
        if context.kind == PERSON:
            known = [*subjects.relations, *(f"{other.name}.{other.relation}" for other in subjects.groups.values())]
        else:
            known = [subjects.groups[context.kind].relation]
        raise DocumentError(
            quantifier.place,
            f"A {context.kind} has no relation `{'.'.join(parts)}`.",
            nearest_advice(".".join(parts), known, "There are: "),
        )
