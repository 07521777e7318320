"""Helpers: who may speak for somebody, about what, until when. Established before an officer, revocable at once.

A helper sees and answers only what the proxy covers: benefits, or single entitlements. Only a guardian covers
everything, also what is not known yet. Both sides get a receipt of every answer (see `notices.receipts`).
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from serving.casework.citizen.opening import intend
from serving.casework.citizen.speaking import PERSON, Speaker
from serving.casework.errors import NotAllowedError, NotFoundError
from serving.casework.moves import refusals
from serving.casework.states import Actor
from serving.store.tables.citizens import proxy, proxy_cover


class Established(enum.StrEnum):
    """How somebody was made a helper."""

    COUNTER = "counter"
    HOME_VISIT = "home_visit"
    GUARDIAN = "guardian"


@dataclass(frozen=True, slots=True)
class Proxy:
    """Who may speak for whom.

    Attributes:
        elder: kind and id of whom they speak for.
        helper: the person who speaks.
        benefits: which they cover, of every period.
        entitlements: which single ones they cover.
        covers_all: everything; only a guardian's.
        since: from when.
        until: until when; None: a guardian's, until it is revoked.
        established: how.
    """

    elder: tuple[str, str]
    helper: str
    since: dt.datetime
    until: dt.datetime | None
    established: Established
    benefits: tuple[str, ...] = ()
    entitlements: tuple[int, ...] = ()
    covers_all: bool = False


def establish(connection: Connection, wanted: Proxy, officer: str, at: dt.datetime) -> int:
    """Let somebody speak for somebody else, both before an officer.

    Returns:
        The number of the proxy.

    Raises:
        NotAllowedError: it covers nothing, has no end, or somebody would help themselves.
    """
    if not (wanted.covers_all or wanted.benefits or wanted.entitlements):
        raise NotAllowedError("A proxy says what it covers: name benefits or entitlements.")
    with refusals("proxy", 0, 0, lambda: (), connection):
        number = connection.execute(
            insert(proxy)
            .values(
                elder_kind=wanted.elder[0], elder=wanted.elder[1], helper=wanted.helper, covers_all=wanted.covers_all,
                since=wanted.since, until=wanted.until, established=wanted.established, recorded_by=officer,
                recorded_at=at,
            )
            .returning(proxy.c.id)
        ).scalar_one()  # fmt: skip
        covers = [{"proxy": number, "benefit": each, "entitlement": None} for each in dict.fromkeys(wanted.benefits)]
        covers += [
            {"proxy": number, "benefit": None, "entitlement": each} for each in dict.fromkeys(wanted.entitlements)
        ]
        if covers:
            connection.execute(insert(proxy_cover), covers)
    payload = {"established": wanted.established.value, "benefits": list(wanted.benefits), "all": wanted.covers_all}
    intend(connection, "proxy:established", "officer", officer, "proxy", str(number), payload, at)
    return int(number)


def revoke(connection: Connection, number: int, voice: Speaker, at: dt.datetime) -> None:
    """Take it back, at once: whoever let them, or the helper themselves.

    Raises:
        NotFoundError: there is no such open proxy for them.
    """
    found = connection.execute(select(proxy).where(proxy.c.id == number, proxy.c.revoked_at.is_(None))).one_or_none()
    theirs = found is not None and ((found.elder_kind, found.elder) in voice.subjects or found.helper == voice.person)
    if not theirs:
        raise NotFoundError(f"There is no proxy {number}.")
    _end(connection, number, Actor.CITIZEN, voice.person, at)


def revoke_on_behalf(connection: Connection, number: int, officer: str, at: dt.datetime) -> None:
    """Take it back before an officer, for whoever has no account, or because a guardianship ended.

    Raises:
        NotFoundError: there is no such open proxy.
    """
    _end(connection, number, Actor.OFFICER, officer, at)


def proxies_of(connection: Connection, elder: tuple[str, str]) -> Sequence[int]:
    """The numbers of the proxies that somebody gave and did not take back."""
    query = select(proxy.c.id).where(
        proxy.c.elder_kind == elder[0], proxy.c.elder == elder[1], proxy.c.revoked_at.is_(None)
    )
    return connection.execute(query.order_by(proxy.c.id)).scalars().all()


def _end(connection: Connection, number: int, kind: Actor, actor: str, at: dt.datetime) -> None:
    ended = connection.execute(
        update(proxy)
        .where(proxy.c.id == number, proxy.c.revoked_at.is_(None))
        .values(revoked_at=at, revoked_by=f"{PERSON if kind is Actor.CITIZEN else kind}:{actor}")
    )
    if ended.rowcount != 1:
        raise NotFoundError(f"There is no proxy {number}.")
    intend(connection, "proxy:revoked", kind, actor, "proxy", str(number), {}, at)
