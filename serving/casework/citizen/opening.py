"""Opening work for caseworkers, and noting for the ledger what has no trigger of its own.

The one place of this package that writes to `case_file` and `audit_intent`.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from serving.casework.moves import Entitlement
from serving.casework.states import Actor
from serving.store.tables.casework import audit_intent, case_event, case_file

_CLOSED = "closed"


class CaseKind(enum.StrEnum):
    """Why a human is wanted."""

    REVIEW = "review"
    """The engine leaves the answer to a human."""
    PERSON_WANTED = "person_wanted"
    AUTOMATION_REFUSED = "automation_refused"
    OBJECTION = "objection"
    APPEAL = "appeal"
    DEATH = "death"
    CORRECTION = "correction"
    """What it rests on was corrected, or never was."""
    DOUBLE_GRANT = "double_grant"
    IDENTITY = "identity"
    STILL_ENTITLED = "still_entitled"


DUE_DAYS: Mapping[CaseKind, int] = {CaseKind.PERSON_WANTED: 1, CaseKind.OBJECTION: 15, CaseKind.APPEAL: 15}
"""Days until a case is due, by kind; others have `OTHER_DUE_DAYS`."""
OTHER_DUE_DAYS = 10


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose case it is, about what, and where it is worked on."""

    kind: str
    id: str
    district: str
    benefit: str | None = None
    entitlement: int | None = None


def about(of: Entitlement) -> Subject:
    """Whose an entitlement is."""
    return Subject(of.kind, of.subject, of.district, of.benefit, of.id)


def open_case(
    connection: Connection,
    kind: CaseKind,
    of: Subject,
    why: Mapping[str, object],
    by: tuple[Actor, str],
    at: dt.datetime,
    words: bytes | None = None,
) -> int:
    """Open a case, or join the open one of that kind about the same entitlement.

    Args:
        connection: in a transaction.
        kind: what for.
        of: whose.
        why: code and parameters of what a human is to judge.
        by: who opens it.
        at: the moment.
        words: of whoever asked for it, encrypted.

    Returns:
        The number of the case.
    """
    held = case_file.c
    opened = connection.execute(
        upsert(case_file)
        .values(
            kind=kind, entitlement=of.entitlement, subject_kind=of.kind, subject=of.id, benefit=of.benefit,
            district=of.district, why=[dict(why)], opened_at=at, opened_by=by[1],
            due_at=at + dt.timedelta(days=DUE_DAYS.get(kind, OTHER_DUE_DAYS)),
        )
        .on_conflict_do_nothing(
            index_elements=[held.entitlement, held.kind],
            index_where=held.entitlement.is_not(None) & (held.state != _CLOSED),
        )
        .returning(held.id)
    ).scalar_one_or_none()  # fmt: skip
    number = (
        opened
        or connection.execute(
            select(held.id).where(held.entitlement == of.entitlement, held.kind == kind, held.state != _CLOSED)
        ).scalar_one()
    )
    connection.execute(
        insert(case_event).values(
            case_file=number, action="asked_again" if opened is None else "opened", actor=by[1], at=at,
            detail={"by": by[0].value, "why": [dict(why)]}, note=words,
        )
    )  # fmt: skip
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
