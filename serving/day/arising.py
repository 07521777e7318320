"""One life event, one bundle: which of today's offers come from the same event and go to the same reader."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from features.events.kinds import EventKinds
from rules.evaluate.reference import ReferenceEvaluator
from rules.reads import reads_of
from serving.day.bundling import Bundler
from serving.day.entitling import Becomes, Change
from serving.day.homes import HOUSEHOLD
from serving.day.steps import Together
from serving.delivery.bundles.disclosure import Disclosure, disclosures, gives_away
from serving.delivery.bundles.events import Arising, LifeEvent, Reader, addressee_of, latest_first
from serving.delivery.bundles.model import Item, SubjectKey
from serving.delivery.bundles.preparation import Prepared

FEWEST = 2
"""What comes alone is told of alone, to whom it belongs."""
_CAREFUL: Mapping[str, object] = {
    "code": "sensitive_household",
    "zh": "此项涉及一名家庭成员的敏感信息：先由经办人员确认可以告知何人",
    "en": "it gives away something sensitive about a member: a caseworker finds out who may be told",
}


@dataclass(frozen=True, slots=True)
class _Offer:
    """An entitlement that is about to be offered, and the event behind it."""

    number: int
    item: Item
    home: SubjectKey
    event: LifeEvent


class Offers:
    """Puts offers together.

    Args:
        kinds: the life events of the jurisdiction.
        bundler: of the day: it knows who lives with whom, and reads facts.
    """

    def __init__(self, kinds: EventKinds, bundler: Bundler) -> None:
        prepared = bundler.prepared
        self._bundler, self._homes = bundler, bundler.homes
        self._arising = Arising(kinds, reads_of(prepared.rulebook, prepared.on_date))
        self._disclosures = disclosures(prepared.plans)

    def together(self, waiting: Iterable[tuple[int, Item]], events: Sequence[LifeEvent]) -> list[Together]:
        """What is offered as one.

        Args:
            waiting: what is about to be offered: numbers of entitlements, and whose of which benefit.
            events: that may be spoken of.
        """
        arisen = list(self._arisen(waiting, events))
        company = Counter((each.home, each.event.id) for each in arisen)
        # Facts are read of those alone who may be offered several things.
        offers = [each for each in arisen if company[each.home, each.event.id] >= FEWEST]
        sensitive = self._sensitive(offers)
        kind_of = {each.event.id: each.event.kind for each in offers}
        numbers_of: dict[tuple[SubjectKey, str], list[int]] = defaultdict(list)
        for each in offers:
            addressee = addressee_of(each.item, each.home, lambda item: item in sensitive)
            if addressee.reader != Reader.CASEWORKER.value:
                numbers_of[addressee.subject, each.event.id].append(each.number)
        return [
            Together(whom, kind_of[event], event, tuple(sorted(numbers)))
            for (whom, event), numbers in sorted(numbers_of.items())
            if len(numbers) >= FEWEST
        ]

    def _arisen(self, waiting: Iterable[tuple[int, Item]], events: Sequence[LifeEvent]) -> Iterator[_Offer]:
        of_whom: dict[str, list[LifeEvent]] = defaultdict(list)
        for event in events:
            for subject in set(event.roles.values()):
                of_whom[subject].append(event)
        for number, item in waiting:
            home = self._homes.of(item.of)
            persons = self._homes.persons(home)
            theirs = {event.id: event for who in (item.subject, *persons) for event in of_whom.get(who, ())}
            behind = self._arising.event_behind(item, latest_first(theirs.values()), persons) if theirs else None
            if behind is not None and item.benefit in self._disclosures:
                yield _Offer(number, item, home, behind)

    def _sensitive(self, offers: Sequence[_Offer]) -> set[Item]:
        """Those that give something away; where it depends on the person, their facts are read."""
        found = {each.item for each in offers if self._disclosures[each.item.benefit] is Disclosure.ALWAYS}
        open_ones: dict[SubjectKey, list[Item]] = defaultdict(list)
        for each in offers:
            if self._disclosures[each.item.benefit] is Disclosure.DEPENDS:
                open_ones[each.home].append(each.item)
        prepared = self._bundler.prepared
        for home, population in self._bundler.facts_of(list(open_ones)):
            evaluator = ReferenceEvaluator(prepared.rulebook, population(), prepared.on_date)
            for item in open_ones[home]:
                subject = evaluator.population.listed[item.kind].get(item.subject)
                if subject is None or gives_away(evaluator, item.benefit, subject):
                    found.add(item)
        return found


def told_by_caseworker(prepared: Prepared, owed: Iterable[Item]) -> Iterator[Change]:
    """What whole households are owed and not all who live there may know: nobody is offered it by a notice to all."""
    careful = {
        benefit
        for benefit, disclosure in disclosures(prepared.plans).items()
        if prepared.plans[benefit].benefit.subject == HOUSEHOLD and disclosure is not Disclosure.NEVER
    }
    for item in owed:
        if item.benefit in careful:
            yield Change(item, Becomes.CASEWORKER, (_CAREFUL,))


def about_to_be_offered(connection: Connection) -> list[tuple[int, Item]]:
    """What was detected and waits for a yes."""
    rows = connection.execute(text(_ABOUT)).all()
    return [(int(number), Item(str(benefit), str(kind), str(subject))) for number, benefit, kind, subject in rows]


_ABOUT = "SELECT id, benefit, kind, subject FROM entitlement WHERE state = 'detected' AND tier = 'confirm' ORDER BY id"
