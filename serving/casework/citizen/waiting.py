"""What time brings about: reminders, silence, the end of a public notice, delivery after a yes.

Each entitlement whose moment has come is taken by one worker (SKIP LOCKED), moved, and committed by itself: several
workers may run this, and one that is killed leaves nothing half done. Silence is never a waiver: what ran out can
still be claimed, and no way leads from silence to a no.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from time import perf_counter
from typing import cast

from sqlalchemy import Connection, Engine, Select, and_, exists, func, or_, select, tuple_

from serving.casework.citizen.offering import Unanswered, Wait, make_offer, next_reminder, publish, tell
from serving.casework.citizen.offers import next_step
from serving.casework.citizen.opening import CaseKind, about, open_case
from serving.casework.errors import CaseworkError
from serving.casework.moves import By, Entitlement, make_move, read_entitlement
from serving.casework.states import Actor, State
from serving.store.tables.casework import case_file, entitlement, hold, move

SYSTEM = By(Actor.SYSTEM, "waiting")
_REFUSED_AUTOMATION = "refused_automation"
AGAIN = dt.timedelta(minutes=15)
"""After what stood in the way (a stop button) one looks again so much later."""


_MANY = 500
_SINCE = func.coalesce(entitlement.c.next_step_at, entitlement.c.detected_at)
"""Since when something is due, for the order; what never had a moment of its own since it was detected."""


def pass_time(
    engine: Engine,
    now: dt.datetime,
    wait: Wait,
    at_most: int = 10_000,
    rest: Callable[[float], None] = lambda seconds: None,
) -> Counter[str]:
    """Do what is due, one entitlement after the other, each in a transaction of its own.

    Args:
        engine: with the application's rights.
        now: the moment.
        wait: how long things wait.
        at_most: so many entitlements.
        rest: is told after each how many seconds it took, and may pause: people who ask meanwhile come first.

    Returns:
        How many went which way.
    """
    done: Counter[str] = Counter()
    for number in islice(_due_now(engine, now), at_most):
        began = perf_counter()
        with engine.begin() as connection:
            # Another worker may have it, or have done it.
            still = _due(now).where(entitlement.c.id == number).with_for_update(skip_locked=True)
            if connection.execute(still).first() is not None:
                done[_pass(connection, read_entitlement(connection, number), wait, now)] += 1
        rest(perf_counter() - began)
    return done


def _due_now(engine: Engine, now: dt.datetime) -> Iterator[int]:
    """Entitlements whose moment has come, longest due first: each once, whatever becomes of it.

    To find the next one costs as much as to find them all, so that they are looked for many at a time.
    """
    place: tuple[dt.datetime, int] | None = None
    while True:
        query = _due(now).order_by(_SINCE, entitlement.c.id).limit(_MANY)
        if place is not None:
            query = query.where(tuple_(_SINCE, entitlement.c.id) > place)
        with engine.connect() as connection:
            rows = connection.execute(query).all()
        for row in rows:
            yield row.id
        if len(rows) < _MANY:
            return
        place = (rows[-1].since, rows[-1].id)


def _due(now: dt.datetime) -> Select[int, dt.datetime]:
    of = entitlement.c
    asked = exists().where(
        case_file.c.entitlement == of.id, case_file.c.kind == CaseKind.PERSON_WANTED, case_file.c.state != "closed"
    )
    waits = of.state.in_([State.OFFERED, State.SILENT])
    by_itself = and_(of.next_step_at <= now, of.state.in_(_STEPS), ~_HELD, ~(waits & asked))
    # What is held waits for whoever holds it, as long as somebody looks into it.
    forgotten = and_(
        of.state.in_(_STEPS.keys() | _STAND), _HELD, ~_LOOKED_INTO, func.coalesce(of.next_step_at, now) <= now
    )
    # Who asked for a person is not pressed.
    return select(of.id, _SINCE.label("since")).where(or_(by_itself, forgotten))


def _pass(connection: Connection, of: Entitlement, wait: Wait, now: dt.datetime) -> str:
    try:
        with connection.begin_nested():
            if _is_held(connection, of):
                _to_human(connection, of, CaseKind.REVIEW, "held", now)
                return "to_human"
            return _STEPS[of.state](connection, of, wait, now)
    except CaseworkError:
        # A stop button, a hold, somebody who was faster: the others go on, and this one is looked at again.
        next_step(connection, of.id, now + AGAIN)
        return "waits"


def _after_question(connection: Connection, of: Entitlement, wait: Wait, now: dt.datetime) -> str:
    """A fact that was asked for and did not come: a human looks, for no answer is no no."""
    until = _since(connection, of) + dt.timedelta(days=wait.terms(of.benefit).answer_days)
    if now < until:
        next_step(connection, of.id, until)
        return "waits"
    _to_human(connection, of, CaseKind.REVIEW, "fact_not_given", now)
    return "to_human"


def _after_offer(connection: Connection, of: Entitlement, wait: Wait, now: dt.datetime) -> str:
    terms = wait.terms(of.benefit)
    offered = _since(connection, of)
    if now < offered + dt.timedelta(days=terms.answer_days):
        passed = [n for n, days in enumerate(terms.remind_after_days, 1) if offered + dt.timedelta(days=days) <= now]
        next_step(connection, of.id, next_reminder(terms, offered, now))
        if not passed:
            # Whoever offers by a rule tells of it; an officer's decision does not.
            if _offered_by_officer(connection, of):
                tell(connection, of, 0, now)
            return "waits"
        tell(connection, of, passed[-1], now)
        return "reminded"
    silent = make_move(connection, of, State.SILENT, SYSTEM, now)
    if terms.unanswered is Unanswered.DELIVERS:
        _to_human(connection, silent, CaseKind.REVIEW, "unanswered", now)
        return "to_human"
    again = terms.unanswered is Unanswered.STAYS_OPEN
    next_step(connection, of.id, now + dt.timedelta(days=terms.again_after_days) if again else None)
    return "silent"


def _after_silence(connection: Connection, of: Entitlement, wait: Wait, now: dt.datetime) -> str:
    make_offer(connection, of, SYSTEM, wait, now)
    return "offered"


def _after_yes(connection: Connection, of: Entitlement, wait: Wait, now: dt.datetime) -> str:
    if wait.terms(of.benefit).public_notice_days and not _wants_human(connection, of):
        publish(connection, of, SYSTEM, wait, now)
        return "public_notice"
    return _approve(connection, of, wait, now)


def _approve(connection: Connection, of: Entitlement, _: Wait, now: dt.datetime) -> str:
    if _wants_human(connection, of):
        _to_human(connection, of, CaseKind.AUTOMATION_REFUSED, _REFUSED_AUTOMATION, now)
        return "to_human"
    if of.over_cap or not (of.tier == "automatic" or _somebody_said_yes(connection, of)):
        _to_human(connection, of, CaseKind.REVIEW, "above_cap" if of.over_cap else "nobody_agreed", now)
        return "to_human"
    make_move(connection, of, State.APPROVED, SYSTEM, now)
    next_step(connection, of.id, None)
    return "approved"


_STEPS: dict[State, Callable[[Connection, Entitlement, Wait, dt.datetime], str]] = {
    State.ASK: _after_question,
    State.OFFERED: _after_offer,
    State.SILENT: _after_silence,
    State.CONFIRMED: _after_yes,
    State.PUBLIC_NOTICE: _approve,
}


_HELD = exists().where(
    hold.c.entitlement == entitlement.c.id, hold.c.released_at.is_(None), hold.c.code != _REFUSED_AUTOMATION
)
_LOOKED_INTO = exists().where(
    case_file.c.state != "closed",
    or_(
        case_file.c.entitlement == entitlement.c.id,
        and_(case_file.c.kind == CaseKind.DEATH, case_file.c.subject == entitlement.c.subject),
    ),
)
_STAND = frozenset({State.DETECTED, State.APPROVED})
"""No time brings these on; but what is held there and nobody looks into goes to a human."""


def _is_held(connection: Connection, of: Entitlement) -> bool:
    return bool(connection.execute(select(_HELD).where(entitlement.c.id == of.id)).scalar_one())


def _wants_human(connection: Connection, of: Entitlement) -> bool:
    query = select(func.count()).where(
        hold.c.entitlement == of.id, hold.c.released_at.is_(None), hold.c.code == _REFUSED_AUTOMATION
    )
    return bool(connection.execute(query).scalar_one())


def _somebody_said_yes(connection: Connection, of: Entitlement) -> bool:
    """A citizen confirmed, or an officer put it up; whether it still counts, PostgreSQL judges."""
    said = (move.c.to_state == State.CONFIRMED) | (
        (move.c.to_state == State.PUBLIC_NOTICE) & (move.c.actor_kind == Actor.OFFICER)
    )
    query = select(func.count()).select_from(move).where(move.c.entitlement == of.id, said)
    return bool(connection.execute(query).scalar_one())


def _to_human(connection: Connection, of: Entitlement, kind: CaseKind, code: str, now: dt.datetime) -> None:
    why = {"code": code, "tier": of.tier}
    case = open_case(connection, kind, about(of), why, (SYSTEM.kind, SYSTEM.actor), now)
    make_move(connection, of, State.REVIEW, replace(SYSTEM, case=case), now)
    next_step(connection, of.id, None)


def _offered_by_officer(connection: Connection, of: Entitlement) -> bool:
    query = select(move.c.actor_kind).where(move.c.entitlement == of.id, move.c.revision == of.revision)
    return bool(connection.execute(query).scalar_one() == Actor.OFFICER)


def _since(connection: Connection, of: Entitlement) -> dt.datetime:
    """When it came to where it stands."""
    query = select(move.c.at).where(move.c.entitlement == of.id, move.c.revision == of.revision)
    return cast(dt.datetime, connection.execute(query).scalar_one())
