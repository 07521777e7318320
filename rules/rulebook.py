"""The rulebook: compiled benefits, which of their versions are in force on a date, and the hash that names it all."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from features.facts.vocabulary import Vocabulary
from rules import plan
from rules.benefits import IN_AREA, IN_FORCE, Benefit, Criterion, Version
from rules.language.types import Type
from rules.parameters import Key, Parameter
from rules.scope import Interner

MOST_MISSING_NAMES = 64
"""Missing facts travel as bits of one 64-bit column."""


@dataclass(frozen=True, slots=True)
class CompiledVersion:
    """A version with its conditions and amount in normal form.

    `conditions` holds what must be true of each criterion (an exception negated), in the order of `version.criteria`.
    `amount` is None for a benefit in kind.
    """

    version: Version
    area: str
    conditions: tuple[plan.Condition, ...]
    amount: plan.Quantity | None
    in_area: plan.Condition | None


@dataclass(frozen=True, slots=True)
class CompiledBenefit:
    """A benefit and all its versions in normal form."""

    benefit: Benefit
    versions: tuple[CompiledVersion, ...]
    amount_type: Type | None


@dataclass(frozen=True, slots=True)
class Variant:
    """One version in force: where it holds (None: everywhere), and its clauses with their ids."""

    compiled: CompiledVersion
    guard: plan.Condition | None
    clauses: tuple[tuple[str, plan.Condition], ...]

    @property
    def label(self) -> str:
        """How answers name the version: its first day, and its area where it has its own."""
        version = self.compiled.version
        return f"{version.start}@{version.area}" if version.area else str(version.start)

    def criterion(self, clause_id: str) -> Criterion | None:
        """The written criterion of a clause; None for the built-in ones."""
        for criterion in self.compiled.version.criteria:
            if criterion.id == clause_id:
                return criterion
        return None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BenefitPlan:
    """A benefit as it stands on one date.

    `outcome` and `amount` join all variants; `names` are the facts and parameters that may be missing, in order of
    reading; `changes_on` is the next day on which another version comes into force or one ends (a day number).
    No variants: the benefit is not in force.
    """

    benefit: Benefit
    on_date: dt.date
    variants: tuple[Variant, ...]
    outcome: plan.Condition
    amount: plan.Quantity | None
    amount_type: Type | None
    names: tuple[str, ...]
    changes_on: int

    @property
    def clause_names(self) -> tuple[str, ...]:
        """Every clause that may stand in the way, each once, in the order in which answers name them."""
        if not self.variants:
            return (IN_FORCE,)
        names = dict.fromkeys(name for variant in self.variants for name, _ in variant.clauses)
        if len(self.variants) > 1:
            names[IN_AREA] = None
        return tuple(names)


@dataclass(slots=True, repr=False)
class Rulebook:
    """All benefits of one catalogue, in an order in which each comes after those it reads."""

    jurisdiction: str
    currency: str
    root_area: str
    vocabulary: Vocabulary
    benefits: dict[str, CompiledBenefit]
    parameters: dict[str, dict[str, Parameter]]
    content_hash: str
    interner: Interner
    _plans: dict[dt.date, dict[str, BenefitPlan]] = field(default_factory=dict)

    def in_force(self, on_date: dt.date) -> dict[str, BenefitPlan]:
        """Every benefit as it stands on a date, in evaluation order."""
        if on_date not in self._plans:
            if len(self._plans) > 64:
                self._plans.clear()
            plans: dict[str, BenefitPlan] = {}
            for benefit_id, compiled in self.benefits.items():
                plans[benefit_id] = self._plan(compiled, on_date, plans)
            self._plans[on_date] = plans
        return self._plans[on_date]

    def _plan(self, compiled: CompiledBenefit, on_date: dt.date, earlier: dict[str, BenefitPlan]) -> BenefitPlan:
        make = self.interner.make
        live = [v for v in compiled.versions if _in_force(v.version, on_date)]
        areas = self.vocabulary.areas
        live.sort(key=lambda v: -len(list(areas.line(v.area))))
        variants: list[Variant] = []
        for position, version in enumerate(live):
            clauses = [(c.id, n) for c, n in zip(version.version.criteria, version.conditions, strict=True)]
            guard = version.in_area
            if len(live) == 1:
                if guard is not None:
                    clauses.insert(0, (IN_AREA, guard))
                guard = None
            else:
                inside: list[plan.Condition] = [guard or make(plan.BoolConst, True)]
                for nearer in live[:position]:
                    if areas.within(nearer.area, version.area) and nearer.in_area is not None:
                        inside.append(make(plan.Not, nearer.in_area))
                guard = inside[0] if len(inside) == 1 else make(plan.AllOf, tuple(inside))
            variants.append(Variant(version, guard, tuple(clauses)))
        outcome = self._outcome(variants)
        amount = self._amount(variants)
        names = _names(outcome, amount, earlier, _Tables(on_date, self.root_area))
        changes = [d for v in compiled.versions for d in (v.version.start, v.version.end) if d and d > on_date]
        changes_on = plan.day_number(min(changes)) if changes else plan.NEVER
        return BenefitPlan(
            compiled.benefit, on_date, tuple(variants), outcome, amount, compiled.amount_type, names, changes_on
        )

    def _outcome(self, variants: list[Variant]) -> plan.Condition:
        make = self.interner.make
        branches: list[plan.Condition] = []
        for variant in variants:
            conditions = [node for _, node in variant.clauses]
            if variant.guard is not None:
                conditions.insert(0, variant.guard)
            branches.append(make(plan.AllOf, tuple(dict.fromkeys(conditions))))
        if not branches:
            return make(plan.BoolConst, False)
        return branches[0] if len(branches) == 1 else make(plan.AnyOf, tuple(branches))

    def _amount(self, variants: list[Variant]) -> plan.Quantity | None:
        result: plan.Quantity | None = None
        for variant in reversed(variants):
            amount = variant.compiled.amount
            if amount is None:
                return None
            if result is None:
                result = amount
            elif variant.guard is not None:
                low, high = min(amount.low, result.low), max(amount.high, result.high)
                result = self.interner.make(
                    plan.Choose, amount.type, amount.scale, low, high, variant.guard, amount, result
                )
        return result


def _in_force(version: Version, on_date: dt.date) -> bool:
    return version.start <= on_date and (version.end is None or on_date < version.end)


def _names(
    outcome: plan.Node, amount: plan.Node | None, earlier: dict[str, BenefitPlan], tables: _Tables
) -> tuple[str, ...]:
    names: dict[str, None] = {}
    seen: set[int] = set()

    def visit(node: plan.Node) -> None:
        if id(node) in seen:
            return
        seen.add(id(node))
        if isinstance(node, plan.BoolFact | plan.CodeFact | plan.QuantityFact | plan.MonthsIn):
            names[node.fact.id] = None
        if isinstance(node, plan.EligibleFor | plan.AmountOf):
            names.update(dict.fromkeys(earlier[node.benefit].names))
        if isinstance(node, plan.Exists | plan.Count | plan.Total):
            names[node.relation.names_unknown] = None
        if isinstance(node, plan.ViaCondition | plan.ViaQuantity | plan.ViaCode):
            names[node.link] = None
        for child in node.children():
            visit(child)
        if isinstance(node, plan.Lookup) and not tables.are_complete_for(node):
            names[f"${node.parameter.id}"] = None
        if isinstance(node, plan.Marginal) and node.parameter.on(tables.on_date) is None:
            names[f"${node.parameter.id}"] = None

    visit(outcome)
    if amount is not None:
        visit(amount)
    return tuple(names)


@dataclass(frozen=True, slots=True)
class _Tables:
    """Which look-ups find a value on a date whatever their keys are: those parameters cannot be missing."""

    on_date: dt.date
    root_area: str

    def are_complete_for(self, lookup: plan.Lookup) -> bool:
        parameter = lookup.parameter
        period = parameter.on(self.on_date)
        if lookup.at is not None or period is None:
            return False
        keys: dict[int, frozenset[str]] = {}
        written = iter(lookup.keys)
        for axis, dimension in enumerate(parameter.dimensions):
            key = lookup.area if dimension == "area" else next(written)
            if dimension == "code" and isinstance(key, plan.Code):
                keys[axis] = frozenset(plan.fact_of_code(key).type.codes)
        return self._covers(list(period.table), parameter.dimensions, 0, keys)

    def _covers(
        self, entries: list[tuple[Key, ...]], dimensions: tuple[str, ...], axis: int, codes: dict[int, frozenset[str]]
    ) -> bool:
        if axis == len(dimensions):
            return True
        found: dict[Key, list[tuple[Key, ...]]] = {}
        for entry in entries:
            found.setdefault(entry[axis], []).append(entry)
        dimension = dimensions[axis]
        if dimension == "area":
            complete = self.root_area in found
        elif dimension == "code":
            complete = codes[axis] <= set(found)
        elif dimension == "band":
            bands = [key for key in found if isinstance(key, tuple)]
            complete = any(band[0] is None for band in bands) and any(band[1] is None for band in bands)
        else:
            complete = False
        return complete and all(self._covers(some, dimensions, axis + 1, codes) for some in found.values())
