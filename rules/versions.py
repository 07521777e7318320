"""One version of a benefit, compiled: its definitions, its criteria, its amount, and where it holds."""

from __future__ import annotations

from features import documents as doc
from features.documents import DocumentError, Findings
from features.facts.units import PERIODS
from rules import plan
from rules.benefits import Benefit, Version
from rules.compile import Compiler
from rules.language import syntax
from rules.language.types import Type
from rules.ordering import dependencies_first
from rules.rulebook import CompiledVersion
from rules.scope import Context, Scope


class VersionCompiler:
    """Compiles one version."""

    def __init__(self, scope: Scope, root: str, findings: Findings) -> None:
        self.scope = scope
        self.root = root
        self.findings = findings

    def compile(self, benefit: Benefit, version: Version) -> CompiledVersion:
        compiler = Compiler(self.scope)
        context = Context(benefit.subject)
        conditions: list[plan.Condition] = []
        reads = {name: syntax.names(definition.expression) for name, definition in version.definitions.items()}
        for definition_id in dependencies_first(reads)[0]:  # so that compiling one goes no deeper than its own text
            definition = version.definitions[definition_id]
            with self.findings.collecting():
                compiler.steps = 0
                if definition.id in self.scope.vocabulary.dictionary.facts:
                    raise DocumentError(
                        definition.place, f"The definition `{definition.id}` has the name of a fact.", "Rename it."
                    )
                inside = (
                    Context(definition.of, context, benefit.subject) if definition.of != benefit.subject else context
                )
                compiler.name(syntax.Name((definition.id,), definition.place), inside)
        for criterion in version.criteria:
            with self.findings.collecting():
                compiler.steps = 0
                node = compiler.condition(criterion.test, context)
                conditions.append(compiler.negation(node) if criterion.exception else node)
        compiler.steps = 0
        amount = self._amount(compiler, benefit, version, context)
        area = version.area or benefit.area
        in_area = None
        if area != self.root and self.scope.area_by is not None:
            in_area = compiler.within(compiler.parameters.area_of(context), area)
        return CompiledVersion(version, area, tuple(conditions), amount, in_area)

    def _amount(self, compiler: Compiler, benefit: Benefit, version: Version, context: Context) -> plan.Quantity | None:
        written = version.amount
        if written.value is None:
            return None
        node = compiler.quantity(written.value, context)
        if not node.type.is_numeric:
            raise DocumentError(
                written.place,
                f"An amount is money or a number, and this is {node.type}.",
                "Write a sum, like `$rate[age]`.",
            )
        if node.type.kind != "money":
            return node
        per = written.per
        if per not in PERIODS:
            raise DocumentError(
                written.per_place,
                f"`per` is `{per}`, which is no period.",
                doc.nearest_advice(per, PERIODS, "Write one of: "),
            )
        if node.type.per is not None and node.type.per != per:
            raise DocumentError(
                written.place,
                f"The amount is {node.type}, and `per` says {per}.",
                "Use `per_month(…)` or `per_year(…)`, or correct `per`.",
            )
        node = compiler.arithmetic.round(node, written.step_minor_units, 0, written.mode, written.place)
        if node.low < 0:
            zero = compiler.make(plan.Const, Type("money", currency=self.scope.currency), 0, 0, 0, 0)
            node = compiler.arithmetic.extreme("max", [zero, node], written.place)
        return node
