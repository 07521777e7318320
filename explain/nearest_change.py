"""The nearest change that would alter an answer, found on the rules and put to the evaluator before it is told.

For an answer that is not yes: for each clause that stands in the way, the smallest change of a fact it reads (one that
can change, or one that is not known) that lets it hold; clause after clause, until the whole answer is yes. For a yes:
how far a figure may move before the answer is no longer yes. Limits are found by bisection on the clause itself, to the
smallest unit of the fact, so that any rule of the language is searched in the same way, rounding included.

What is told has been evaluated: the search may miss a change, it never tells a false one. Where nothing that can change
would alter an answer, nothing is told.

Source:
    Wachter, Mittelstadt, Russell, Counterfactual explanations without opening the black box, Harvard Journal of Law &
    Technology 31 (2018); CJEU C-203/22 (2025): what is told must be true of the decision that was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from explain.changeable import Changeable
from explain.explanation import FactKey
from explain.limits import Holds, Limit, limits_of, start_of
from explain.supposing import SupposedEvaluator
from features.facts.dictionary import Fact
from features.facts.population import Subject
from features.facts.values import Known, Value
from rules import plan
from rules.answers import determine
from rules.determination import Determination, FactUsed, Outcome
from rules.evaluate.reference import ReferenceEvaluator
from rules.facts_used import facts_used
from rules.kleene import Truth
from rules.rulebook import BenefitPlan

MOST_CHANGES = 3
MOST_FACTS_READ = 6_000
LEAST_COST = 10
_LEARNED, _TURNED, _MOVED = 0.4, 0.8, 1.2
"""How far a fact is that must only be learned, become another value, be another place; a figure: its share."""


class Move(NamedTuple):
    """One fact put to a value: `way` as in `ChangeStep`, `effort` for the order, `distance` in the fact's units.

    `end`: of `at_most` and `at_least`, the other end of the range that is meant.
    """

    used: FactUsed
    way: str
    value: Value
    effort: float
    distance: int | None
    end: Value | None = None

    @property
    def key(self) -> FactKey:
        """Whose fact, and which."""
        return self.used[:3]


class Found(NamedTuple):
    """A change that alters the answer, and the answer it leads to."""

    moves: tuple[Move, ...]
    then: Determination


@dataclass(slots=True)
class _Budget:
    """An answer is waited for: the search ends when so many facts were read again, with what it has found.

    `cost`: how many facts the rule reads for this subject. A clause over a thousand employees is tried but a few times.
    """

    left: int = MOST_FACTS_READ
    cost: int = LEAST_COST


@dataclass(frozen=True, slots=True)
class ChangeSearch:
    """Looks for changes of one subject's answer to one benefit."""

    evaluator: ReferenceEvaluator
    benefit: BenefitPlan
    subject: Subject
    changeable: Changeable
    budget: _Budget = field(default_factory=_Budget)

    def changes(self, today: Determination) -> tuple[Found, ...]:
        """What would alter the answer, the nearest first; each was evaluated and gives the outcome it carries."""
        self.budget.cost = max(LEAST_COST, len({used[:3] for trace in today.trace for used in trace.facts}))
        if today.outcome is Outcome.ELIGIBLE:
            return self._verified(([move] for move in self._margins()), today, gained=False)
        variant = next((v for v in self.benefit.variants if v.label == today.version), None)
        if variant is None:
            return ()
        blocking = [node for _, node in variant.clauses if self._truth(node, {}) is not Truth.TRUE]
        return self._verified(self._repairs(blocking), today, gained=True)

    # -- an answer that is not yes --------------------------------------------------------------------------------

    def _repairs(self, blocking: list[plan.Condition]) -> Iterator[list[Move]]:
        """Ways to let every clause hold: the alternatives of the first, each followed by the nearest of the others."""
        if not blocking:
            return
        first, *rest = blocking
        for alternative in self._ways(first, {}):
            moves = {move.key: move for move in alternative}
            for clause in rest:
                supposed = _supposed(moves.values())
                if self._truth(clause, supposed) is Truth.TRUE:
                    continue
                more = next(iter(self._ways(clause, supposed)), None)
                if more is None:
                    break
                moves |= {move.key: move for move in more}
            else:
                yield list(moves.values())

    def _ways(self, clause: plan.Condition, supposed: dict[FactKey, Value]) -> list[tuple[Move, ...]]:
        """Changes of one fact, or else of two, that let a clause hold, the nearest first."""
        used = list(facts_used(self.evaluator, clause, self.subject))
        single = sorted(
            (move for fact in used for move in self._moves(fact, clause, supposed)), key=lambda move: move.effort
        )
        if single:
            return [(move,) for move in single]
        return list(self._pairs(used, clause, supposed))

    def _pairs(
        self, used: list[FactUsed], clause: plan.Condition, supposed: dict[FactKey, Value]
    ) -> Iterator[tuple[Move, ...]]:
        """Two facts at once: for clauses that rest on more than one unknown fact. The first that does is taken."""
        for position, fact in enumerate(used):
            for first in self._probes(fact):
                beyond = {**supposed, first.key: first.value}
                for other in used[position + 1 :]:
                    found = min(self._moves(other, clause, beyond), key=lambda move: move.effort, default=None)
                    if found is not None:
                        yield (first, found)
                        return

    # -- an answer that is yes ------------------------------------------------------------------------------------

    def _margins(self) -> list[Move]:
        """How far each figure may move before the answer is no longer yes, the nearest first."""
        found: list[Move] = []
        for used in facts_used(self.evaluator, self.benefit.outcome, self.subject):
            fact = self._fact(used)
            if fact.id in self.changeable.numbers and isinstance(used.holding, Known):
                found += self._figures(used, fact, self.benefit.outcome, {}, wanted=False)
        return sorted(found, key=lambda move: move.effort)

    # -- one fact -------------------------------------------------------------------------------------------------

    def _moves(self, used: FactUsed, clause: plan.Condition, supposed: dict[FactKey, Value]) -> Iterable[Move]:
        """Values of one fact that let a clause hold."""
        fact, known = self._fact(used), self._value(used) is not None
        if known and not self.changeable.allows(fact):
            return
        if fact.type.kind in ("integer", "number", "money", "date"):
            yield from self._figures(used, fact, clause, supposed, wanted=True)
            return
        for move in self._probes(used):
            if self._truth(clause, {**supposed, move.key: move.value}) is Truth.TRUE:
                yield move

    def _probes(self, used: FactUsed) -> list[Move]:
        """Values that a fact with few values may take; of one that is a figure and not known, its ends."""
        fact, before = self._fact(used), self._value(used)
        way, effort = ("is", _LEARNED) if before is None else ("becomes", _TURNED)
        if fact.type.kind in ("integer", "number", "money", "date"):
            ends = limits_of(fact, self.evaluator.on_date).ends if before is None else ()
            return [Move(used, "is", value, _LEARNED, None) for value in ends]
        if fact.type.kind == "area":
            values: Iterable[Value] = self._areas() if before is None or fact.id in self.changeable.places else ()
            effort = effort if before is None else _MOVED
        elif before is not None:
            becoming = self.changeable.statuses.get(fact.id)
            values = becoming.options(before) if becoming else ()
        else:
            values = (True, False) if fact.type.kind == "boolean" else fact.type.codes
        return [Move(used, way, value, effort, None) for value in values if value != before]

    def _areas(self) -> list[str]:
        """The areas in which the benefit exists."""
        return list(dict.fromkeys(variant.compiled.area for variant in self.benefit.variants))

    def _figures(
        self, used: FactUsed, fact: Fact, node: plan.Condition, supposed: dict[FactKey, Value], *, wanted: bool
    ) -> Iterator[Move]:
        """The nearest figures below and above at which a condition holds (`wanted`), or no longer does."""
        limits = limits_of(fact, self.evaluator.on_date)
        before = self._value(used)

        def holds(number: int) -> bool:
            truth = self._truth(node, {**supposed, used[:3]: limits.value(number)})
            return (truth is Truth.TRUE) is wanted

        if before is None:
            yield from self._bounds(used, limits, holds)
            return
        start = limits.number(before)
        for sign, way in ((-1, "earlier" if limits.is_date else "lower"), (1, "later" if limits.is_date else "higher")):
            reached = limits.reach(start, sign, holds)
            if reached is not None:
                share = abs(reached - start) / max(abs(start - start_of(limits)), abs(reached - start_of(limits)), 1)
                yield Move(used, way, limits.value(reached), share, abs(reached - start))

    def _bounds(self, used: FactUsed, limits: Limit, holds: Holds) -> Iterator[Move]:
        """A figure that is not known: up to where, or from where on, the condition holds."""
        low, high = holds(limits.low), holds(limits.high)
        ends = limits.ends
        if low:
            last = limits.high if high else limits.last(limits.low, limits.high, holds)
            yield Move(used, "at_most", limits.value(last), _LEARNED, None, ends[0])
        elif high:
            last = limits.last(limits.high, limits.low, holds)
            yield Move(used, "at_least", limits.value(last), _LEARNED, None, ends[1])

    # -- asking the evaluator -------------------------------------------------------------------------------------

    def _verified(self, ways: Iterable[list[Move]], today: Determination, *, gained: bool) -> tuple[Found, ...]:
        """Those of which the evaluator says that the answer is another, in full and not clause by clause."""
        found: list[Found] = []
        for moves in ways:
            if found and any(self._is_a_place(move) for move in moves):
                continue
            for told in (moves, [_pinned(move) for move in moves]):
                then = determine(self._over_ranges(told), self.benefit.benefit.id, self.subject)
                if (then.outcome is Outcome.ELIGIBLE) is gained and then.outcome is not today.outcome:
                    found.append(Found(tuple(told), then))
                    break
            if len(found) == MOST_CHANGES:
                break
        return tuple(found)

    def _is_a_place(self, move: Move) -> bool:
        """To live elsewhere is told only where nothing else would do."""
        return move.way == "becomes" and self._fact(move.used).type.kind == "area"

    def _over_ranges(self, moves: list[Move]) -> SupposedEvaluator:
        """Evaluates for every value that is meant: `at most` speaks of all below too."""
        ranges = {
            move.key: (move.end, move.value) if move.way == "at_most" else (move.value, move.end)
            for move in moves
            if move.end is not None
        }
        asked = self.evaluator
        supposed = _supposed(move for move in moves if move.end is None)
        return SupposedEvaluator(asked.rulebook, asked.population, asked.on_date, supposed, ranges)

    def _truth(self, node: plan.Condition, supposed: dict[FactKey, Value]) -> Truth:
        if self.budget.left < self.budget.cost:
            return Truth.UNKNOWN
        self.budget.left -= self.budget.cost
        return self._evaluator(supposed).clause(node, self.subject)

    def _evaluator(self, supposed: dict[FactKey, Value]) -> ReferenceEvaluator:
        if not supposed:
            return self.evaluator
        asked = self.evaluator
        return SupposedEvaluator(asked.rulebook, asked.population, asked.on_date, supposed)

    def _fact(self, used: FactUsed) -> Fact:
        return self.evaluator.rulebook.vocabulary.dictionary.facts[used.fact]

    def _value(self, used: FactUsed) -> Value | None:
        holding = used.holding
        if not isinstance(holding, Known):
            return None
        stale = holding.stale_on
        return None if stale is not None and stale <= self.evaluator.on_date else holding.value


def _pinned(move: Move) -> Move:
    """The same, said of the one value only: where the answer is not the same for the whole range."""
    return move if move.end is None else move._replace(way="is", end=None)


def _supposed(moves: Iterable[Move]) -> dict[FactKey, Value]:
    return {move.key: move.value for move in moves}
