"""Stop buttons for a benefit, a channel or everything: pressed by one person, released by two, one after the other.

A sender looks at them when it takes deliveries and again right before each call (:mod:`serving.outbox.claims`): no call
begins after a press was acknowledged, but for the one that was beginning at that moment. What is not delivered rests
as `ready`.
"""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import RowMapping

from serving.stops.errors import SamePersonError, UnknownStopError
from serving.store.tables.stops import stop


class Scope(enum.StrEnum):
    """What a stop stops."""

    BENEFIT = "benefit"
    CHANNEL = "channel"
    ALL = "all"


class Cause(enum.StrEnum):
    """Who pressed it."""

    HUMAN = "human"
    BREAKER = "breaker"


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop that is, or was, pressed.

    Args:
        id: its number.
        scope: what it stops.
        name: of the benefit or channel; empty: everything.
        cause: who pressed it: a person, or a circuit breaker.
        pressed_by: the officer, or the breaker's name.
        reason: in words, about the system and never about a person.
        pressed_at: when.
        released_first_by: who took the first of the two steps.
        released_first_at: when.
        released_second_by: who took the second.
        released_at: when it ended.
    """

    id: int
    scope: Scope
    name: str
    cause: Cause
    pressed_by: str
    reason: str
    pressed_at: dt.datetime
    released_first_by: str | None
    released_first_at: dt.datetime | None
    released_second_by: str | None
    released_at: dt.datetime | None


def press(connection: Connection, scope: Scope, name: str, by: str, reason: str, now: dt.datetime) -> Stop:
    """Stop deliveries, from the moment at which the caller's transaction is committed.

    Pressing what is pressed already adds a stop of its own, with a release of its own: whoever presses is not overruled
    by a release that others had begun.

    Args:
        connection: in a transaction; commit at once.
        scope: of a benefit, a channel, or everything.
        name: of the benefit or channel; empty for everything.
        by: the officer's id.
        reason: why, about the system and never about a person.
        now: when.
    """
    values = {
        "scope": scope, "name": name, "cause": Cause.HUMAN, "pressed_by": by, "reason": reason, "pressed_at": now,
    }  # fmt: skip
    return _stop(connection.execute(insert(stop).values(values).returning(*stop.c)).mappings().one())


def trip(connection: Connection, scope: Scope, name: str, breaker: str, reason: str, now: dt.datetime) -> int | None:
    """Press as a circuit breaker does: once, until it is released.

    Returns:
        The number of the new stop; None: the breaker holds it already.
    """
    values = {
        "scope": scope, "name": name, "cause": Cause.BREAKER, "pressed_by": breaker, "reason": reason,
        "pressed_at": now,
    }  # fmt: skip
    query = postgresql.insert(stop).values(values).on_conflict_do_nothing().returning(stop.c.id)
    return connection.execute(query).scalar_one_or_none()


def release(connection: Connection, number: int, by: str, now: dt.datetime) -> Stop:
    """Take the next of the two steps that end a stop.

    Args:
        connection: in a transaction.
        number: of the stop.
        by: the officer's id: another for the second step than for the first.
        now: when.

    Returns:
        The stop: it goes on where `released_at` is empty.

    Raises:
        UnknownStopError: it is not pressed.
        SamePersonError: the same officer took the first step.
    """
    query = select(stop).where(stop.c.id == number, stop.c.released_at.is_(None)).with_for_update()
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        raise UnknownStopError(number)
    if found["released_first_by"] is None:
        step: dict[str, object] = {"released_first_by": by, "released_first_at": now}
    elif found["released_first_by"] == by:
        raise SamePersonError(number)
    else:
        step = {"released_second_by": by, "released_at": now}
    changed = connection.execute(update(stop).where(stop.c.id == number).values(step).returning(*stop.c))
    return _stop(changed.mappings().one())


def is_stopped(connection: Connection, benefit: str, channel: str) -> bool:
    """Whether nothing of a benefit may be delivered by a channel."""
    return bool(connection.execute(select(func.delivery_is_stopped(benefit, channel))).scalar_one())


def pressed(connection: Connection) -> list[Stop]:
    """All stops that are pressed, the oldest first."""
    query = select(stop).where(stop.c.released_at.is_(None)).order_by(stop.c.id)
    return [_stop(row) for row in connection.execute(query).mappings()]


def _stop(row: RowMapping) -> Stop:
    return Stop(**{**row, "scope": Scope(row["scope"]), "cause": Cause(row["cause"])})
