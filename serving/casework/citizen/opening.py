"""Opening work for caseworkers, and noting for the ledger what has no trigger of its own.

The one place of this package that writes to `audit_intent`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, insert

from serving.casework import cases
from serving.casework.cases import Subject
from serving.casework.clocks import Kind, shipped_clocks
from serving.casework.states import Actor
from serving.store.tables.casework import audit_intent

CaseKind = Kind
"""Why a human is wanted: the kinds there are, with their clocks."""
_SPEAKS = {"citizen": Actor.CITIZEN, "own": Actor.CITIZEN, "third_party": Actor.CITIZEN, "proxy": Actor.PROXY}
"""Of `opened_by`: who they are for the ledger. All others are parts of the engine."""


def open_case(
    connection: Connection,
    kind: Kind,
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
    of = Subject(subject[0], subject[1], district, benefit, entitlement)
    by = (_SPEAKS.get(opened_by, Actor.SYSTEM), opened_by)
    return cases.open_case(connection, kind, of, why, by, at, shipped_clocks(), note=words).id


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
