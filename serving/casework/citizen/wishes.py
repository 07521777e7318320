"""Two wishes that hold until they are withdrawn: no pushes, of any department; and a human who decides.

Neither costs what somebody is owed. Who wants no pushes finds every offer where it was. Who wants a human is decided
about by one: what was on its way by machine waits for them, and what is found later goes to them from the start.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from sqlalchemy import Connection, Table, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from serving.casework.citizen.offers import next_step
from serving.casework.citizen.opening import CaseKind, about, intend, open_case
from serving.casework.errors import NotAllowedError
from serving.casework.moves import By, Entitlement, entitlements_of, make_move
from serving.casework.states import Actor, State, may_move
from serving.store.tables.casework import entitlement, hold
from serving.store.tables.citizens import automation_refusal, opt_out

Subject = tuple[str, str]
_ENGINE = By(Actor.SYSTEM, "wishes")
_CODE = "refused_automation"
UNDER_WAY = frozenset({
    State.DETECTED, State.ASK, State.OFFERED, State.SILENT, State.CONFIRMED, State.PUBLIC_NOTICE, State.APPROVED,
    State.RETURNED,
})  # fmt: skip
"""Where the machine would still take a step that a human is to take."""
_HOLDABLE = UNDER_WAY | {State.REFUSED, State.REVIEW, State.OBJECTED, State.SUPERSEDED}

_TO_THEM = """o.kind = 'offer' AND coalesce(o.payload ->> 'to',
        (SELECT e.kind || ':' || e.subject FROM entitlement e WHERE e.id = o.entitlement)) = :name"""
_KEEP_BACK = text(
    f"UPDATE outbox o SET state = 'held' WHERE o.state = 'ready' AND {_TO_THEM}"  # nosec B608 # of constants
)
_RELEASE_OFFERS = text(f"""
    UPDATE outbox o SET state = 'ready' WHERE o.state = 'held' AND {_TO_THEM}
    AND EXISTS (SELECT FROM entitlement e WHERE e.state IN ('offered', 'silent')
        AND (e.id = o.entitlement
             OR e.id IN (SELECT m.entitlement FROM bundle_member m WHERE m.bundle::text = o.payload ->> 'bundle'))
        AND NOT EXISTS (SELECT FROM hold h WHERE h.entitlement = e.id AND h.released_at IS NULL))
    AND NOT EXISTS (SELECT FROM outbox later WHERE later.id > o.id AND later.kind = 'offer' AND later.state = 'held'
        AND later.entitlement IS NOT DISTINCT FROM o.entitlement
        AND later.payload ->> 'bundle' IS NOT DISTINCT FROM o.payload ->> 'bundle'
        AND later.payload ->> 'to' IS NOT DISTINCT FROM o.payload ->> 'to')
    AND NOT bundle_is_held(o.payload ->> 'bundle')
""")  # nosec B608 # put together of constants
"""Of what was kept back, the last word about each offer that is still open: nobody gets months of reminders at once."""


def stop_pushes(connection: Connection, subject: Subject, by: By, at: dt.datetime) -> bool:
    """Push nothing to somebody any more, whatever department it comes from.

    Args:
        connection: in a transaction.
        subject: kind and id.
        by: who says so.
        at: the moment.

    Returns:
        Whether it is new; twice is once.
    """
    if not _wish(connection, opt_out, subject, by, at):
        return False
    connection.execute(_KEEP_BACK, {"name": f"{subject[0]}:{subject[1]}"})
    return True


def allow_pushes(connection: Connection, subject: Subject, by: By, at: dt.datetime) -> bool:
    """Take the wish for no pushes back. What is still open is told of, once each.

    Returns:
        Whether there was such a wish.
    """
    if not _withdraw(connection, opt_out, subject, by, at):
        return False
    connection.execute(_RELEASE_OFFERS, {"name": f"{subject[0]}:{subject[1]}"})
    return True


def is_opted_out(connection: Connection, subject: Subject) -> bool:
    """Is nothing to be pushed to them?"""
    return _holds(connection, opt_out, subject)


def want_human(connection: Connection, subject: Subject, by: By, at: dt.datetime) -> bool:
    """Have a human decide everything of somebody's from now on: nothing of theirs is automatic.

    Args:
        connection: in a transaction.
        subject: kind and id.
        by: who says so.
        at: the moment.

    Returns:
        Whether it is new; twice is once.
    """
    if not _wish(connection, automation_refusal, subject, by, at):
        return False
    for each in entitlements_of(connection, [subject]):
        if each.state in _HOLDABLE:
            _to_human(connection, each, at)
    return True


def allow_automation(connection: Connection, subject: Subject, by: By, at: dt.datetime) -> bool:
    """Take the wish for a human back. What a human has already, they finish; the next sweep says what is automatic.

    Returns:
        Whether there was such a wish.
    """
    if not _withdraw(connection, automation_refusal, subject, by, at):
        return False
    theirs = select(entitlement.c.id).where(entitlement.c.kind == subject[0], entitlement.c.subject == subject[1])
    connection.execute(
        update(hold)
        .where(hold.c.entitlement.in_(theirs), hold.c.code == _CODE, hold.c.released_at.is_(None))
        .values(released_at=at, released_by=by.kind.value)
    )
    return True


def wants_human(connection: Connection, subject: Subject) -> bool:
    """Is a human to decide everything of theirs?"""
    return _holds(connection, automation_refusal, subject)


def _to_human(connection: Connection, of: Entitlement, at: dt.datetime) -> None:
    connection.execute(
        insert(hold)
        .values(entitlement=of.id, code=_CODE, since=at)
        .on_conflict_do_nothing(
            index_elements=[hold.c.entitlement, hold.c.code], index_where=hold.c.released_at.is_(None)
        )
    )
    # The trigger of the table says why; it is told here only that the tier is to be looked at.
    connection.execute(update(entitlement).where(entitlement.c.id == of.id).values(tier=entitlement.c.tier))
    if of.state not in UNDER_WAY:
        return
    why = {"code": _CODE, "state": of.state.value}
    by = (_ENGINE.kind, _ENGINE.actor)
    case = open_case(connection, CaseKind.AUTOMATION_REFUSED, about(of), why, by, at)
    if may_move(of.state, State.REVIEW, Actor.SYSTEM):
        try:
            make_move(connection, of, State.REVIEW, replace(_ENGINE, case=case), at)
        except NotAllowedError:
            return  # it is being delivered this moment; the case stays
        next_step(connection, of.id, None)


def _wish(connection: Connection, table: Table, subject: Subject, by: By, at: dt.datetime) -> bool:
    made = connection.execute(
        insert(table)
        .values(kind=subject[0], subject=subject[1], since=at)
        .on_conflict_do_nothing(
            index_elements=[table.c.kind, table.c.subject], index_where=table.c.withdrawn_at.is_(None)
        )
        .returning(table.c.id)
    ).scalar_one_or_none()
    if made is None:
        return False
    intend(connection, f"{table.name}:made", by.kind.value, by.actor, table.name, str(made), {}, at)
    return True


def _withdraw(connection: Connection, table: Table, subject: Subject, by: By, at: dt.datetime) -> bool:
    ended = connection.execute(
        update(table)
        .where(table.c.kind == subject[0], table.c.subject == subject[1], table.c.withdrawn_at.is_(None))
        .values(withdrawn_at=at)
        .returning(table.c.id)
    ).scalar_one_or_none()
    if ended is None:
        return False
    intend(connection, f"{table.name}:withdrawn", by.kind.value, by.actor, table.name, str(ended), {}, at)
    return True


def _holds(connection: Connection, table: Table, subject: Subject) -> bool:
    query = select(func.count()).where(
        table.c.withdrawn_at.is_(None), table.c.kind == subject[0], table.c.subject == subject[1]
    )
    return bool(connection.execute(query).scalar_one())
