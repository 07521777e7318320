"""What happened, noted in the transaction in which it happened; sealed soon after by the one appender."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from serving.ledger.leaves import Json
from serving.store.tables.casework import audit_intent

SYSTEM = "system"


def intend(
    connection: Connection,
    action: str,
    actor_kind: str,
    actor: str,
    table: str,
    row: str,
    payload: Mapping[str, Json],
    at: dt.datetime,
) -> int:
    """Note an event, to be sealed. Triggers of `move` and `decision` do it for theirs.

    Args:
        connection: in the transaction that the event describes.
        action: `subject:action`.
        actor_kind: system, citizen, proxy or officer.
        actor: their id; of a system, which part of it.
        table: of what it happened to.
        row: its id there.
        payload: ids, codes and counts. PostgreSQL refuses fractions and long texts.
        at: when.

    Returns:
        The id of the intent.
    """
    values = {
        "action": action, "actor_kind": actor_kind, "actor": actor, "object": table, "object_id": row,
        "payload": dict(payload), "at": at,
    }  # fmt: skip
    return int(connection.execute(insert(audit_intent).values(values).returning(audit_intent.c.id)).scalar_one())


def record_sweep(
    connection: Connection, sweep: int, rulebook: str, account: Mapping[str, Json], at: dt.datetime
) -> int:
    """Attest a finished sweep: a leaf holds its rulebook's hash and its account; neither is told otherwise later.

    Args:
        connection: in the transaction that completes the sweep.
        sweep: its number.
        rulebook: the hash of the rules it was pinned to.
        account: its counts: of subjects looked at, of outcomes, of what is left.
        at: when it was complete.
    """
    payload: dict[str, Json] = {"sweep": sweep, "rulebook": rulebook, "account": dict(account)}
    return intend(connection, "sweep:attested", SYSTEM, "sweep", "sweep", str(sweep), payload, at)


def is_behind(connection: Connection, now: dt.datetime) -> bool:
    """Whether something has waited more than a quarter of an hour to be sealed: then nothing is delivered."""
    return bool(connection.execute(select(func.ledger_is_behind(now))).scalar_one())
