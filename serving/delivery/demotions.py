"""Rows of `register_health` and `demotion`: what became different is written, with its audit intent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from serving.delivery.health import Demoted, Trouble
from serving.store.tables.casework import audit_intent
from serving.store.tables.tiers import demotion, register_health

HEALTHY, DEGRADED = "healthy", "degraded"
_ACTOR = "register_health"
_LOCK = 0x41464445


@dataclass(frozen=True, slots=True)
class InForce:
    """A demotion that is in force."""

    id: int
    benefit: str
    register: str | None
    cause: str
    detail: str
    ceiling: str
    since: dt.datetime


@dataclass(frozen=True, slots=True)
class Settled:
    """What a look at the registers changed: registers whose state is another, demotions begun and ended."""

    registers: tuple[tuple[str, str], ...]
    demoted: tuple[tuple[str, str | None], ...]
    promoted: tuple[tuple[str, str | None], ...]


def in_force(connection: Connection) -> list[InForce]:
    """Every demotion that has not ended, by benefit."""
    columns = (demotion.c[name] for name in ("id", "benefit", "register", "cause", "detail", "ceiling", "since"))
    rows = connection.execute(
        select(*columns).where(demotion.c.until.is_(None)).order_by(demotion.c.benefit, demotion.c.id)
    )
    return [InForce(*row) for row in rows]


def settle(
    connection: Connection,
    troubles: Mapping[str, Sequence[Trouble]],
    wanted: Iterable[Demoted],
    measured: Collection[str],
    now: dt.datetime,
) -> Settled:
    """Write down how registers are, begin the demotions that ought to be in force, end those that need not be.

    Within the caller's transaction, and one at a time: two that look at once would write the same thing twice.

    Args:
        connection: of the database.
        troubles: what is wrong with each register.
        wanted: the ceilings that ought to be in force.
        measured: the benefits whose error was measured: of others a demotion for its sake stays.
        now: the moment.
    """
    connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    registers = _note_health(connection, troubles, now)
    needed = {(one.benefit, one.register): one for one in wanted}
    there = {(one.benefit, one.register): one for one in in_force(connection)}
    begun = [needed[key] for key in sorted(needed.keys() - there.keys(), key=str)]
    over = (key for key in there.keys() - needed.keys() if key[1] is not None or key[0] in measured)
    ended = [there[key] for key in sorted(over, key=str)]
    for new in begun:
        _begin(connection, new, now)
    for old in ended:
        _end(connection, old, now)
    return Settled(
        tuple(registers),
        tuple((one.benefit, one.register) for one in begun),
        tuple((one.benefit, one.register) for one in ended),
    )


def _note_health(
    connection: Connection, troubles: Mapping[str, Sequence[Trouble]], now: dt.datetime
) -> list[tuple[str, str]]:
    """A row for each register that is otherwise than its last row says; a register without a row was healthy."""
    last = select(func.max(register_health.c.id)).group_by(register_health.c.register)
    rows = connection.execute(select(register_health).where(register_health.c.id.in_(last)))
    before = {row.register: row.causes for row in rows}
    changed: list[tuple[str, str]] = []
    for register, found in sorted(troubles.items()):
        causes = [one.content() for one in found]
        if causes != before.get(register, []):
            state = DEGRADED if causes else HEALTHY
            connection.execute(
                insert(register_health).values(register=register, state=state, causes=causes, noted_at=now)
            )
            changed.append((register, state))
    return changed


def _begin(connection: Connection, new: Demoted, now: dt.datetime) -> None:
    values = {
        "benefit": new.benefit, "register": new.register, "cause": new.cause.value, "detail": new.detail,
        "ceiling": new.ceiling.value,
    }  # fmt: skip
    number = connection.execute(insert(demotion).values(**values, since=now).returning(demotion.c.id)).scalar_one()
    _intend(connection, "benefit:demoted", number, values, now)


def _end(connection: Connection, old: InForce, now: dt.datetime) -> None:
    connection.execute(update(demotion).where(demotion.c.id == old.id).values(until=now))
    payload = {"benefit": old.benefit, "register": old.register, "cause": old.cause, "ceiling": old.ceiling}
    _intend(connection, "benefit:promoted", old.id, payload, now)


def _intend(connection: Connection, action: str, number: int, payload: Mapping[str, object], now: dt.datetime) -> None:
    connection.execute(
        insert(audit_intent).values(
            action=action, actor_kind="system", actor=_ACTOR, object="demotion", object_id=str(number),
            payload=dict(payload), at=now,
        )
    )  # fmt: skip
