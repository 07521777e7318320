"""One life event, one bundle, one confirmation: what is offered, by the event it comes from and by who may read it."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from features.events.kinds import EventKind, EventKinds
from features.facts.subjects import PERSON
from rules.reads import Read
from serving.delivery.bundles.choice import Proposal
from serving.delivery.bundles.cliffs import Cliff
from serving.delivery.bundles.model import Item, SubjectKey, Worth


class Reader(enum.Enum):
    """Who may read an offer."""

    HOUSEHOLD = "household"
    PERSON = "person"
    """The person alone: it gives away what others who live there need not know."""
    CASEWORKER = "caseworker"
    """It is sensitive and about a whole household: a caseworker finds out who may safely be told."""


@dataclass(frozen=True, slots=True, order=True)
class Addressee:
    """To whom a bundle goes; `subject` is the person, or the household."""

    reader: str
    subject: SubjectKey


@dataclass(frozen=True, slots=True)
class LifeEvent:
    """One event of a household: its kind, whom it is about by role, and its day. `id` is the event's in the log."""

    id: str
    kind: str
    roles: Mapping[str, str]
    on: dt.date


@dataclass(frozen=True, slots=True)
class Offered:
    """One item of a bundle. `beside`: what must be received with it, in this bundle or another."""

    item: Item
    worth: Worth
    beside: frozenset[Item]


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is offered together and confirmed once. `event` None: it comes from no event, but from what was found."""

    event: LifeEvent | None
    addressee: Addressee
    offers: tuple[Offered, ...]
    gives_up: tuple[Item, ...]
    cliffs: tuple[Cliff, ...]


GivesAway = Callable[[Item], bool]
"""Is the offer sensitive (see `disclosure`)?"""


class Arising:
    """Which items arise from which kind of event: the rule reads a fact that the event states of the subject.

    Args:
        kinds: the life events of the jurisdiction.
        reads: what each benefit reads (see `rules.reads`).
    """

    def __init__(self, kinds: EventKinds, reads: Mapping[str, tuple[Read, ...]]) -> None:
        self._reads = {benefit: frozenset(name for _, name in read) for benefit, read in reads.items()}
        self._stated = {name: _stated(kind) for name, kind in kinds.events.items()}

    def arises(self, item: Item, event: LifeEvent, persons: Iterable[str]) -> bool:
        """Does an item of a household with these persons arise from an event?"""
        reads = self._reads.get(item.benefit, frozenset())
        persons = set(persons)
        for role, facts in self._stated.get(event.kind, {}).items():
            subject = event.roles.get(role)
            concerned = subject == item.subject or (item.kind != PERSON and subject in persons)
            if concerned and facts & reads:
                return True
        return False

    def event_behind(self, item: Item, latest_first: Iterable[LifeEvent], persons: Iterable[str]) -> LifeEvent | None:
        """The latest event from which an item of a household with these persons arises; None: it comes from none."""
        return next((event for event in latest_first if self.arises(item, event, persons)), None)


def latest_first(events: Iterable[LifeEvent]) -> list[LifeEvent]:
    """Events in the order in which they are asked: an item stands with the latest one that it arises from."""
    return sorted(events, key=lambda event: (event.on, event.id), reverse=True)


def _stated(kind: EventKind) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for statement in kind.states:
        found.setdefault(statement.of, set()).update(said.fact for said in statement.says)
    return {role: frozenset(facts) for role, facts in found.items()}


def addressee_of(item: Item, household: SubjectKey, gives_away: GivesAway) -> Addressee:
    """Who may read the offer of an item."""
    if not gives_away(item):
        return Addressee(Reader.HOUSEHOLD.value, household)
    if item.kind == PERSON:
        return Addressee(Reader.PERSON.value, item.of)
    return Addressee(Reader.CASEWORKER.value, household)


def bundles_of(
    household: SubjectKey,
    persons: Iterable[str],
    proposals: Iterable[tuple[Proposal, Sequence[Cliff]]],
    events: Iterable[LifeEvent],
    arising: Arising,
    gives_away: GivesAway,
) -> tuple[Bundle, ...]:
    """What a household is offered, one bundle for each event and addressee.

    An item that arises from several events stands in the bundle of the latest one. What the household gives up and the
    cliffs stand beside the item that brings them about, and only where their reader may know both.

    Args:
        household: its subject.
        persons: who lives in it.
        proposals: one for each knot that is to be offered, with the knot's cliffs.
        events: of this household, in any order.
        arising: which items come from which event.
        gives_away: whether an offer is sensitive.
    """
    persons = frozenset(persons)
    ordered = latest_first(events)
    by_id = {event.id: event for event in ordered}
    found: dict[tuple[str, Addressee], _Draft] = {}
    for proposal, cliffs in proposals:
        for item in sorted(proposal.accept):
            behind = arising.event_behind(item, ordered, persons)
            event = "" if behind is None else behind.id
            addressee = addressee_of(item, household, gives_away)
            draft = found.setdefault((event, addressee), _Draft([], set(), []))
            share = proposal.received.shares[item]
            draft.offers.append(Offered(item, share.worth, share.beside))
            for cliff in cliffs:
                if cliff.accept == item and _may_read(addressee, cliff.lose, household, gives_away):
                    draft.cliffs.append(cliff)
                    if cliff.lose in proposal.gives_up:
                        draft.gives_up.add(cliff.lose)
    order = sorted(found, key=lambda key: (-by_id[key[0]].on.toordinal() if key[0] else 0, key))
    return tuple(
        Bundle(
            by_id.get(event),
            addressee,
            tuple(sorted(found[event, addressee].offers, key=lambda offered: offered.item)),
            tuple(sorted(found[event, addressee].gives_up)),
            tuple(found[event, addressee].cliffs),
        )
        for event, addressee in order
    )


@dataclass(slots=True)
class _Draft:
    offers: list[Offered]
    gives_up: set[Item]
    cliffs: list[Cliff]


def _may_read(addressee: Addressee, item: Item, household: SubjectKey, gives_away: GivesAway) -> bool:
    """May whoever reads a bundle read of this item too? A caseworker may; others only what is theirs or nobody's."""
    other = addressee_of(item, household, gives_away)
    return addressee.reader == Reader.CASEWORKER.value or other in (
        addressee,
        Addressee(Reader.HOUSEHOLD.value, household),
    )
