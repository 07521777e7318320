"""The automatic grants of a month, read from the moves: what was approved with no human in it."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, exists, select

from rules.determination import Outcome
from serving.casework.periods import local_day, period_named, start_of
from serving.casework.quality.choosing import Candidate
from serving.casework.states import Actor, State
from serving.store.tables.casework import entitlement, move


def automatic_grants(connection: Connection, benefit: str, month: str, zone: ZoneInfo) -> list[Candidate]:
    """What the machine granted of a benefit in a month, by itself.

    Args:
        connection: to read with.
        benefit: which.
        month: like `2026-03`.
        zone: where the month begins and ends.
    """
    period = period_named("month", month)
    before = move.alias("before")
    somebody = exists().where(
        before.c.entitlement == move.c.entitlement, before.c.revision < move.c.revision,
        before.c.actor_kind != Actor.SYSTEM,
    )  # fmt: skip
    query = (
        select(entitlement, move.c.at)
        .join(move, move.c.entitlement == entitlement.c.id)
        .where(
            entitlement.c.benefit == benefit,
            move.c.to_state == State.APPROVED,
            move.c.actor_kind == Actor.SYSTEM,
            move.c.at >= start_of(period.start, zone),
            move.c.at < start_of(period.end, zone),
            ~somebody,
        )
        .order_by(move.c.id)
    )
    return [
        Candidate(
            row.kind, row.subject, row.benefit, row.sweep, local_day(_moment(row.at), zone), Outcome.ELIGIBLE,
            row.amount_minor, row.at, row.period,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def _moment(at: object) -> dt.datetime:
    assert isinstance(at, dt.datetime)
    return at
