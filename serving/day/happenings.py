"""What happened in people's lives since the last run: what it holds up, and what may be spoken of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl
from sqlalchemy import Connection, text

from features.events.kinds import EventKinds
from features.events.log import ID, PART, SCHEMA, SOURCE, SUBJECTS, TEXT, EventLog, concerned, told_of
from features.events.messages import Event
from features.events.threads import resolve
from serving.casework.holding import Kept, keep_holds
from serving.casework.holds import DEATH, PERSON, Received, SharedGrant
from serving.delivery.bundles.events import LifeEvent
from serving.delivery.bundles.model import SubjectKey
from serving.sweep.review import SPLIT, GrantForReview

SPOKEN_OF = dt.timedelta(days=365)
"""What happened longer ago is no news to anybody, whenever we learned of it."""
NO_EVENTS = pl.DataFrame(schema={**SCHEMA, PART: pl.Int32()})
_BATCH = 500
"""So many subjects are looked after in one transaction."""


@dataclass(frozen=True, slots=True)
class Life:
    """Life events, and what there is of them.

    Attributes:
        log: where they are kept.
        kinds: those of the jurisdiction.
    """

    log: EventLog
    kinds: EventKinds


class Happenings:
    """All life events as they are known when this is made, and which of them are news.

    Args:
        log: where they are kept; None: nowhere.
        known: the last part of the log that the last run knew of.
    """

    def __init__(self, log: EventLog | None, known: int) -> None:
        parts = [] if log is None else log.parts
        self.until = max((part.number for part in parts), default=0)
        self._moments = {part.number: part.moment for part in parts}
        self._index = NO_EVENTS if log is None else log.index(self.until)
        self._new = [part.number for part in parts if part.number > known]

    def named(self) -> set[str]:
        """Of whom something else may be said than at the last run, for good or for ill."""
        return {subject for part in self._new for subject in concerned(self._index, part).subjects}

    def told_dead(self) -> set[str]:
        """Whom any message names that tells of a death; whether it stands is not asked here."""
        # The text of an event is canonical JSON: this finds deaths without reading millions of others.
        deaths = self._index.filter(pl.col(TEXT).str.contains(f'"kind":"{DEATH}"', literal=True))
        return set(deaths.select(pl.col(SUBJECTS).explode()).drop_nulls().to_series())

    def received(self, subjects: Iterable[str]) -> list[Received]:
        """All that was ever told of some subjects, with when we learned of it."""
        found = told_of(self._index, pl.Series(sorted(subjects), dtype=pl.String))
        return [Received(event, self._moments[part]) for part, event in found]

    def spoken_of(self, on_date: dt.date) -> list[LifeEvent]:
        """Events that are news, that stand, that nobody disputes, and that happened not long ago."""
        keys = self._index.filter(pl.col(PART).is_in(self._new)).select(SOURCE, ID).unique()
        trees = told_of(self._index, pl.Series([], dtype=pl.String), keys)
        fresh = set(keys.iter_rows())
        found = []
        for each in resolve(event for _, event in trees).effective:
            event = each.events[0]
            if each.disputed or not ({each.root, *(one.key for one in each.events)} & fresh):
                continue
            if on_date - SPOKEN_OF <= event.on <= on_date:
                found.append(_life_event(each.root, event))
        return found


def _life_event(root: tuple[str, str], event: Event) -> LifeEvent:
    """By the root of its tree: what is corrected later is the same event, and is not offered twice."""
    return LifeEvent(":".join(root), event.kind, event.subjects, event.on)


def hold_what_waits(
    connection: Connection,
    happenings: Happenings,
    review: Sequence[GrantForReview],
    at: dt.datetime,
    *,
    detected: bool = False,
) -> Kept:
    """Bring holds to what events and the register of persons say, and call humans. It may be done twice.

    Args:
        connection: it commits as it goes.
        happenings: life events.
        review: benefits that one person had under several ids, or that an id had that was two persons'.
        at: this moment.
        detected: look at what is newly detected: of the dead, whenever they died; otherwise at all of whom there is
            news.

    Returns:
        How many holds were put and taken back.
    """
    shared = [SharedGrant(grant.ids, grant.benefit, grant.why == SPLIT) for grant in review]
    ids = happenings.told_dead() if detected else happenings.named()
    ids |= {one for grant in shared for one in grant.ids}
    whose = _with_entitlements(connection, ids, detected=detected)
    whose = _with_their_other_ids(whose, shared)
    placed = released = 0
    for first in range(0, len(whose), _BATCH):
        some = whose[first : first + _BATCH]
        theirs = {subject for _, subject in some}
        kept = keep_holds(
            connection, happenings.received(theirs), some, at, [one for one in shared if theirs & set(one.ids)]
        )
        connection.commit()
        placed, released = placed + kept.placed, released + kept.released
    return Kept(placed, released)


def _with_entitlements(connection: Connection, ids: set[str], *, detected: bool) -> list[SubjectKey]:
    found = connection.execute(text(_WHOSE), {"ids": sorted(ids), "detected": detected}).all()
    connection.commit()
    return [(str(kind), str(subject)) for kind, subject in found]


def _with_their_other_ids(whose: list[SubjectKey], shared: Sequence[SharedGrant]) -> list[SubjectKey]:
    """In an order in which all ids of one person come together: what was given under both is seen at once."""
    person = {one: grant.ids[0] for grant in shared for one in grant.ids}
    known = set(whose)
    for grant in shared:
        if known & {(PERSON, one) for one in grant.ids}:
            known |= {(PERSON, one) for one in grant.ids}
    return sorted(known, key=lambda key: (person.get(key[1], key[1]), key))


_WHOSE = """
SELECT DISTINCT kind, subject FROM entitlement
WHERE kind IN ('person', 'household', 'enterprise') AND subject = ANY(:ids) AND (state = 'detected' OR NOT :detected)
"""
