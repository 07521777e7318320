"""What follows a sweep: tiers, registers, households settled, entitlements and their first steps, breakers, an account.

Whatever was done is there; whatever was not is done by the next call. Nothing is delivered here: what is approved waits
in the outbox for the sender.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from sqlalchemy import Connection, Engine

from features.facts.units import MINOR_UNITS
from features.history.records import View
from rules.answers import amount_unit
from rules.rulebook import Rulebook
from serving.casework.clocks import Clocks, Kind
from serving.casework.holding import ask_whether_still_entitled
from serving.casework.periods import ONCE, PER, period_of
from serving.day import entitling
from serving.day.accounts import (
    begin,
    complete,
    count_waiting,
    counts_of,
    found_today,
    held_today,
    last_counts,
    may_be_automatic,
    tiers_of_everybody,
)
from serving.day.bundling import Bundler
from serving.day.districts import districts_of
from serving.day.entitling import Change, Terms
from serving.day.registers import look_after_registers
from serving.day.settling import Speaking, changes_of, keep_knots
from serving.day.tiering import tier_sweep
from serving.delivery.bundles.preparation import prepare
from serving.delivery.terms import Programmes
from serving.stops.breakers import trip_unusual, unusual
from serving.stops.buttons import Scope, pressed
from serving.store import sweeps
from serving.store.database import Session
from serving.store.sweeps import Sweep
from serving.sweep.identities import UnifiedHistory
from serving.sweep.planning import read_links
from serving.sweep.rulebooks import Pinned

OFFER_DAYS = 30
"""So long an answer is waited for (Portugal's social energy tariff leaves 30 days: research.md)."""


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
    """

    pinned: Pinned
    history: UnifiedHistory
    views: Sequence[View]
    loads: Path
    programmes: Programmes
    clocks: Clocks


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
        waiting: automatic ones that wait because something is stopped, or the sweep's check did not pass.
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

    def account(self) -> dict[str, object]:
        """Its counts, as they are kept."""
        return {
            "tiers": dict(self.tiers), "found": self.found, "superseded": self.superseded, "steps": dict(self.steps),
            "asked": self.asked, "knots": self.knots, "tripped": list(self.tripped), "waiting": self.waiting,
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
        CountsDifferError: determinations went in and did not come out: nothing is delivered.
    """
    tier_sweep(
        session, ground.pinned, ground.history, ground.programmes, at,
        tell=lambda done, total: tell("computing tiers", done, total),
    )  # fmt: skip
    sweep = sweeps.last_complete(session)
    assert sweep is not None
    run = _Run(engine, ground, sweep, at, tell)
    with engine.connect() as connection:
        return run.on(connection)


class _Run:
    """One run after one sweep."""

    def __init__(self, engine: Engine, ground: Ground, sweep: Sweep, at: dt.datetime, tell: Tell) -> None:
        self.engine, self.ground, self.sweep, self.at, self.tell = engine, ground, sweep, at, tell
        self.rulebook = ground.pinned.rulebook
        self.terms = terms_of(self.rulebook, ground.programmes, ground.clocks, sweep.on_date, at)

    def on(self, connection: Connection) -> Delivered:
        begin(connection, self.sweep.id, self.at)
        look_after_registers(
            connection, self.ground.loads, self.rulebook, self.ground.views, self.ground.programmes,
            self.sweep.on_date, self.at, sweep=self.sweep,
        )  # fmt: skip
        connection.commit()
        self.tell("looking at everybody's tiers", 0, 0)
        tiers = tiers_of_everybody(connection, self.sweep)
        entitling.look(connection)
        counts = counts_of(connection, self.sweep, self.terms.caps)
        findings = unusual(last_counts(connection, self.sweep.id), counts)
        trip_unusual(connection, findings, self.at)
        tripped = sorted({finding.benefit for finding in findings})
        connection.commit()
        changes, knots = self._settle(connection)
        found = entitling.find(connection, self.terms, self._districts, changes, self.at)
        superseded = entitling.supersede(connection, self.terms, self.at)
        asked = len(ask_whether_still_entitled(connection, entitling.turned(connection, self.terms), self.at))
        connection.commit()
        self.tell("first steps", 0, 0)
        stopped = sorted({stop.name for stop in pressed(connection) if stop.scope is Scope.BENEFIT})
        connection.commit()
        automatic = may_be_automatic(connection, self.sweep, self.at)
        steps = entitling.take_first_steps(self.engine, self.terms, self.at, automatic=automatic, stopped=stopped)
        waiting = count_waiting(connection)
        done = Delivered(self.sweep, tiers, found, superseded, steps, asked, knots, tripped, waiting)
        complete(connection, self.sweep.id, counts, done.account(), self.at)
        connection.commit()
        return done

    def _settle(self, connection: Connection) -> tuple[list[Change], int]:
        """Weigh what is tied against each other, household by household."""
        prepared = prepare(self.rulebook, self.sweep.on_date)
        links = read_links(self.ground.history, self.ground.pinned, self.sweep)
        bundler = Bundler(prepared, self.ground.history, links, self.sweep.known_at)
        found, held = found_today(connection), held_today(connection, self.terms, self.rulebook, self.sweep.on_date)
        connection.commit()  # weighing takes minutes, and nothing of it is written
        knots = list(bundler.settle(found, held, lambda done, total: self.tell("settling households", done, total)))
        owed = {each.item for each in found if each.eligible}
        speaking = Speaking(self.rulebook)
        kept = keep_knots(connection, self.sweep.id, knots, owed, speaking)
        connection.commit()
        return list(changes_of(knots, owed, speaking)), kept

    def _districts(self, kind: str, ids: pl.Series) -> pl.DataFrame:
        sweep = self.sweep
        return districts_of(self.ground.history, self.rulebook, sweep.on_date, sweep.known_at, kind, ids)


def terms_of(rulebook: Rulebook, programmes: Programmes, clocks: Clocks, on_date: dt.date, at: dt.datetime) -> Terms:
    """What decides how an entitlement begins on a day.

    A public notice lasts so many working days as its law says days: none ends before the law lets it.
    """
    noticed = {
        name: clocks.days.end_of(clocks.days.after(clocks.days.day_of(at), plan.benefit.delivery.public_notice_days))
        for name, plan in rulebook.benefits.items()
        if plan.benefit.delivery.public_notice_days
    }
    caps = {
        name: int(cap * (MINOR_UNITS if amount_unit(plan, rulebook.currency) == rulebook.currency else 1))
        for name, plan in rulebook.in_force(on_date).items()
        if (cap := programmes.of(name).cap) is not None
    }
    return Terms(
        periods={per: period_of(per, on_date).key for per in PER} | {"": ONCE},
        notice_until=noticed,
        answer_until=at + dt.timedelta(days=OFFER_DAYS),
        review_until=clocks.due(Kind.REVIEW, at),
        caps=caps,
        minor={rulebook.currency: MINOR_UNITS},
    )
