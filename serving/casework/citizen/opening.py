"""Opening cases from the citizen's side: with the clocks that caseworkers have.

The one place of this package that writes `case_file` and `audit_intent`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from sqlalchemy import Connection, insert

from serving.casework import cases
from serving.casework.cases import Subject
from serving.casework.clocks import Kind, shipped_clocks
from serving.casework.moves import Entitlement
from serving.casework.sealing import OwnWords
from serving.casework.states import Actor
from serving.store.tables.casework import audit_intent

CaseKind = Kind
"""Why a human is wanted: the kinds there are, with their clocks."""


def about(of: Entitlement) -> Subject:
    """Whose an entitlement is."""
    return Subject(of.kind, of.subject, of.district, of.benefit, of.id)


def open_case(
    connection: Connection,
    kind: Kind,
    of: Subject,
    why: Mapping[str, object],
    by: tuple[Actor, str],
    at: dt.datetime,
    words: OwnWords | None = None,
) -> int:
    """Open a case, or join the open one of that kind about the same entitlement.

    Args:
        connection: in a transaction.
        kind: what for.
        of: whose.
        why: code and parameters of what a human is to judge.
        by: who opens it.
        at: the moment.
        words: of whoever asked for it.

    Returns:
        The number of the case.
    """
    return cases.open_case(connection, kind, of, [dict(why)], by, at, shipped_clocks(), words=words).id


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
