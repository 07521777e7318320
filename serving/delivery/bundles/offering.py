"""What one household is offered, asked and what a caseworker looks at first: the whole of this package in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from features.facts.population import Population
from rules.evaluate.reference import ReferenceEvaluator
from serving.delivery.bundles.choice import Settled, Verdict
from serving.delivery.bundles.disclosure import Disclosure, disclosures, gives_away
from serving.delivery.bundles.events import (
    Addressee,
    Arising,
    Bundle,
    GivesAway,
    LifeEvent,
    Reader,
    addressee_of,
    bundles_of,
)
from serving.delivery.bundles.household import Household, settle_household
from serving.delivery.bundles.model import Item, SubjectKey
from serving.delivery.bundles.preparation import Prepared


@dataclass(frozen=True, slots=True)
class Question:
    """A choice that is the household's, and who may read it: its proposals are the answers there are."""

    addressee: Addressee
    knot: Settled


@dataclass(frozen=True, slots=True)
class Offering:
    """One household's day.

    Attributes:
        bundles: what is offered, each confirmed once.
        questions: what the household chooses; nothing of it stands in a bundle until it has.
        review: what a caseworker looks at first; nothing that is held changes meanwhile.
    """

    bundles: tuple[Bundle, ...]
    questions: tuple[Question, ...]
    review: tuple[Settled, ...]


class Offerings:
    """Makes offerings of one day, for many households.

    Args:
        prepared: rules and receipts of the day.
        arising: which items come from which life event.
    """

    def __init__(self, prepared: Prepared, arising: Arising) -> None:
        self.prepared, self.arising = prepared, arising
        self.disclosures: Mapping[str, Disclosure] = disclosures(prepared.plans)

    def of(
        self, household: Household, population: Callable[[], Population], events: Iterable[LifeEvent] = ()
    ) -> Offering:
        """What a household is offered.

        Args:
            household: what it may be offered and holds.
            population: reads its facts; asked only where something ties its items, or where it depends on the person
                whether an offer is sensitive.
            events: its life events, those that are to be spoken of.
        """
        settled = settle_household(self.prepared, household, population)
        gives = self._gives_away(population)
        by = {verdict: [knot for knot in settled if knot.verdict is verdict] for verdict in Verdict}
        bundles = bundles_of(
            household.subject,
            household.persons,
            [(knot.proposals[0], knot.cliffs) for knot in by[Verdict.SETTLED]],
            events,
            self.arising,
            gives,
        )
        questions = tuple(Question(_reader(knot, household.subject, gives), knot) for knot in by[Verdict.CHOICE])
        return Offering(bundles, questions, tuple(by[Verdict.REVIEW]))

    def _gives_away(self, population: Callable[[], Population]) -> GivesAway:
        known: list[ReferenceEvaluator] = []

        def gives(item: Item) -> bool:
            disclosure = self.disclosures[item.benefit]
            if disclosure is not Disclosure.DEPENDS:
                return disclosure is Disclosure.ALWAYS
            if not known:
                known.append(ReferenceEvaluator(self.prepared.rulebook, population(), self.prepared.on_date))
            subject = known[0].population.listed[item.kind].get(item.subject)
            return subject is None or gives_away(known[0], item.benefit, subject)

        return gives


def _reader(knot: Settled, household: SubjectKey, gives: GivesAway) -> Addressee:
    """Who may read a whole question: one person, where only that person's items are sensitive; else a caseworker."""
    items = {item for proposal in knot.proposals for item in proposal.received.items} | set(knot.rivals)
    readers = {addressee_of(item, household, gives) for item in items}
    sensitive = readers - {Addressee(Reader.HOUSEHOLD.value, household)}
    if not sensitive:
        return Addressee(Reader.HOUSEHOLD.value, household)
    return sensitive.pop() if len(sensitive) == 1 else Addressee(Reader.CASEWORKER.value, household)
