"""Compiling `$name`, `$name[index, …]` and `$name at date`."""

from __future__ import annotations

from features.documents import DocumentError, Place, nearest_advice
from rules import plan
from rules.expressions import ExpressionCompiler
from rules.language import syntax as s
from rules.language.types import BOOLEAN, join
from rules.parameters import Parameter
from rules.scope import Context


class ParameterReads:
    """Compiles references to parameters."""

    def __init__(self, compiler: ExpressionCompiler) -> None:
        self.compiler = compiler
        self.scope = compiler.scope
        self.make = compiler.scope.interner.make

    def read(self, ref: s.ParameterRef, context: Context) -> plan.Node:
        """Compile one reference.

        Raises:
            DocumentError: there is no such parameter, or its keys do not fit.
        """
        if ref.name == "area":
            raise DocumentError(ref.place, "`$area` stands only after `within`.", "Write `hukou_area within $area`.")
        parameter = self.scope.parameter(ref.name, ref.place)
        at = self.compiler.quantity(ref.at, context) if ref.at is not None else None
        if at is not None and at.type.kind != "date":
            raise DocumentError(ref.place, f"After `at` stands a date, and this is {at.type}.", "Name a date fact.")
        if parameter.derived is not None:
            if ref.keys or at is not None:
                raise DocumentError(
                    ref.place,
                    f"The derived parameter `${ref.name}` takes neither keys nor `at`.",
                    "Write its expression out here.",
                )
            return self._derived(parameter, parameter.derived, context)
        wanted = [d for d in parameter.dimensions if d != "area"]
        if len(ref.keys) != len(wanted):
            index = f"[{', '.join(wanted)}]" if wanted else ""
            raise DocumentError(
                ref.place, f"`${ref.name}` takes {index or 'no index'}.", f"Write `${ref.name}{index}`."
            )
        keys = tuple(self._key(k, d, parameter, context) for k, d in zip(ref.keys, wanted, strict=True))
        area = self._own_area(context, ref.place) if "area" in parameter.dimensions else None
        numbers = parameter.numbers
        low, high = (min(numbers), max(numbers)) if numbers else (0, 1)
        lookup = self.make(plan.Lookup, parameter.type, parameter.scale, low, high, parameter, keys, area, at)
        return self.make(plan.ConditionLookup, lookup) if parameter.type == BOOLEAN else lookup

    def _derived(self, parameter: Parameter, expression: s.Expression, context: Context) -> plan.Node:
        marker = f"${parameter.id}"
        line = self.scope.in_progress
        if marker in line:
            circle = " → ".join([*line[line.index(marker) :], marker])
            raise DocumentError(
                parameter.place, f"The derived parameter `{marker}` reads itself ({circle}).", "Break the circle."
            )
        line.append(marker)
        try:
            node = self.compiler.quantity(expression, context)
        finally:
            line.pop()
        if join(node.type, parameter.type) is None:
            raise DocumentError(
                parameter.place,
                f"`{marker}` is declared as {parameter.type}, and its expression is {node.type}.",
                "Correct `type`, `unit` or `per`, or the expression.",
            )
        return node

    def _key(self, expression: s.Expression, dimension: str, parameter: Parameter, context: Context) -> plan.Node:
        node = self.compiler.any(expression, context)
        if dimension == "code":
            if isinstance(node, plan.Code):
                self._check_codes(node, parameter)
                return node
        elif isinstance(node, plan.Quantity) and node.type.is_numeric and (dimension == "band" or node.scale == 0):
            return node
        wanted = {"code": "a code fact", "integer": "a whole number", "band": "a number or money"}[dimension]
        raise DocumentError(
            expression.place,
            f"`${parameter.id}` is read by {dimension}, and this is {self.compiler.describe(node)}.",
            f"Give it {wanted}.",
        )

    def _check_codes(self, node: plan.Code, parameter: Parameter) -> None:
        """Every code in the table must be one of the fact's: a misspelt one would never be found."""
        fact = plan.fact_of_code(node)
        if fact.type.kind != "code" or parameter.dimensions.count("code") > 1:
            return
        position = parameter.dimensions.index("code")
        for period in parameter.periods:
            for key in period.table:
                if key[position] not in fact.type.codes:
                    raise DocumentError(
                        period.place,
                        f"The table of `{parameter.id}` has `{key[position]}`, which is not a code of `{fact.id}`.",
                        nearest_advice(str(key[position]), fact.type.codes, "Its codes are: "),
                    )

    def _own_area(self, context: Context, place: Place) -> plan.Code:
        """The area that serves the subject of the benefit, as read from the context."""
        scope = self.scope
        if scope.area_by is None:
            raise DocumentError(
                place,
                "A value that differs by area needs `area_by` in benefit.yaml.",
                "Name the fact that says which area serves the subject.",
            )
        fact = scope.vocabulary.dictionary.facts[scope.area_by]
        if context.outer is None and context.kind in (scope.subject, fact.subject):
            return self.area_of(context)
        if context.outer is not None and context.outer.outer is None and context.outer.kind == scope.subject:
            node = self.area_of(context.outer)
            if context.bound_group == scope.subject and isinstance(node, plan.CodeFact):
                link = scope.vocabulary.subjects.groups[scope.subject].link
                return self.make(plan.ViaCode, scope.subject, link, node)
            return self.make(plan.OuterCode, node)
        raise DocumentError(
            place, "A value that differs by area cannot be read so deep.", "Read it outside, in a definition."
        )

    def area_of(self, context: Context) -> plan.Code:
        """The area fact that `area_by` names: the subject's own, or that of the person's group."""
        scope = self.scope
        assert scope.area_by is not None
        fact = scope.vocabulary.dictionary.facts[scope.area_by]
        node = self.make(plan.CodeFact, fact)
        if context.kind == fact.subject:
            return node
        return self.make(plan.ViaCode, fact.subject, scope.vocabulary.subjects.groups[fact.subject].link, node)
