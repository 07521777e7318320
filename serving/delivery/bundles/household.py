"""One household settled: the fast way where nothing ties its items, and by executing the rules where something does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import permutations

from features.facts.population import Population
from features.facts.subjects import PERSON
from features.facts.units import MINOR_UNITS
from rules.determination import Determination, Outcome
from serving.delivery.bundles.choice import Proposal, Settled, Verdict, settle_problem
from serving.delivery.bundles.footing import worth_of
from serving.delivery.bundles.model import Exclusion, Item, Problem, SubjectKey, Worth
from serving.delivery.bundles.preparation import Prepared
from serving.delivery.bundles.reexecution import Reexecution
from serving.delivery.bundles.sets import Received, Share
from serving.delivery.bundles.ties import subjects_meet


@dataclass(frozen=True, slots=True)
class Household:
    """What a household may be offered and what it holds. An enterprise is put the same way, without persons.

    Attributes:
        subject: the household itself.
        persons: those who live in it.
        owed: what the sweep answered `eligible` and is not delivered yet.
        held: what is delivered now.
        open: what the sweep answered `undetermined`.
    """

    subject: SubjectKey
    persons: frozenset[str]
    owed: Mapping[Item, Worth]
    held: Mapping[Item, Worth] = field(default_factory=dict)
    open: Mapping[Item, Worth] = field(default_factory=dict)


def item_of(determination: Determination) -> Item:
    """Whose benefit a determination speaks of."""
    return Item(determination.benefit, determination.subject, determination.id)


def worth_of_determination(prepared: Prepared, found: Determination) -> Worth:
    """What a determination brings within 12 months."""
    limited = found.benefit in prepared.limited
    low, high = (_minor(amount) for amount in (found.amount_low, found.amount_high))
    return worth_of(low, high, found.per, found.unit, limited=limited)


def _minor(major: Decimal | None) -> int | None:
    return None if major is None else int(major * MINOR_UNITS)


def household_of(
    prepared: Prepared,
    subject: SubjectKey,
    persons: Iterable[str],
    determinations: Iterable[Determination],
    held: Mapping[Item, Worth] | None = None,
) -> Household:
    """A household from the determinations of a sweep and the awards that are paid."""
    held = held or {}
    owed: dict[Item, Worth] = {}
    still_open: dict[Item, Worth] = {}
    for found in determinations:
        item = item_of(found)
        if item not in held and found.outcome is not Outcome.INELIGIBLE:
            into = owed if found.outcome is Outcome.ELIGIBLE else still_open
            into[item] = worth_of_determination(prepared, found)
    return Household(subject, frozenset(persons), owed, held, still_open)


def settle_household(
    prepared: Prepared, household: Household, population: Callable[[], Population]
) -> tuple[Settled, ...]:
    """Settle one household, knot by knot; what nothing ties is a knot of its own.

    Args:
        prepared: of the day.
        household: what it may be offered and holds.
        population: reads the household's facts; asked only where something ties its items, which is seldom.
    """
    received = [item.benefit for item in (*household.owed, *household.held)]
    if prepared.is_plain(received, [item.benefit for item in household.open]):
        return tuple(_alone(household, item) for item in sorted(household.owed.keys() | household.held.keys()))
    found = population()
    reexecution = Reexecution(prepared, found, household.held)
    return settle_problem(problem_of(prepared, household, reexecution), reexecution)


def _alone(household: Household, item: Item) -> Settled:
    held = item in household.held
    worth = household.held[item] if held else household.owed[item]
    received = Received({item: Share(worth, later=worth if worth.lasting else None)})
    accept = frozenset() if held else frozenset({item})
    return Settled((item,), Verdict.SETTLED, (), (Proposal(received, accept, frozenset()),))


def problem_of(prepared: Prepared, household: Household, reexecution: Reexecution) -> Problem:
    """The household's items with all that ties them; what their receipt may open is among them."""
    options, pending = _options(prepared, household, reexecution)
    people = _people(household)
    tied = sorted(options | household.held.keys() | pending.keys())
    exclusions: dict[frozenset[Item], Exclusion] = {}
    needs: dict[Item, dict[Item, str]] = {}
    touches: dict[Item, dict[Item, str]] = {}
    for one, other in permutations(tied, 2):
        meet = subjects_meet(one, other, people)
        declared = prepared.exclusions.get(frozenset((one.benefit, other.benefit)))
        if declared is not None and meet and one.benefit != other.benefit:
            across = one.of != other.of and len(household.persons) > 1
            exclusions[frozenset((one, other))] = replace(declared, across=across)
        needed = prepared.needs.get(one.benefit, {})
        if meet and other.benefit in needed:
            needs.setdefault(one, {})[other] = needed[other.benefit]
        touched = prepared.touches.get(one.benefit, {})
        if other.benefit in touched and _reaches(prepared, one, other):
            touches.setdefault(one, {})[other] = touched[other.benefit]
    return Problem(frozenset(options), household.held, exclusions, needs, touches, pending)


def _options(prepared: Prepared, household: Household, reexecution: Reexecution) -> tuple[set[Item], dict[Item, Worth]]:
    """What may be accepted today or once something else is, and what is open. Executes the rules for each, once."""
    asked = frozenset(household.held)
    options: set[Item] = set()
    pending: dict[Item, Worth] = {}
    outcomes: dict[Item, Outcome] = {}
    waiting: list[tuple[Item | None, Item]] = [(None, item) for item in sorted(household.owed.keys() | household.open)]
    waiting += [(held, item) for held in sorted(household.held) for item in _touched(prepared, household, held)]
    while waiting:
        giver, item = waiting.pop()
        if item in household.held or item in options:
            continue
        if item not in outcomes:
            now = reexecution(asked | {item})[item]
            outcomes[item] = now.outcome
            if now.outcome is Outcome.UNDETERMINED:
                pending[item] = now.worth
        if outcomes[item] is Outcome.ELIGIBLE or (giver is not None and _may_open(prepared, giver, item)):
            options.add(item)
            waiting += [(item, touched) for touched in _touched(prepared, household, item)]
    return options, pending


def _may_open(prepared: Prepared, giver: Item, item: Item) -> bool:
    """May receipt open what is not owed today? Directly, or as what stands in for another that is ended by it."""
    stands_in = prepared.results_read[item.benefit]
    return (giver.benefit, item.benefit) in prepared.opening or bool(
        stands_in & prepared.touches.get(giver.benefit, {}).keys()
    )


def _touched(prepared: Prepared, household: Household, giver: Item) -> list[Item]:
    """The items of the household of which the receipt of one changes what the rules say."""
    found: list[Item] = []
    for benefit in prepared.touches.get(giver.benefit, {}):
        kind = prepared.plans[benefit].benefit.subject
        ids = [household.subject[1]] if kind == household.subject[0] else sorted(household.persons)
        if kind in (PERSON, household.subject[0]):
            found += [Item(benefit, kind, one) for one in ids]
    return [item for item in found if item != giver and _reaches(prepared, giver, item)]


def _reaches(prepared: Prepared, giver: Item, item: Item) -> bool:
    """Does receipt change what this subject's rule reads? What is said of one person is not read for another."""
    spreads = (giver.benefit, item.benefit) in prepared.spreading
    return spreads or giver.of == item.of or not giver.kind == item.kind == PERSON


def _people(household: Household) -> dict[SubjectKey, frozenset[str]]:
    people = {(PERSON, person): frozenset({person}) for person in household.persons}
    return {**people, household.subject: household.persons}
