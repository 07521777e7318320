"""Opening work for caseworkers, and noting for the ledger what has no trigger of its own.

The one place of this package that writes to `case_file` and `audit_intent`.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from serving.store.tables.casework import audit_intent, case_event, case_file

_CLOSED = "closed"


class CaseKind(enum.StrEnum):
    """Why a human is wanted."""

    HUMAN_REQUEST = "human_request"
    OBJECTION = "objection"
    APPEAL = "appeal"
    REFUSED_AUTOMATION = "refused_automation"
    APPROVAL = "approval"
    """Two people approve it, or nobody has said yes."""
    UNANSWERED = "unanswered"
    """Due without an application, but not by the machine; and the person has not answered."""
    DEATH = "death"
    CORRECTION = "correction"
    """What it rests on was corrected, or never was."""
    DOUBLE_GRANT = "double_grant"
    IDENTITY = "identity"
    STILL_ENTITLED = "still_entitled"


DUE_DAYS: Mapping[CaseKind, int] = {CaseKind.HUMAN_REQUEST: 1, CaseKind.OBJECTION: 15, CaseKind.APPEAL: 15}
"""Days until a case is due, by kind; others have `OTHER_DUE_DAYS`."""
OTHER_DUE_DAYS = 10


def open_case(
    connection: Connection,
    kind: CaseKind,
    subject: tuple[str, str],
    district: str,
    why: Sequence[Mapping[str, object]],
    opened_by: str,
    at: dt.datetime,
    *,
    benefit: str | None = None,
    entitlement: int | None = None,
    words: bytes | None = None,
) -> int:
    """Open a case, or join the open one of that kind about the same entitlement.

    Args:
        connection: in a transaction.
        kind: what for.
        subject: whose: kind and id.
        district: whose caseworkers look after it.
        why: codes and parameters of what a human is to judge.
        opened_by: who; of the engine, which part of it.
        at: the moment.
        benefit: which, where it is about one.
        entitlement: which, where it is about one.
        words: of whoever asked for it, encrypted.

    Returns:
        The number of the case.
    """
    values = {
        "kind": kind, "entitlement": entitlement, "subject_kind": subject[0], "subject": subject[1], "benefit": benefit,
        "district": district, "why": [dict(each) for each in why], "opened_at": at, "opened_by": opened_by,
        "due_at": at + dt.timedelta(days=DUE_DAYS.get(kind, OTHER_DUE_DAYS)),
    }  # fmt: skip
    of = case_file.c
    opened = connection.execute(
        upsert(case_file)
        .values(values)
        .on_conflict_do_nothing(
            index_elements=[of.entitlement, of.kind],
            index_where=of.entitlement.is_not(None) & (of.state != _CLOSED),
        )
        .returning(of.id)
    ).scalar_one_or_none()
    number = (
        opened
        or connection.execute(
            select(of.id).where(of.entitlement == entitlement, of.kind == kind, of.state != _CLOSED)
        ).scalar_one()
    )
    action = "joined" if opened is None else "opened"
    connection.execute(
        insert(case_event).values(
            case_file=number, action=action, actor=opened_by, at=at, detail={"why": values["why"]}, note=words
        )
    )
    return int(number)


def intend(
    connection: Connection,
    action: str,
    actor_kind: str,
    actor: str,
    table: str,
    row: str,
    payload: Mapping[str, object],
    at: dt.datetime,
) -> None:
    """Note an event for the ledger, in the transaction that it describes.

    Args:
        connection: in that transaction.
        action: `subject:action`.
        actor_kind: system, citizen, proxy or officer.
        actor: their id; of the engine, which part of it.
        table: of what it happened to.
        row: its id there.
        payload: ids, codes and counts; never a human's words.
        at: when.
    """
    connection.execute(
        insert(audit_intent).values(
            action=action, actor_kind=actor_kind, actor=actor, object=table, object_id=row, payload=dict(payload), at=at
        )
    )
