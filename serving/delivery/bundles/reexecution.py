"""Executes the rules again on the facts as they are once some benefits are received and others given up."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal

from explain.explanation import FactKey
from explain.supposing import SupposedEvaluator
from features.facts.population import Population, Subject
from features.facts.subjects import PERSON
from features.facts.units import MINOR_UNITS
from features.facts.values import Value
from rules.answers import OUTCOMES, amount_divisor, amount_period, amount_unit
from rules.determination import Outcome
from rules.evaluate.intervals import Bound
from rules.evaluate.reference import Answer
from serving.delivery.bundles.errors import BundleError
from serving.delivery.bundles.footing import worth_of
from serving.delivery.bundles.model import NOTHING, Answered, Item, Worth
from serving.delivery.bundles.preparation import Prepared
from serving.delivery.bundles.receipts import MEMBERS, SELF, Effect

_ADDED_UP = {("month", "month"): 1, ("year", "year"): 1, ("month", "year"): 12, ("once", "once"): 1}
"""How often an amount per the first falls into the second."""


class Reexecution:
    """Answers items of one household as if exactly some of them were received (see `model.Settle`).

    Args:
        prepared: rules and receipts of the day.
        population: the household, its persons, and everybody else whose facts its rules read.
        held: what it receives already.
    """

    def __init__(self, prepared: Prepared, population: Population, held: Collection[Item] = ()) -> None:
        self.prepared, self.population = prepared, population
        self.held = frozenset(held)
        self._as_held = SupposedEvaluator(prepared.rulebook, population, prepared.on_date, {})
        self._reaches: dict[str, frozenset[str]] = {}
        self._answers: dict[tuple[Item, frozenset[Item], frozenset[Item]], Answer] = {}

    def __call__(self, accepted: frozenset[Item]) -> Mapping[Item, Answered]:
        """What the rules say of each of these, the others being received and all else that is held being given up."""
        return {item: self._answered(item, accepted) for item in accepted}

    def _answered(self, item: Item, accepted: frozenset[Item]) -> Answered:
        answer = self._answer(item, accepted)
        return Answered(OUTCOMES[answer.truth], self.worth(item, answer))

    def worth(self, item: Item, answer: Answer) -> Worth:
        """What an answer brings in 12 months."""
        if OUTCOMES[answer.truth] is Outcome.INELIGIBLE:
            return NOTHING
        plan = self.prepared.plans[item.benefit]
        unit, per = amount_unit(plan, self.prepared.rulebook.currency), amount_period(plan)
        low, high = self._minor(item, answer)
        return worth_of(low, high, per, unit, limited=item.benefit in self.prepared.limited)

    def _minor(self, item: Item, answer: Answer) -> tuple[int, Bound]:
        """The bounds of an amount in minor units. Amounts of the law are whole minor units; bounds widen to them."""
        plan = self.prepared.plans[item.benefit]
        low, high = answer.interval
        divisor = amount_divisor(plan)
        least = 0 if low is None else max(0, low * MINOR_UNITS // divisor)
        return least, None if high is None else max(0, -(-high * MINOR_UNITS // divisor))

    def _answer(self, item: Item, accepted: frozenset[Item]) -> Answer:
        reach = self._reach(item.benefit)
        received = frozenset(other for other in accepted if other.benefit in reach and other != item)
        given_up = frozenset(other for other in self.held - accepted if other.benefit in reach and other != item)
        key = (item, received, given_up)
        if key not in self._answers:
            supposed, ranges = self._suppose(item.benefit, received, given_up, accepted)
            evaluator = self._as_held
            if supposed or ranges:
                rulebook, on_date = self.prepared.rulebook, self.prepared.on_date
                evaluator = SupposedEvaluator(rulebook, self.population, on_date, supposed, ranges)
            self._answers[key] = evaluator.answer(item.benefit, self._subject(item))
        return self._answers[key]

    def _reach(self, benefit: str) -> frozenset[str]:
        if benefit not in self._reaches:
            self._reaches[benefit] = self.prepared.reached_by(benefit) & self.prepared.receipts.effects.keys()
        return self._reaches[benefit]

    def _suppose(
        self, benefit: str, received: frozenset[Item], given_up: frozenset[Item], accepted: frozenset[Item]
    ) -> tuple[dict[FactKey, Value], dict[FactKey, tuple[Value, Value]]]:
        """The facts that a benefit reads, as they are then."""
        reads = self.prepared.facts_read[benefit]
        supposed: dict[FactKey, Value] = {}
        added: dict[FactKey, tuple[Decimal, Decimal | None]] = {}
        for item in sorted(given_up) + sorted(received):  # what is received beside it has the last word
            for effect in self.prepared.receipts.effects[item.benefit]:
                if effect.fact not in reads:
                    continue
                for subject in self._reached(item, effect):
                    key = (subject.kind, subject.id, effect.fact)
                    if effect.adds is None:
                        value = effect.becomes if item in received else effect.otherwise
                        assert value is not None
                        supposed[key] = value
                    elif item not in received or item not in self.held:  # what is kept has been counted
                        low, high = added.get(key, (Decimal(0), Decimal(0)))
                        least, most = self._added(item, effect, accepted, subject, item in received)
                        added[key] = low + least, None if high is None or most is None else high + most
        ranges: dict[FactKey, tuple[Value, Value]] = {}
        for key, change in added.items():
            now = self._as_held.holding(self._find(key[0], key[1]), key[2])[0]
            if now is not None:
                ranges[key] = self._moved(key[2], Decimal(now), change)
        return supposed, ranges

    def _moved(self, fact: str, now: Decimal, change: tuple[Decimal, Decimal | None]) -> tuple[Value, Value]:
        """A figure after a change, within what the dictionary lets it be."""
        capacity = self.prepared.rulebook.vocabulary.dictionary.facts[fact].type.capacity
        low, high = change
        least = max(Decimal(0), min(now + low, capacity))
        most = capacity if high is None else max(least, min(now + high, capacity))
        return least, most

    def _added(
        self, item: Item, effect: Effect, accepted: frozenset[Item], subject: Subject, received: bool
    ) -> tuple[Decimal, Decimal | None]:
        """By how much a figure moves at least and at most, in minor units of the fact's period."""
        plan = self.prepared.plans[item.benefit]
        fact = self.prepared.rulebook.vocabulary.dictionary.facts[effect.fact]
        periods = (amount_period(plan), fact.type.per or "once")
        if periods not in _ADDED_UP:
            raise BundleError(
                f"{effect.place}: an amount per {periods[0]} cannot be added to `{fact.id}` (per {periods[1]}). "
                "Correct the line in receipts.yaml."
            )
        answer = self._answer(item, accepted | {item} if received else self.held)
        low, high = self._minor(item, answer)
        times = _ADDED_UP[periods]
        most = None if high is None else Decimal(high * times)
        if not received:
            return (Decimal(-fact.type.capacity) if most is None else -most), Decimal(0)
        whole = effect.adds == "amount" or (effect.of == MEMBERS and self._is_alone(item))
        return Decimal(low * times) if whole else Decimal(0), most

    def _is_alone(self, item: Item) -> bool:
        members, complete = self.population.members(self._subject(item))
        return complete and len(members) == 1

    def _reached(self, item: Item, effect: Effect) -> Iterator[Subject]:
        subject = self._subject(item)
        if effect.of == SELF:
            yield subject
        elif effect.of == MEMBERS:
            yield from self.population.members(subject)[0]
        elif subject.kind == PERSON:
            group = self.population.group_of(subject, effect.of)
            if group is not None:
                yield group

    def _subject(self, item: Item) -> Subject:
        return self._find(item.kind, item.subject)

    def _find(self, kind: str, subject_id: str) -> Subject:
        found = self.population.listed.get(kind, {}).get(subject_id)
        if found is None:
            raise BundleError(
                f"A {kind} of which something is asked is not in the population that was read. "
                "Read the whole household and everybody its rules look at."
            )
        return found
