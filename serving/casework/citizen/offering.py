"""Offering: what is there for the taking, until when, and who is told of it; and putting up for others to object."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from serving.casework.citizen.notices import offer
from serving.casework.citizen.offers import next_step
from serving.casework.moves import By, Entitlement, make_move
from serving.casework.periods import local_day, start_of
from serving.casework.states import State
from serving.casework.working_days import WorkingDays
from serving.store.tables.citizens import bundle, bundle_member


class Unanswered(enum.StrEnum):
    """What no answer to an offer means."""

    STAYS_OPEN = "stays_open"
    """It may be claimed as long as the period allows, and is offered again."""
    DELIVERS = "delivers"
    """The law asks for no will: a human sees to it that it is delivered."""
    LAPSES = "lapses"
    """Nobody reminds them any more. They may still claim it."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How long things wait, for one benefit.

    Attributes:
        answer_days: days from an offer until no answer counts as silence.
        remind_after_days: days from an offer to each reminder, ascending.
        unanswered: what silence means.
        again_after_days: days from silence to the next offer, where it stays open.
        public_notice_days: whole days on which others may object; 0: none.
    """

    answer_days: int = 30
    remind_after_days: tuple[int, ...] = (10, 20)
    unanswered: Unanswered = Unanswered.STAYS_OPEN
    again_after_days: int = 90
    public_notice_days: int = 0


@dataclass(frozen=True, slots=True)
class Wait:
    """What decides how long things wait.

    Attributes:
        terms: of a benefit.
        zone: where days begin and end.
        working: the days that count for a public notice, where only working days do; None: all do.
    """

    terms: Callable[[str], Terms]
    zone: ZoneInfo
    working: WorkingDays | None = None

    def end_of_notice(self, benefit: str, since: dt.datetime) -> dt.datetime:
        """When the public notice of a benefit is over that is put up at a moment."""
        days = self.terms(benefit).public_notice_days
        if self.working is None:
            return end_of_notice(since, days, self.zone)
        return self.working.end_of(self.working.after(self.working.day_of(since), days))


def make_offer(
    connection: Connection, of: Entitlement, by: By, wait: Wait, at: dt.datetime, *, alone: bool = True
) -> Entitlement:
    """Offer an entitlement, and have its addressee told.

    Args:
        connection: in a transaction.
        of: detected, in review (by an officer), silent.
        by: who offers.
        wait: how long.
        at: the moment.
        alone: tell of it by itself; no: a bundle does.
    """
    of = make_move(connection, of, State.OFFERED, by, at)
    next_step(connection, of.id, next_reminder(wait.terms(of.benefit), at, at))
    if alone:
        tell(connection, of, 0, at)
    return of


def publish(connection: Connection, of: Entitlement, by: By, wait: Wait, at: dt.datetime) -> Entitlement:
    """Put an entitlement where others may object, for its whole days."""
    of = make_move(connection, of, State.PUBLIC_NOTICE, by, at)
    next_step(connection, of.id, wait.end_of_notice(of.benefit, at))
    return of


def end_of_notice(since: dt.datetime, days: int, zone: ZoneInfo) -> dt.datetime:
    """When a public notice is over: the day on which it was put up does not count, and the last one counts whole."""
    return start_of(local_day(since, zone) + dt.timedelta(days=days + 1), zone)


def next_reminder(terms: Terms, offered: dt.datetime, now: dt.datetime) -> dt.datetime:
    """When somebody is reminded next of what they were offered, or when it runs out."""
    days = (*terms.remind_after_days, terms.answer_days)
    return min(moment for each in days if (moment := offered + dt.timedelta(days=each)) > now)


def tell(connection: Connection, of: Entitlement, reminder: int, at: dt.datetime) -> None:
    """Once for an offer, or once for all offers of its bundle."""
    query = (
        select(bundle.c.id, bundle.c.addressee_kind, bundle.c.addressee)
        .join(bundle_member, bundle_member.c.bundle == bundle.c.id)
        .where(bundle_member.c.entitlement == of.id)
        .order_by(bundle.c.id.desc())
        .limit(1)
    )
    found = connection.execute(query).one_or_none()
    if found is None:
        offer(
            connection, f"{of.id}|{of.revision}|{reminder}", of.benefit, (of.kind, of.subject), at, entitlement=of.id,
            payload={"reminder": reminder, "revision": of.revision},
        )  # fmt: skip
        return
    offer(
        connection, f"bundle|{found.id}|{of.revision}|{reminder}", of.benefit,
        (found.addressee_kind, found.addressee), at, payload={"reminder": reminder, "bundle": found.id},
    )  # fmt: skip
