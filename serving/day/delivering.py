"""What follows a sweep: tiers, registers, holds, households settled, entitlements, first steps, samples, an account.

Whatever was done is there; whatever was not is done by the next call. Nothing is delivered here: what is approved waits
in the outbox for the sender.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from sqlalchemy import Connection, Engine

from features.facts.units import MINOR_UNITS
from features.history.records import View
from rules.answers import amount_unit
from rules.rulebook import Rulebook
from serving.casework.citizen.offering import Wait, next_reminder
from serving.casework.clocks import Clocks, Kind
from serving.casework.holding import ask_whether_still_entitled
from serving.casework.periods import ONCE, PER, period_of
from serving.day import entitling
from serving.day.accounts import (
    begin,
    complete,
    count_waiting,
    counts_of,
    events_known,
    found_today,
    held_today,
    is_complete,
    last_counts,
    may_be_automatic,
    tiers_of_everybody,
)
from serving.day.arising import Offers, about_to_be_offered, told_by_caseworker
from serving.day.bundling import Bundler
from serving.day.districts import districts_of
from serving.day.entitling import Change, Terms
from serving.day.errors import DeliveringBusyError
from serving.day.happenings import Happenings, Life, hold_what_waits
from serving.day.homes import Homes
from serving.day.reconciling import HandOver
from serving.day.registers import look_after_registers
from serving.day.sampling import MonthSecret, draw_last_month, measured, promise
from serving.day.settling import Speaking, changes_of, keep_knots
from serving.day.steps import Going, Together, offer_together, take_first_steps
from serving.day.tiering import tier_sweep
from serving.day.waits import wait_of
from serving.delivery.bundles.preparation import prepare
from serving.delivery.terms import Programmes
from serving.stops.breakers import Counts, trip_unusual, unusual
from serving.stops.buttons import Scope, pressed
from serving.store import sweeps
from serving.store.database import Session
from serving.store.sweeps import Sweep
from serving.sweep.identities import UnifiedHistory
from serving.sweep.planning import read_links
from serving.sweep.review import GrantForReview, grants_for_review
from serving.sweep.rulebooks import Pinned

_LOCK = 0x4146_4459
"""Whoever delivers holds this advisory lock; it is gone with them, whatever kills them."""


def _nobody_knows(_month: str) -> bytes | None:
    return None


@dataclass(frozen=True, slots=True)
class Ground:
    """What a day's delivery rests on.

    Attributes:
        pinned: the rulebook of the sweep.
        history: the facts.
        views: of the history.
        loads: where each load leaves its report ($APPLYFREE_HOME/loads).
        programmes: the operating terms.
        clocks: of cases.
        life: life events; None: there is no log of them.
        month_secret: of blind samples; where there is none, nothing is drawn.
    """

    pinned: Pinned
    history: UnifiedHistory
    views: Sequence[View]
    loads: Path
    programmes: Programmes
    clocks: Clocks
    life: Life | None = None
    month_secret: MonthSecret = _nobody_knows


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a day's delivery came to.

    Attributes:
        sweep: which it followed.
        tiers: determinations by tier.
        found: entitlements that are new.
        superseded: that are no longer owed, before anybody was told.
        steps: by new state, how many took their first step.
        asked: cases for what was told or paid and is no longer answered with yes.
        knots: households' items that were weighed against each other.
        tripped: benefits that a breaker stopped.
        waiting: automatic ones that wait because something is stopped or held, or the sweep's check did not pass.
        held: holds that were put because of what happened in people's lives.
        bundles: offers of one life event that went out as one.
        drawn: cases of blind samples, drawn of last month.
        events: the last part of the log of life events that was looked at.
        hand_overs: what came in and where it went, from step to step.
    """

    sweep: Sweep
    tiers: Mapping[str, int]
    found: int
    superseded: int
    steps: Mapping[str, int]
    asked: int
    knots: int
    tripped: Sequence[str]
    waiting: int
    held: int = 0
    bundles: int = 0
    drawn: int = 0
    events: int = 0
    hand_overs: Sequence[HandOver] = ()

    def account(self) -> dict[str, object]:
        """Its counts, as they are kept."""
        return {
            "tiers": dict(self.tiers), "found": self.found, "superseded": self.superseded, "steps": dict(self.steps),
            "asked": self.asked, "knots": self.knots, "tripped": list(self.tripped), "waiting": self.waiting,
            "held": self.held, "bundles": self.bundles, "drawn": self.drawn, "events": self.events,
            "hand_overs": {each.where: each.account() for each in self.hand_overs},
        }  # fmt: skip


Tell = Callable[[str, int, int], None]
"""Is told the phase, how much of it is done, and of how much (0: not known)."""


def deliver(
    session: Session, engine: Engine, ground: Ground, at: dt.datetime, tell: Tell = lambda _phase, _done, _total: None
) -> Delivered:
    """Do what follows the last complete sweep; whatever of it was done already is not done again.

    Args:
        session: of the database, as its owner.
        engine: with the application's rights, and time for long statements.
        ground: what it rests on.
        at: this moment.
        tell: is told of progress.

    Raises:
        NotSweptError: there is no complete sweep.
        DeliveringBusyError: another process is at it.
        CountsDifferError: something went in and did not come out: nothing more is delivered.
    """
    with alone(session):
        tier_sweep(
            session, ground.pinned, ground.history, ground.programmes, at,
            tell=lambda done, total: tell("computing tiers", done, total),
        )  # fmt: skip
        sweep = sweeps.last_complete(session)
        assert sweep is not None
        known = ground.history.identities(sweep.on_date, sweep.known_at)
        run = _Run(engine, ground, sweep, grants_for_review(session, known), at, tell)
        with engine.connect() as connection:
            connection.detach()  # what it keeps for itself (temporary tables) is nothing for the next one
            return run.on(connection)


@contextmanager
def alone(session: Session) -> Iterator[None]:
    """Be the one process that delivers."""
    taken = session.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
    if taken is None or taken[0] is not True:
        raise DeliveringBusyError
    try:
        yield
    finally:
        if not session.closed and not session.broken:
            session.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))


class _Run:
    """One run after one sweep."""

    def __init__(
        self,
        engine: Engine,
        ground: Ground,
        sweep: Sweep,
        review: Sequence[GrantForReview],
        at: dt.datetime,
        tell: Tell,
    ) -> None:
        self.engine, self.ground, self.sweep, self.at, self.tell = engine, ground, sweep, at, tell
        self.review = review
        self.rulebook = ground.pinned.rulebook
        self.wait = wait_of(self.rulebook, ground.programmes, ground.clocks)
        self.terms = terms_of(self.rulebook, ground.programmes, ground.clocks, self.wait, sweep.on_date, at)

    def on(self, connection: Connection) -> Delivered:
        begin(connection, self.sweep.id, self.at)
        promise(connection, self.ground.month_secret, self.wait.zone, self.at)
        connection.commit()
        happenings = self._happenings(connection)
        held = hold_what_waits(connection, happenings, self.review, self.at)
        self._look_after_registers(connection)
        self.tell("looking at everybody's tiers", 0, 0)
        tiers = tiers_of_everybody(connection, self.sweep)
        entitling.look(connection)
        counts, tripped = self._count(connection)
        bundler, changes, knots = self._settle(connection)
        noted = entitling.find(connection, self.terms, self._districts, changes, self.at)
        superseded = entitling.supersede(connection, self.terms, self.at)
        asked = len(ask_whether_still_entitled(connection, entitling.turned(connection, self.terms), self.at))
        connection.commit()
        dead = hold_what_waits(connection, happenings, self.review, self.at, detected=True)
        steps, bundles = self._take_first_steps(connection, bundler, happenings)
        drawn = draw_last_month(
            connection, self.ground.month_secret, sorted(self.rulebook.benefits), self.wait.zone, self.at
        )
        done = Delivered(
            self.sweep, tiers.went, noted.new, superseded, steps, asked, knots, tripped, count_waiting(connection),
            held.placed + dead.placed, bundles, drawn.total(), happenings.until, (tiers, *noted.hand_overs),
        )  # fmt: skip
        complete(connection, self.sweep, counts, done.account(), self.at)
        connection.commit()
        return done

    def _happenings(self, connection: Connection) -> Happenings:
        known = events_known(connection, self.sweep.id)
        connection.commit()
        return Happenings(None if self.ground.life is None else self.ground.life.log, known)

    def _look_after_registers(self, connection: Connection) -> None:
        look_after_registers(
            connection, self.ground.loads, self.rulebook, self.ground.views, self.ground.programmes,
            self.sweep.on_date, self.at, sweep=self.sweep, measured=measured(connection),
        )  # fmt: skip
        connection.commit()

    def _count(self, connection: Connection) -> tuple[dict[str, Counts], list[str]]:
        """Count what the breakers compare, and trip those that find it unusual.

        Once for a sweep: what two people have looked at and released is not stopped again for the same reason.
        """
        counts = counts_of(connection, self.sweep, self.terms.caps)
        findings = unusual(last_counts(connection, self.sweep.id), counts)
        if is_complete(connection, self.sweep.id):
            findings = []
        trip_unusual(connection, findings, self.at)
        connection.commit()
        return counts, sorted({finding.benefit for finding in findings})

    def _settle(self, connection: Connection) -> tuple[Bundler, list[list[Change]], int]:
        """Weigh what is tied against each other, household by household."""
        prepared = prepare(self.rulebook, self.sweep.on_date)
        links = read_links(self.ground.history, self.ground.pinned, self.sweep)
        bundler = Bundler(prepared, self.ground.history, links, Homes(links), self.sweep.known_at)
        found, held = found_today(connection), held_today(connection, self.terms, self.rulebook, self.sweep.on_date)
        connection.commit()  # weighing takes minutes, and nothing of it is written
        knots = list(bundler.settle(found, held, lambda done, total: self.tell("settling households", done, total)))
        owed = {each.item for each in found if each.eligible}
        speaking = Speaking(self.rulebook)
        kept = keep_knots(connection, self.sweep.id, knots, owed, speaking)
        connection.commit()
        return bundler, [list(changes_of(knots, owed, speaking)), list(told_by_caseworker(prepared, owed))], kept

    def _take_first_steps(
        self, connection: Connection, bundler: Bundler, happenings: Happenings
    ) -> tuple[Counter[str], int]:
        """What comes from one life event first, as bundles; then everything else."""
        self.tell("first steps", 0, 0)
        bundles: list[Together] = []
        if self.ground.life is not None and (events := happenings.spoken_of(self.sweep.on_date)):
            waiting = about_to_be_offered(connection)
            connection.commit()  # facts are read
            bundles = Offers(self.ground.life.kinds, bundler).together(waiting, events)
        stopped = sorted({stop.name for stop in pressed(connection) if stop.scope is Scope.BENEFIT})
        going = Going(may_be_automatic(connection, self.sweep, self.at), stopped)
        connection.commit()
        steps = offer_together(self.engine, bundles, self.terms, self.at)
        steps += take_first_steps(self.engine, self.terms, self.at, going)
        return steps, len(bundles)

    def _districts(self, kind: str, ids: pl.Series) -> pl.DataFrame:
        sweep = self.sweep
        return districts_of(self.ground.history, self.rulebook, sweep.on_date, sweep.known_at, kind, ids)


def terms_of(
    rulebook: Rulebook, programmes: Programmes, clocks: Clocks, wait: Wait, on_date: dt.date, at: dt.datetime
) -> Terms:
    """What decides how an entitlement begins on a day; how long it then waits, `wait` says to whoever goes on."""
    waits = {name: wait.terms(name) for name in rulebook.benefits}
    caps = {
        name: int(cap * (MINOR_UNITS if amount_unit(plan, rulebook.currency) == rulebook.currency else 1))
        for name, plan in rulebook.in_force(on_date).items()
        if (cap := programmes.of(name).cap) is not None
    }
    return Terms(
        periods={per: period_of(per, on_date).key for per in PER} | {"": ONCE},
        notice_until={name: wait.end_of_notice(name, at) for name, one in waits.items() if one.public_notice_days},
        remind_at={name: next_reminder(one, at, at) for name, one in waits.items()},
        cases={
            kind: (clocks.due(kind, at), clocks.first_touch_due(kind, at))
            for kind in (Kind.REVIEW, Kind.AUTOMATION_REFUSED)
        },
        caps=caps,
        minor={rulebook.currency: MINOR_UNITS},
    )
