"""The conditions under which a role may act: each a question about actor, object and moment."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from features.facts.areas import Areas
from serving.access.actions import Action
from serving.access.actors import EVERY_PROGRAMME, Actor, Target


class Condition(enum.StrEnum):
    """The name of a condition; a refusal says which did not hold."""

    OWN = "own"
    GRANTED = "granted"
    IN_DISTRICT = "in_district"
    ON_PROGRAMME = "on_programme"
    ASSIGNED = "assigned"
    OPEN = "open"
    HOLDS_LEASE = "holds_lease"
    NO_OTHER_LEASE = "no_other_lease"
    NOT_OWN_FILE = "not_own_file"
    ANOTHER_PERSON = "another_person"
    NOT_INVOLVED = "not_involved"
    NOT_ONESELF = "not_oneself"
    GLASS_BROKEN = "glass_broken"


@dataclass(frozen=True, slots=True)
class Moment:
    """When, and on which map, an act is judged.

    Attributes:
        now: in UTC.
        on_date: the day, for areas.
        areas: all of them, with their versions.
    """

    now: dt.datetime
    on_date: dt.date
    areas: Areas


@dataclass(frozen=True, slots=True)
class Request:
    """What one condition looks at."""

    actor: Actor
    action: Action
    target: Target
    moment: Moment


def lies_in(district: str | None, enclosing: str | None, moment: Moment) -> bool:
    """Does a district surely lie in another on the day?

    A code that ended stands for its successors. Where a district was shared out among several, all of them must lie
    there: whoever sees only a part of them may not see what might belong to the rest.
    """
    if district is None or enclosing is None or district not in moment.areas:
        return False
    return all(moment.areas.within(code, enclosing) for code in moment.areas.now(district, moment.on_date))


def is_assigned(request: Request) -> bool:
    """Does one open assignment cover both district and programme?"""
    return any(
        lies_in(request.target.district, assignment.district, request.moment)
        and _names(assignment.programme, request.target.programme)
        for assignment in request.actor.assignments
    )


def holds_lease(request: Request) -> bool:
    """Does the actor have the case in hand?"""
    return request.target.lease_holder == request.actor.account and _lease_runs(request)


def is_granted(request: Request) -> bool:
    """Did the subject let the actor do this, with this offer, until later than now?"""
    target = request.target
    return target.subject is not None and any(
        grant.subject == target.subject
        and request.action in grant.actions
        and (grant.offer is None or grant.offer == target.offer)
        and request.moment.now < grant.until
        for grant in request.actor.grants
    )


def _is_own(request: Request) -> bool:
    return request.target.subject in request.actor.subjects


def _is_in_district(request: Request) -> bool:
    return lies_in(request.target.district, request.actor.district, request.moment)


def _is_on_programme(request: Request) -> bool:
    return any(_names(programme, request.target.programme) for programme in request.actor.programmes)


def _names(programme: str, wanted: str | None) -> bool:
    # An object of no programme is everybody's who has all of them, and nobody else's.
    return programme in (EVERY_PROGRAMME, wanted)


def _lease_runs(request: Request) -> bool:
    until = request.target.lease_until
    return until is not None and request.moment.now < until


def _no_other_lease(request: Request) -> bool:
    return request.target.lease_holder in (None, request.actor.account) or not _lease_runs(request)


def _is_not_own_file(request: Request) -> bool:
    return request.actor.person is None or request.actor.person != request.target.subject


def _is_another_person(request: Request) -> bool:
    # With no first hand there is nothing to be the second to.
    return bool(request.target.hands) and _is_not_involved(request)


def _is_not_involved(request: Request) -> bool:
    return request.actor.account not in request.target.hands


def _is_not_oneself(request: Request) -> bool:
    return request.target.account is not None and request.target.account != request.actor.account


def _broke_glass(request: Request) -> bool:
    return request.target.subject is not None and any(
        glass.subject == request.target.subject and request.moment.now < glass.until for glass in request.actor.glasses
    )


HOLDS: Final[Mapping[Condition, Callable[[Request], bool]]] = {
    Condition.OWN: _is_own,
    Condition.GRANTED: is_granted,
    Condition.IN_DISTRICT: _is_in_district,
    Condition.ON_PROGRAMME: _is_on_programme,
    Condition.ASSIGNED: is_assigned,
    Condition.OPEN: lambda request: request.target.is_open is True,
    Condition.HOLDS_LEASE: holds_lease,
    Condition.NO_OTHER_LEASE: _no_other_lease,
    Condition.NOT_OWN_FILE: _is_not_own_file,
    Condition.ANOTHER_PERSON: _is_another_person,
    Condition.NOT_INVOLVED: _is_not_involved,
    Condition.NOT_ONESELF: _is_not_oneself,
    Condition.GLASS_BROKEN: _broke_glass,
}
