"""Breaking the glass: one file opened against the rules, with a reason, and a supervisor is told."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, any_, insert, literal, select, update

from serving.access.actors import GLASS_OPEN, Actor
from serving.access.conditions import Moment, lies_in
from serving.access.errors import NobodyToTellError, ReasonTooShortError
from serving.access.roles import Role
from serving.store.tables.access import broken_glass, staff_account, supervisor_told

SHORTEST_REASON: Final = 20
"""Characters: as for the code OTHER of an override (review.md)."""
Seal = Callable[[str, uuid.UUID], bytes]
"""Encrypts an officer's own words, bound to the row that holds them."""


def break_glass(
    connection: Connection, actor: Actor, subject: str, reason: str, seal: Seal, moment: Moment
) -> uuid.UUID:
    """Open one subject's file to an officer for a quarter of an hour.

    Ask the gate for `glass:break` first. The supervisors posted over the officer's own district are told: it is their
    officer, whosever file it is.

    Args:
        connection: in a transaction.
        actor: the officer.
        subject: `kind:id`.
        reason: in their own words.
        seal: encrypts the reason.
        moment: now.

    Raises:
        ReasonTooShortError: it says nothing.
        NobodyToTellError: no supervisor in service is posted over the officer.
    """
    if len(reason.strip()) < SHORTEST_REASON:
        raise ReasonTooShortError(SHORTEST_REASON)
    supervisors = _supervisors_of(connection, actor, moment)
    if not supervisors:
        raise NobodyToTellError
    number = uuid.uuid4()
    kind, _, name = subject.partition(":")
    connection.execute(
        insert(broken_glass).values(
            id=number, officer=actor.account, kind=kind, subject=name, reason=seal(reason.strip(), number),
            opened_at=moment.now, until_at=moment.now + GLASS_OPEN,
        )
    )  # fmt: skip
    told = [{"glass": number, "supervisor": one, "told_at": moment.now} for one in supervisors]
    connection.execute(insert(supervisor_told), told)
    return number


def glasses_to_review(connection: Connection, supervisor: str) -> list[uuid.UUID]:
    """The glasses that a supervisor was told of and nobody has looked at yet, oldest first."""
    return list(
        connection.execute(
            select(broken_glass.c.id)
            .join(supervisor_told, supervisor_told.c.glass == broken_glass.c.id)
            .where(supervisor_told.c.supervisor == supervisor, broken_glass.c.reviewed_at.is_(None))
            .order_by(broken_glass.c.opened_at)
        ).scalars()
    )


def review_glass(connection: Connection, number: uuid.UUID, supervisor: str, now: dt.datetime) -> None:
    """A supervisor has looked at it; PostgreSQL refuses the officer themself."""
    open_one = (broken_glass.c.id == number, broken_glass.c.reviewed_at.is_(None))
    connection.execute(update(broken_glass).where(*open_one).values(reviewed_by=supervisor, reviewed_at=now))
    theirs = (supervisor_told.c.glass == number, supervisor_told.c.supervisor == supervisor)
    connection.execute(update(supervisor_told).where(*theirs).values(seen_at=now))


def _supervisors_of(connection: Connection, actor: Actor, moment: Moment) -> list[str]:
    rows = connection.execute(
        select(staff_account.c.id, staff_account.c.district)
        .where(
            literal(str(Role.SUPERVISOR)) == any_(staff_account.c.roles),
            staff_account.c.state == "active",
            staff_account.c.id != actor.account,
        )
        .order_by(staff_account.c.id)
    )
    return [row.id for row in rows if lies_in(actor.district, row.district, moment)]
