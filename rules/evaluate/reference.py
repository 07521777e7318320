"""The reference evaluator: one subject at a time, slow and obvious. This module defines the meaning of the language.

Every node has a value (a truth, an interval, a code), a day until which that value is good (see `rules.horizon`), and
the facts it rests on where it is open (bits; see `rules.missing`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from features.facts.population import Population, Subject

from features.facts.units import month_number, month_start
from features.facts.values import Holding, Unknown
from rules import calendar, horizon, plan, tables
from rules.evaluate import intervals
from rules.evaluate.intervals import ANYTHING, ZERO, Interval, is_point
from rules.kleene import Truth
from rules.missing import Pattern, Skeleton
from rules.plan import NEVER
from rules.rulebook import BenefitPlan, Rulebook

FALSE, UNKNOWN, TRUE = Truth.FALSE, Truth.UNKNOWN, Truth.TRUE
_NOT_HELD = Unknown()


class Judgement(NamedTuple):
    """What we can say of a condition: its truth, good until a day, resting on open facts."""

    truth: Truth
    until: int
    needs: int


class Measure(NamedTuple):
    """What we can say of a figure: its interval, good until a day, resting on open facts."""

    interval: Interval
    until: int
    needs: int


class Reading(NamedTuple):
    """What we can say of a code (None: unknown)."""

    code: str | None
    until: int
    needs: int


class Answer(NamedTuple):
    """One benefit's answer for one subject, in the units of the plan.

    `version` is the position of the variant that applies (None: it is not known which, or none does).
    """

    truth: Truth
    interval: Interval
    until: int
    missing: int
    unmet: tuple[str, ...]
    version: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """The subject an expression is read for, and the one outside of the quantifier."""

    subject: Subject
    outer: Case | None = None


class ReferenceEvaluator:
    """Answers every benefit of a rulebook on one date for the subjects of a population."""

    def __init__(self, rulebook: Rulebook, population: Population, on_date: dt.date) -> None:
        self.rulebook = rulebook
        self.population = population
        self.on_date = on_date
        self.today = plan.day_number(on_date)
        self.plans = rulebook.in_force(on_date)
        self._bits: dict[str, int] = {}
        self._names: list[str] = []
        self._skeletons: dict[str, Skeleton] = {}
        self._memo: dict[tuple[int, int, int], Any] = {}
        self._answers: dict[tuple[str, int], Answer] = {}
        self._cases: dict[int, Case] = {}
        self._conditions: dict[type[plan.Node], Callable[[Any, Case], Judgement]] = {
            plan.BoolConst: lambda node, _: Judgement(TRUE if node.value else FALSE, NEVER, 0),
            plan.BoolFact: self._bool_fact,
            plan.Not: self._not,
            plan.AllOf: lambda node, case: self._join(node.operands, case, FALSE),
            plan.AnyOf: lambda node, case: self._join(node.operands, case, TRUE),
            plan.ChooseCondition: self._choose_condition,
            plan.Compare: self._compare,
            plan.CodeIn: self._code_in,
            plan.Within: self._code_in,
            plan.Exists: self._exists,
            plan.ConditionLookup: self._condition_lookup,
            plan.EligibleFor: self._eligible_for,
            plan.ViaCondition: self._via_condition,
            plan.OuterCondition: lambda node, case: self.judge(node.operand, cast(Case, case.outer)),
        }
        self._quantities: dict[type[plan.Node], Callable[[Any, Case], Measure]] = {
            plan.Const: lambda node, _: Measure((node.value, node.value), NEVER, 0),
            plan.QuantityFact: self._quantity_fact,
            plan.Today: lambda _node, _case: Measure((self.today, self.today), self.today + 1, 0),
            plan.Add: lambda n, c: self._of_all(n, (n.left, n.right), c, lambda a, b: intervals.add(a, b)),
            plan.Negate: lambda n, c: self._of_all(n, (n.operand,), c, intervals.negate),
            plan.Rescale: lambda n, c: self._of_all(n, (n.operand,), c, lambda a: intervals.scale(a, 10**n.shift)),
            plan.Multiply: lambda n, c: self._of_all(n, (n.left, n.right), c, intervals.multiply),
            plan.Divide: lambda n, c: self._of_all(
                n, (n.left, n.right), c, lambda a, b: intervals.divide(a, b, n.shift, n.right.low)
            ),
            plan.RoundTo: lambda n, c: self._of_all(
                n, (n.operand,), c, lambda a: intervals.round_to(a, n.step, n.mode, n.drop)
            ),
            plan.Least: self._least,
            plan.Greatest: self._greatest,
            plan.Choose: self._choose,
            plan.Lookup: self._lookup,
            plan.Marginal: self._marginal,
            plan.Elapsed: self._elapsed,
            plan.Shift: self._shift,
            plan.Anchor: self._anchor,
            plan.Part: self._part,
            plan.MonthsIn: self._months_in,
            plan.Count: self._count,
            plan.Total: self._total,
            plan.AmountOf: self._amount_of,
            plan.ViaQuantity: self._via_quantity,
            plan.OuterQuantity: lambda node, case: self.measure(node.operand, cast(Case, case.outer)),
        }

    # -- answers --------------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Drop what was computed so far (memory, not meaning)."""
        self._memo.clear()
        self._answers.clear()
        self._cases.clear()

    def answer(self, benefit_id: str, subject: Subject) -> Answer:
        """The answer for one subject."""
        key = (benefit_id, id(subject))
        known = self._answers.get(key)
        if known is None:
            known = self._answers[key] = self._answer(self.plans[benefit_id], self._case(subject))
        return known

    def clause(self, node: plan.Condition, subject: Subject) -> Truth:
        """The truth of one clause for one subject."""
        return self.judge(node, self._case(subject)).truth

    def names_of(self, bits: int) -> tuple[str, ...]:
        """The facts behind bits, by name."""
        return tuple(name for index, name in enumerate(self._names) if bits >> index & 1)

    def members_of(self, relation: plan.Relation, subject: Subject) -> list[Subject]:
        """The persons that a relation leads to, as far as they are known."""
        return [case.subject for case in self._related(relation, self._case(subject))[0]]

    def _case(self, subject: Subject) -> Case:
        case = self._cases.get(id(subject))
        if case is None:
            case = self._cases[id(subject)] = Case(subject)
        return case

    def _answer(self, benefit: BenefitPlan, case: Case) -> Answer:
        outcome = self.judge(benefit.outcome, case)
        unmet, version = self._unmet(benefit, case, outcome.truth)
        until = min(outcome.until, benefit.changes_on)
        if outcome.truth is FALSE:
            return Answer(FALSE, ZERO, until, 0, unmet, version)
        amount = Measure(ZERO, NEVER, 0)
        if benefit.amount is not None:
            amount = self.measure(benefit.amount, case)
        until = min(until, amount.until)
        interval = amount.interval
        if outcome.truth is UNKNOWN:
            interval = intervals.hull([ZERO, interval])
        needs = outcome.needs | (0 if is_point(amount.interval) else amount.needs)
        return Answer(outcome.truth, interval, until, self._irreducible(benefit, case, needs), unmet, version)

    def _unmet(self, benefit: BenefitPlan, case: Case, truth: Truth) -> tuple[tuple[str, ...], int | None]:
        if not benefit.variants:
            return ("in_force",), None
        applies: list[int] = []
        for index, variant in enumerate(benefit.variants):
            if variant.guard is None or self.judge(variant.guard, case).truth is not FALSE:
                applies.append(index)
        version = applies[0] if len(applies) == 1 else None
        if truth is not FALSE:
            return (), version
        if not applies:
            return ("in_area",), None
        unmet = [
            name
            for index in applies
            for name, node in benefit.variants[index].clauses
            if self.judge(node, case).truth is FALSE
        ]
        return tuple(dict.fromkeys(unmet)), version

    def _irreducible(self, benefit: BenefitPlan, case: Case, needs: int) -> int:
        """`needs` without the facts that the rest makes superfluous, in the bits of this evaluator."""
        if needs == 0 or needs & (needs - 1) == 0:
            return needs
        skeleton = self._skeletons.get(benefit.benefit.id)
        if skeleton is None:
            skeleton = self._skeletons[benefit.benefit.id] = Skeleton(benefit)
        position = {name: index for index, name in enumerate(benefit.names)}

        def local(bits: int) -> int:
            return sum(1 << position[name] for name in self.names_of(bits))

        judgements = [self.judge(atom, case) for atom in skeleton.atoms]
        measures = [self.measure(quantity, case) for quantity in skeleton.quantities]
        pattern = Pattern(
            tuple(j.truth.value for j in judgements),
            tuple(local(j.needs) if j.truth is UNKNOWN else 0 for j in judgements),
            tuple(is_point(m.interval) for m in measures),
            tuple(0 if is_point(m.interval) else local(m.needs) for m in measures),
        )
        reduced = skeleton.reduce(pattern, local(needs))
        return sum(self._bit(name) for index, name in enumerate(benefit.names) if reduced >> index & 1)

    def _bit(self, name: str) -> int:
        if name not in self._bits:
            self._bits[name] = 1 << len(self._names)
            self._names.append(name)
        return self._bits[name]

    # -- dispatch -------------------------------------------------------------------------------------------------

    def judge(self, node: plan.Condition, case: Case) -> Judgement:
        """The truth of a condition."""
        key = (id(node), id(case), 0)
        known = self._memo.get(key)
        if known is None:
            known = self._memo[key] = self._conditions[type(node)](node, case)
        return cast(Judgement, known)

    def measure(self, node: plan.Quantity, case: Case) -> Measure:
        """The interval of a figure."""
        key = (id(node), id(case), 0)
        known = self._memo.get(key)
        if known is None:
            known = self._memo[key] = self._quantities[type(node)](node, case)
        return cast(Measure, known)

    def read(self, node: plan.Code, case: Case) -> Reading:
        """The code of a code fact."""
        if isinstance(node, plan.CodeFact):
            value, until = self._holding(case.subject, node.fact.id)
            return Reading(value, until, 0 if value is not None else self._bit(node.fact.id))
        if isinstance(node, plan.OuterCode):
            return self.read(node.operand, cast(Case, case.outer))
        assert isinstance(node, plan.ViaCode)
        group = self.population.group_of(case.subject, node.group)
        if group is None:
            return Reading(None, NEVER, self._bit(node.link))
        return self.read(node.operand, self._case(group))

    def _holding(self, subject: Subject, fact: str) -> tuple[Any, int]:
        holding: Holding = subject.facts.get(fact, _NOT_HELD)
        if isinstance(holding, Unknown):
            return None, NEVER
        if holding.stale_on is None:
            return holding.value, NEVER
        stale = plan.day_number(holding.stale_on)
        return (holding.value, stale) if stale > self.today else (None, NEVER)

    # -- conditions -----------------------------------------------------------------------------------------------

    def _bool_fact(self, node: plan.BoolFact, case: Case) -> Judgement:
        value, until = self._holding(case.subject, node.fact.id)
        if value is None:
            return Judgement(UNKNOWN, until, self._bit(node.fact.id))
        return Judgement(TRUE if value else FALSE, until, 0)

    def _not(self, node: plan.Not, case: Case) -> Judgement:
        inner = self.judge(node.operand, case)
        return Judgement(_NEGATED[inner.truth], inner.until, inner.needs)

    def _join(self, operands: tuple[plan.Condition, ...], case: Case, decisive: Truth) -> Judgement:
        """Conjunction (`decisive` FALSE) or disjunction (TRUE)."""
        judgements = [self.judge(operand, case) for operand in operands]
        deciding = [j.until for j in judgements if j.truth is decisive]
        if deciding:
            return Judgement(decisive, max(deciding), 0)
        until = min(j.until for j in judgements)
        needs = 0
        for judgement in judgements:
            needs |= judgement.needs
        if needs == 0 and all(j.truth is not UNKNOWN for j in judgements):
            return Judgement(_NEGATED[decisive], until, 0)
        return Judgement(UNKNOWN, until, needs)

    def _choose_condition(self, node: plan.ChooseCondition, case: Case) -> Judgement:
        condition = self.judge(node.condition, case)
        if condition.truth is not UNKNOWN:
            branch = self.judge(node.then if condition.truth is TRUE else node.otherwise, case)
            return Judgement(branch.truth, min(condition.until, branch.until), branch.needs)
        then, otherwise = self.judge(node.then, case), self.judge(node.otherwise, case)
        until = min(condition.until, then.until, otherwise.until)
        if then.truth is otherwise.truth and then.truth is not UNKNOWN:
            return Judgement(then.truth, until, 0)
        return Judgement(UNKNOWN, until, condition.needs | then.needs | otherwise.needs)

    def _compare(self, node: plan.Compare, case: Case) -> Judgement:
        left, right = self.measure(node.left, case), self.measure(node.right, case)
        (a_low, a_high), (b_low, b_high) = left.interval, right.interval
        truth = UNKNOWN
        if node.operator == "=":
            if is_point(left.interval) and left.interval == right.interval:
                truth = TRUE
            elif (a_low is not None and b_high is not None and a_low > b_high) or (
                a_high is not None and b_low is not None and a_high < b_low
            ):
                truth = FALSE
        else:
            strict = node.operator == "<"
            if a_high is not None and b_low is not None and (a_high < b_low or (a_high == b_low and not strict)):
                truth = TRUE
            elif a_low is not None and b_high is not None and (a_low > b_high or (a_low == b_high and strict)):
                truth = FALSE
        needs = 0
        if truth is UNKNOWN:
            needs = (0 if is_point(left.interval) else left.needs) | (0 if is_point(right.interval) else right.needs)
        return Judgement(truth, self._compare_until(node, case, left, right, truth), needs)

    def _compare_until(self, node: plan.Compare, case: Case, left: Measure, right: Measure, truth: Truth) -> int:
        if is_point(left.interval) and is_point(right.interval):
            a, b = cast(int, left.interval[0]), cast(int, right.interval[0])
            strict = node.operator == "<"
            if horizon.is_rising(node.left) and not horizon.has_clock(node.right):
                # A rising left side leaves `<` and `<=` once, and passes through `=` once.
                if node.operator == "=":
                    target = b if a < b else b + 1
                    flips = a <= b
                else:
                    target, flips = (b if strict else b + 1), truth is TRUE
                reached = self._reaches(node.left, case, target) if flips else NEVER
                return min(reached, right.until, self._base_until(node.left, case))
            if horizon.is_rising(node.right) and not horizon.has_clock(node.left):
                if node.operator == "=":
                    target = a if b < a else a + 1
                    flips = b <= a
                else:
                    target, flips = (a + 1 if strict else a), truth is FALSE
                reached = self._reaches(node.right, case, target) if flips else NEVER
                return min(reached, left.until, self._base_until(node.right, case))
        return min(left.until, right.until)

    def _reaches(self, node: plan.Quantity, case: Case, target: int) -> int:
        """The first later day on which a rising figure is at least `target`."""
        if horizon.is_clock(node):
            return horizon.first_day(node, self.today, target)
        assert isinstance(node, plan.Elapsed)
        start = cast(int, self.measure(node.start, case).interval[0])
        return horizon.first_day(node.end, self.today, calendar.anniversary(node.unit, start, target))

    def _base_until(self, node: plan.Quantity, case: Case) -> int:
        """Until when what a rising figure is measured from is good."""
        return self.measure(node.start, case).until if isinstance(node, plan.Elapsed) else NEVER

    def _code_in(self, node: plan.CodeIn | plan.Within, case: Case) -> Judgement:
        reading = self.read(node.operand, case)
        if reading.code is None:
            return Judgement(UNKNOWN, reading.until, reading.needs)
        return Judgement(TRUE if reading.code in node.codes else FALSE, reading.until, 0)

    def _exists(self, node: plan.Exists, case: Case) -> Judgement:
        members, complete = self._related(node.relation, case)
        judgements = [self.judge(node.where, member) for member in members]
        found = [j.until for j in judgements if j.truth is TRUE]
        if found:
            return Judgement(TRUE, max(found), 0)
        until = min((j.until for j in judgements), default=NEVER)
        needs = 0 if complete else self._bit(node.relation.names_unknown)
        for judgement in judgements:
            needs |= judgement.needs
        if complete and all(j.truth is FALSE for j in judgements):
            return Judgement(FALSE, until, 0)
        return Judgement(UNKNOWN, until, needs)

    def _related(self, relation: plan.Relation, case: Case) -> tuple[list[Case], bool]:
        subject = case.subject
        if relation.via is not None:
            group = self.population.group_of(subject, relation.via)
            if group is None:
                return [], False
            subject = group
        if relation.group is not None:
            members, complete = self.population.members(subject)
        else:
            spec = self.population.vocabulary.relations[relation.name]
            members, complete = self.population.related(subject, spec)
        return [self._member_case(member, case) for member in members], complete

    def _member_case(self, member: Subject, outer: Case) -> Case:
        key = (id(member), id(outer), 1)
        known = self._memo.get(key)
        if known is None:
            known = self._memo[key] = Case(member, outer)
        return cast(Case, known)

    def _condition_lookup(self, node: plan.ConditionLookup, case: Case) -> Judgement:
        measure = self.measure(node.lookup, case)
        if not is_point(measure.interval):
            return Judgement(UNKNOWN, measure.until, measure.needs)
        return Judgement(TRUE if measure.interval[0] else FALSE, measure.until, 0)

    def _eligible_for(self, node: plan.EligibleFor, case: Case) -> Judgement:
        answer = self.answer(node.benefit, case.subject)
        return Judgement(answer.truth, answer.until, answer.missing if answer.truth is UNKNOWN else 0)

    def _via_condition(self, node: plan.ViaCondition, case: Case) -> Judgement:
        group = self.population.group_of(case.subject, node.group)
        if group is None:
            return Judgement(UNKNOWN, NEVER, self._bit(node.link))
        return self.judge(node.operand, self._case(group))

    # -- quantities -----------------------------------------------------------------------------------------------

    def _quantity_fact(self, node: plan.QuantityFact, case: Case) -> Measure:
        value, until = self._holding(case.subject, node.fact.id)
        if value is None:
            return Measure((node.floor, node.ceiling), until, self._bit(node.fact.id))
        units = plan.day_number(value) if isinstance(value, dt.date) else int(value * 10**node.scale)
        return Measure((units, units), until, 0)

    def _of_all(
        self, node: plan.Quantity, operands: tuple[plan.Quantity, ...], case: Case, compute: Callable[..., Interval]
    ) -> Measure:
        measures = [self.measure(operand, case) for operand in operands]
        needs = 0
        for measure in measures:
            if not is_point(measure.interval):
                needs |= measure.needs
        return Measure(compute(*(m.interval for m in measures)), min(m.until for m in measures), needs)

    def _least(self, node: plan.Least, case: Case) -> Measure:
        measures = [self.measure(operand, case) for operand in node.operands]
        result = intervals.least([m.interval for m in measures])
        needs = 0
        for m in measures:
            low, high = m.interval[0], result[1]
            if not is_point(m.interval) and (low is None or high is None or low < high):
                needs |= m.needs
        return Measure(result, min(m.until for m in measures), needs)

    def _greatest(self, node: plan.Greatest, case: Case) -> Measure:
        measures = [self.measure(operand, case) for operand in node.operands]
        result = intervals.greatest([m.interval for m in measures])
        needs = 0
        for m in measures:
            high, low = m.interval[1], result[0]
            if not is_point(m.interval) and (high is None or low is None or high > low):
                needs |= m.needs
        return Measure(result, min(m.until for m in measures), needs)

    def _choose(self, node: plan.Choose, case: Case) -> Measure:
        condition = self.judge(node.condition, case)
        if condition.truth is not UNKNOWN:
            branch = self.measure(node.then if condition.truth is TRUE else node.otherwise, case)
            return Measure(branch.interval, min(condition.until, branch.until), branch.needs)
        then, otherwise = self.measure(node.then, case), self.measure(node.otherwise, case)
        needs = condition.needs
        needs |= 0 if is_point(then.interval) else then.needs
        needs |= 0 if is_point(otherwise.interval) else otherwise.needs
        until = min(condition.until, then.until, otherwise.until)
        return Measure(intervals.hull([then.interval, otherwise.interval]), until, needs)

    def _lookup(self, node: plan.Lookup, case: Case) -> Measure:
        parameter = node.parameter
        day, until = self.on_date, NEVER
        if node.at is not None:
            at = self.measure(node.at, case)
            until = at.until
            if not is_point(at.interval):
                return Measure(ANYTHING, until, at.needs)
            day = plan.day_of(cast(int, at.interval[0]))
        else:
            change = parameter.next_change(self.on_date)
            until = plan.day_number(change) if change else NEVER
        period = parameter.on(day)
        lacking = self._bit(f"${parameter.id}")
        if period is None:
            return Measure(ANYTHING, until, lacking)
        wanted: list[Callable[[Any], bool]] = []
        needs = 0
        keys = iter(node.keys)
        for dimension in parameter.dimensions:
            if dimension == "area":
                area = self.read(cast(plan.Code, node.area), case)
                until = min(until, area.until)
                if area.code is None:
                    return Measure(ANYTHING, until, area.needs)
                nearest = tables.nearest_area(area.code, period, parameter, self.rulebook.vocabulary.areas)
                if nearest is None:
                    return Measure(ANYTHING, until, lacking)
                wanted.append(lambda key, nearest=nearest: key == nearest)  # type: ignore[misc]
                continue
            test, key_until, key_needs = self._key(next(keys), dimension, period, parameter, case)
            wanted.append(test)
            until, needs = min(until, key_until), needs | key_needs
        values = [
            int(value)
            for key, value in period.table.items()
            if all(test(part) for test, part in zip(wanted, key, strict=True))
        ]
        if not values:
            return Measure(ANYTHING, until, lacking | needs)
        interval = (min(values), max(values))
        return Measure(interval, until, 0 if is_point(interval) else needs)

    def _key(
        self, node: plan.Node, dimension: str, period: Any, parameter: Any, case: Case
    ) -> tuple[Callable[[Any], bool], int, int]:
        """A test for the keys of one dimension, until when it is good, and the facts it rests on."""
        if isinstance(node, plan.Code):
            reading = self.read(node, case)
            code = reading.code
            return (lambda key: code is None or key == code), reading.until, reading.needs
        assert isinstance(node, plan.Quantity)
        measure = self.measure(node, case)
        if not is_point(measure.interval):
            return (lambda _: True), measure.until, measure.needs
        value = cast(int, measure.interval[0])
        if dimension == "integer":
            return (lambda key: key == value), measure.until, 0
        factor = tables.unit_factor(node)
        until = measure.until
        if horizon.is_rising(node):
            edge = tables.next_edge(value, tables.bands_of(period, parameter, factor))
            reached = NEVER if edge is None else self._reaches(node, case, edge)
            until = min(reached, self._base_until(node, case))
        return (lambda key: tables.in_band(value, tables.whole_band(key, factor))), until, 0

    def _marginal(self, node: plan.Marginal, case: Case) -> Measure:
        period = node.parameter.on(self.on_date)
        change = node.parameter.next_change(self.on_date)
        operand = self.measure(node.operand, case)
        until = min(operand.until, plan.day_number(change) if change else NEVER)
        if period is None:
            return Measure(ANYTHING, until, self._bit(f"${node.parameter.id}"))
        factor = tables.unit_factor(node.operand)
        low, high = operand.interval
        interval: Interval = (
            0 if low is None else tables.marginal(low, period, factor),
            None if high is None else tables.marginal(high, period, factor),
        )
        return Measure(interval, until, 0 if is_point(interval) else operand.needs)

    # -- dates ----------------------------------------------------------------------------------------------------

    def _elapsed(self, node: plan.Elapsed, case: Case) -> Measure:
        start, end = self.measure(node.start, case), self.measure(node.end, case)
        (s_low, s_high), (e_low, e_high) = start.interval, end.interval
        interval: Interval = (
            None if s_high is None or e_low is None else calendar.elapsed(node.unit, s_high, e_low),
            None if s_low is None or e_high is None else calendar.elapsed(node.unit, s_low, e_high),
        )
        until = min(start.until, end.until)
        if horizon.is_rising(node):
            if is_point(start.interval):
                assert interval[0] is not None
                until = min(start.until, self._reaches(node, case, interval[0] + 1))
            elif start.interval == ANYTHING:
                until = start.until
        needs = (0 if is_point(start.interval) else start.needs) | (0 if is_point(end.interval) else end.needs)
        return Measure(interval, until, needs)

    def _shift(self, node: plan.Shift, case: Case) -> Measure:
        return self._moved(node, (node.day, node.count), case, lambda day, n: calendar.shift(node.unit, day, n))

    def _anchor(self, node: plan.Anchor, case: Case) -> Measure:
        return self._moved(
            node, (node.day,), case, lambda day: calendar.anchor(node.kind, day, node.month, node.day_in_month)
        )

    def _moved(
        self, node: plan.Quantity, operands: tuple[plan.Quantity, ...], case: Case, move: Callable[..., int]
    ) -> Measure:
        """A date moved by a function that never goes back in any operand."""

        def ends(*parts: Interval) -> Interval:
            lows = [p[0] for p in parts]
            highs = [p[1] for p in parts]
            return None if None in lows else move(*lows), None if None in highs else move(*highs)

        measure = self._of_all(node, operands, case, ends)
        if horizon.is_clock(node):
            assert measure.interval[0] is not None
            return measure._replace(until=horizon.first_day(node, self.today, measure.interval[0] + 1))
        return measure

    def _part(self, node: plan.Part, case: Case) -> Measure:
        day = self.measure(node.day, case)
        if not is_point(day.interval):
            return Measure(ANYTHING, day.until, day.needs)
        number = cast(int, day.interval[0])
        value = calendar.part(node.kind, number)
        until = day.until
        if horizon.is_clock(node.day):
            until = horizon.first_day(node.day, self.today, calendar.next_part_change(node.kind, number))
        return Measure((value, value), until, 0)

    def _months_in(self, node: plan.MonthsIn, case: Case) -> Measure:
        value, until = self._holding(case.subject, node.fact.id)
        if value is None:
            return Measure((0, node.window), until, self._bit(node.fact.id))
        months = cast("frozenset[int]", value)
        now = month_number(self.on_date)
        inside = [m for m in months if now - node.window <= m < now]
        changes = [plan.day_number(month_start(min(inside) + node.window + 1))] if inside else []
        later = [m for m in months if m >= now]
        changes += [plan.day_number(month_start(min(later) + 1))] if later else []
        return Measure((len(inside), len(inside)), min([until, *changes]), 0)

    # -- relations and other benefits -----------------------------------------------------------------------------

    def _count(self, node: plan.Count, case: Case) -> Measure:
        members, complete = self._related(node.relation, case)
        judgements = [self.judge(node.where, member) for member in members]
        low = sum(j.truth is TRUE for j in judgements)
        high = low + sum(j.truth is UNKNOWN for j in judgements) if complete else None
        needs = 0 if complete else self._bit(node.relation.names_unknown)
        for judgement in judgements:
            needs |= judgement.needs
        return Measure((low, high), min((j.until for j in judgements), default=NEVER), needs)

    def _total(self, node: plan.Total, case: Case) -> Measure:
        members, complete = self._related(node.relation, case)
        total: Interval = ZERO if complete else (0 if node.of.low >= 0 else None, None)
        until = NEVER
        needs = 0 if complete else self._bit(node.relation.names_unknown)
        for member in members:
            where = self.judge(node.where, member)
            until = min(until, where.until)
            if where.truth is FALSE:
                continue
            of = self.measure(node.of, member)
            until = min(until, of.until)
            part = of.interval if where.truth is TRUE else intervals.hull([ZERO, of.interval])
            total = intervals.add(total, part)
            if not is_point(part):
                needs |= where.needs | (0 if is_point(of.interval) else of.needs)
        return Measure(total, until, needs)

    def _amount_of(self, node: plan.AmountOf, case: Case) -> Measure:
        answer = self.answer(node.benefit, case.subject)
        return Measure(answer.interval, answer.until, 0 if is_point(answer.interval) else answer.missing)

    def _via_quantity(self, node: plan.ViaQuantity, case: Case) -> Measure:
        group = self.population.group_of(case.subject, node.group)
        if group is None:
            return Measure(ANYTHING, NEVER, self._bit(node.link))
        return self.measure(node.operand, self._case(group))


_NEGATED = {TRUE: FALSE, FALSE: TRUE, UNKNOWN: UNKNOWN}

