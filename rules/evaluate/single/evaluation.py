"""What the meaning of a node is told in, and what it may ask: facts, relations, and the value of other nodes."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from features.facts.population import Population, Subject
from features.facts.values import Holding, Unknown
from rules import plan
from rules.evaluate.intervals import Interval, is_point
from rules.kleene import Truth
from rules.plan import NEVER
from rules.rulebook import Rulebook

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
    memo: dict[plan.Node, Any] = field(default_factory=dict)
    """What nodes came to for this subject."""


class Evaluation(ABC):
    """One rulebook, one date, one population: what every node reads from."""

    def __init__(self, rulebook: Rulebook, population: Population, on_date: dt.date) -> None:
        self.rulebook = rulebook
        self.population = population
        self.on_date = on_date
        self.today = plan.day_number(on_date)
        self._bits: dict[str, int] = {}
        self._names: list[str] = []
        self._cases: dict[int, Case] = {}
        self._member_cases: dict[tuple[int, int], Case] = {}

    @abstractmethod
    def judge(self, node: plan.Condition, case: Case) -> Judgement:
        """The truth of a condition."""

    @abstractmethod
    def measure(self, node: plan.Quantity, case: Case) -> Measure:
        """The interval of a figure."""

    @abstractmethod
    def answer(self, benefit_id: str, subject: Subject) -> Answer:
        """The answer for one subject."""

    def forget(self) -> None:
        """Drop what was found so far (memory, not meaning)."""
        self._cases.clear()
        self._member_cases.clear()

    def read(self, node: plan.Code, case: Case) -> Reading:
        """The code of a code fact."""
        if isinstance(node, plan.CodeFact):
            value, until = self.holding(case.subject, node.fact.id)
            return Reading(value, until, 0 if value is not None else self.bit(node.fact.id))
        if isinstance(node, plan.OuterCode):
            return self.read(node.operand, cast(Case, case.outer))
        assert isinstance(node, plan.ViaCode)
        group = self.population.group_of(case.subject, node.group)
        if group is None:
            return Reading(None, NEVER, self.bit(node.link))
        return self.read(node.operand, self.case(group))

    def holding(self, subject: Subject, fact: str) -> tuple[Any, int]:
        """A fact's value (None: not known, or grown stale), and until when it does not grow stale."""
        holding: Holding = subject.facts.get(fact, _NOT_HELD)
        if isinstance(holding, Unknown):
            return None, NEVER
        if holding.stale_on is None:
            return holding.value, NEVER
        stale = plan.day_number(holding.stale_on)
        return (holding.value, stale) if stale > self.today else (None, NEVER)

    def bit(self, name: str) -> int:
        """The bit that stands for a fact in the needs of this evaluation."""
        if name not in self._bits:
            self._bits[name] = 1 << len(self._names)
            self._names.append(name)
        return self._bits[name]

    def names_of(self, bits: int) -> tuple[str, ...]:
        """The facts behind bits, by name."""
        return tuple(name for index, name in enumerate(self._names) if bits >> index & 1)

    def case(self, subject: Subject) -> Case:
        """The subject outside of any quantifier."""
        case = self._cases.get(id(subject))
        if case is None:
            case = self._cases[id(subject)] = Case(subject)
        return case

    def related(self, relation: plan.Relation, case: Case) -> tuple[list[Case], bool]:
        """The persons that a relation leads to, and whether these are all of them."""
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
        key = (id(member), id(outer))
        known = self._member_cases.get(key)
        if known is None:
            known = self._member_cases[key] = Case(member, outer)
        return known


def of_all(
    operands: tuple[plan.Quantity, ...], case: Case, compute: Callable[..., Interval], within: Evaluation
) -> Measure:
    """A figure computed from other figures; it rests on those among them that are open."""
    measures = [within.measure(operand, case) for operand in operands]
    needs = 0
    for measure in measures:
        if not is_point(measure.interval):
            needs |= measure.needs
    return Measure(compute(*(m.interval for m in measures)), min(m.until for m in measures), needs)
