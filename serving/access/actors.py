"""Who acts, and on what: all that a permission may look at."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Final, Protocol

from sqlalchemy import Connection

from serving.access.actions import Action
from serving.access.roles import STAFF, Role

EVERY_PROGRAMME: Final = "*"
"""Stands for all benefits, in a posting or an assignment."""
GLASS_OPEN: Final = dt.timedelta(minutes=15)
"""For how long a broken glass lets its officer see one subject. Source: gates.md, S2."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Work given to an officer: one district (and all that lies in it), one programme or all."""

    district: str
    programme: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What a subject let somebody else do for them: a proxy's right, or the code of a live help.

    Attributes:
        subject: for whom.
        actions: what.
        offer: the only offer it is about; None: any of the subject's.
        until: the moment at which it ends.
    """

    subject: str
    actions: frozenset[Action]
    until: dt.datetime
    offer: str | None = None


@dataclass(frozen=True, slots=True)
class Glass:
    """A glass that an officer broke to see one subject's file."""

    subject: str
    until: dt.datetime


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody with a session, as the database knows them at this request.

    Attributes:
        account: the account's id.
        roles: what they are.
        subjects: whose affairs are theirs, as `kind:id`: a citizen's own person and households, an enterprise's
            legal person; of staff none.
        person: a member of staff's own subject, where the registers hold one: nobody works on their own file.
        district: where staff are posted; it and all that lies in it.
        programmes: the benefits they are posted for, or `*`.
        assignments: open now.
        grants: what others let them do, open or not: conditions look at the moment.
        glasses: that they broke.
        enabled: is the account in service?
        strong: did they prove a second factor in this session?
    """

    account: str
    roles: frozenset[Role]
    subjects: frozenset[str] = frozenset()
    person: str | None = None
    district: str | None = None
    programmes: frozenset[str] = frozenset()
    assignments: frozenset[Assignment] = frozenset()
    grants: tuple[Grant, ...] = ()
    glasses: tuple[Glass, ...] = ()
    enabled: bool = True
    strong: bool = False

    @property
    def is_staff(self) -> bool:
        """Do they act for the government?"""
        return bool(self.roles & STAFF)


@dataclass(frozen=True, slots=True)
class Target:
    """What somebody would act on. What is None is not there, and a condition that needs it fails.

    Attributes:
        subject: whose file it is, as `kind:id`.
        district: where it lies: of the case, the subject or the rule.
        programme: the benefit.
        offer: the offer.
        account: the account that would be changed.
        is_open: is the case open? None: it is no case.
        lease_holder: the officer who has it in hand.
        lease_until: until when.
        hands: accounts that had a hand in it: whoever took the step which this act would be the second to.
    """

    subject: str | None = None
    district: str | None = None
    programme: str | None = None
    offer: str | None = None
    account: str | None = None
    is_open: bool | None = None
    lease_holder: str | None = None
    lease_until: dt.datetime | None = None
    hands: frozenset[str] = field(default_factory=frozenset)


NOTHING_IN_PARTICULAR: Final = Target()
"""Where an act is on no one object: reading figures, running a sweep."""


class Grants(Protocol):
    """Where the grants of proxies and live helps are kept."""

    def open_grants(self, connection: Connection, account: str, now: dt.datetime) -> tuple[Grant, ...]:
        """The grants that an account holds at a moment."""
        ...


class Kin(Protocol):
    """What the registers say about whose affairs are one person's: their households, wards under a guardianship."""

    def subjects_of(self, connection: Connection, subject: str, now: dt.datetime) -> frozenset[str]:
        """Other subjects, as `kind:id`, that somebody may act for as for themself."""
        ...


class NoKin:
    """Where everybody acts for nobody but themself."""

    def subjects_of(self, connection: Connection, subject: str, now: dt.datetime) -> frozenset[str]:
        return frozenset()


class NoGrants:
    """Where nobody acts for anybody else."""

    def open_grants(self, connection: Connection, account: str, now: dt.datetime) -> tuple[Grant, ...]:
        return ()
