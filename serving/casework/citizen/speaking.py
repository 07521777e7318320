"""Who speaks about an entitlement: whose it is, a helper whom they let, or an officer who took it down.

A helper or an officer speaks as `proxy`: the yes is the elder's, not theirs, and an officer has no yes of their own. Of
an officer the row of `said_elsewhere` says how they know. PostgreSQL asks the same of every move.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, exists, insert, or_, select

from serving.casework.errors import NotFoundError
from serving.casework.moves import By, Entitlement
from serving.casework.sealing import OwnWords
from serving.casework.states import Actor
from serving.store.tables.casework import entitlement
from serving.store.tables.citizens import proxy, proxy_cover, said_elsewhere

PERSON = "person"


class How(enum.StrEnum):
    """How an officer knows what somebody said."""

    PAPER = "paper"
    COUNTER = "counter"
    HOME_VISIT = "home_visit"
    PHONE = "phone"


class Said(enum.StrEnum):
    """What somebody may say to an offer."""

    YES = "yes"
    NO = "no"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Speaker:
    """Somebody who has logged in, and for whom they speak by themselves.

    Attributes:
        person: their id.
        subjects: kind and id of whom they speak for: themselves, their household, their enterprise.
    """

    person: str
    subjects: frozenset[tuple[str, str]]

    @property
    def name(self) -> str:
        """As whom their requests are kept."""
        return f"{PERSON}:{self.person}"


@dataclass(frozen=True, slots=True)
class TakenDown:
    """An officer who takes down what somebody without a telephone or an account says.

    Attributes:
        officer: their id.
        of: whose words: kind and id.
        how: on paper, at a counter, at home, by telephone.
        document: SHA-256 of the scanned paper, in hexadecimal: whoever has a copy would know the row by it.
    """

    officer: str
    of: tuple[str, str]
    how: How
    document: OwnWords | None = None

    @property
    def name(self) -> str:
        """As whom their requests are kept."""
        return f"officer:{self.officer}"


Voice = Speaker | TakenDown


def itself(person: str, *others: tuple[str, str]) -> Speaker:
    """A person who speaks for themselves, and for the others that are named."""
    return Speaker(person, frozenset({(PERSON, person), *others}))


def speaks_as(connection: Connection, voice: Voice, of: Entitlement, at: dt.datetime) -> By:
    """As whom somebody makes moves of an entitlement.

    Raises:
        NotFoundError: it is not theirs, and nobody let them: then it does not exist for them.
    """
    if isinstance(voice, TakenDown):
        if (of.kind, of.subject) != voice.of:
            raise NotFoundError(f"There is no entitlement {of.id}.")
        return By(Actor.PROXY, voice.officer)
    if (of.kind, of.subject) in voice.subjects:
        return By(Actor.CITIZEN, voice.person)
    covered = select(entitlement.c.id).where(entitlement.c.id == of.id, _lets(voice.person, at))
    if connection.execute(covered).scalar_one_or_none() is None:
        raise NotFoundError(f"There is no entitlement {of.id}.")
    return By(Actor.PROXY, voice.person)


def take_down(connection: Connection, voice: Voice, of: Entitlement, said: Said, at: dt.datetime) -> None:
    """Note how an officer knows what they are about to enter; of others there is nothing to note."""
    if isinstance(voice, TakenDown):
        row: dict[str, object] = {
            "entitlement": of.id, "revision": of.revision, "said": said, "how": voice.how, "officer": voice.officer,
            "at": at,
        }  # fmt: skip
        if voice.document is not None:
            row = voice.document.in_new_row(said_elsewhere.c.scan, row)
        connection.execute(insert(said_elsewhere).values(row))


def seen_by(connection: Connection, voice: Speaker, at: dt.datetime) -> Sequence[int]:
    """The entitlements that exist for somebody: their own, and what they help with now."""
    name = entitlement.c.kind.concat(":").concat(entitlement.c.subject)
    own = name.in_([f"{kind}:{subject}" for kind, subject in voice.subjects])
    query = select(entitlement.c.id).where(or_(own, _lets(voice.person, at))).order_by(entitlement.c.id)
    return connection.execute(query).scalars().all()


def _lets(helper: str, at: dt.datetime) -> ColumnElement[bool]:
    # Named, because by itself an inner query reaches out by one level only: it would ask about any entitlement at all.
    covers = (
        exists()
        .where(
            proxy_cover.c.proxy == proxy.c.id,
            or_(proxy_cover.c.benefit == entitlement.c.benefit, proxy_cover.c.entitlement == entitlement.c.id),
        )
        .correlate(proxy, entitlement)
    )
    return (
        exists()
        .where(
            proxy.c.helper == helper,
            proxy.c.elder_kind == entitlement.c.kind,
            proxy.c.elder == entitlement.c.subject,
            proxy.c.revoked_at.is_(None),
            proxy.c.since <= at,
            or_(proxy.c.until.is_(None), proxy.c.until > at),
            or_(proxy.c.covers_all, covers),
        )
        .correlate(entitlement)
    )
