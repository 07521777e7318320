"""What is to be delivered: one row per key, written in the transaction that decides it."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from serving.store.tables.casework import outbox

Ids = Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as a sender holds it.

    Args:
        id: of the row.
        claim: which claim this is; a sender that was too slow holds an old one, and can write nothing.
        key: the idempotency key: the provider is asked to act once for it, however often it is called.
        entitlement: that it is about.
        case: that it is about.
        kind: what is delivered: a grant, a notice.
        channel: by which provider.
        benefit: of which benefit.
        attempts: calls so far.
        doubtful: whether a call before ended without an answer.
        payload: ids alone: what is to be said or paid is looked up when it is sent.
    """

    id: int
    claim: int
    key: str
    entitlement: int | None
    case: int | None
    kind: str
    channel: str
    benefit: str
    attempts: int
    doubtful: bool
    payload: Ids


def delivery_key(benefit: str, period: str, subject_kind: str, subject: str, kind: str, version: int) -> str:
    """The name of one effect in the world: who makes the same decision again makes the same key.

    Args:
        benefit: of which benefit.
        period: for which period.
        subject_kind: person, household, enterprise.
        subject: whose.
        kind: what is delivered.
        version: how many times it was decided before: a grant that came back and is approved again is another.

    Raises:
        ValueError: a part holds `|`, so that two different deliveries could have one key.
    """
    parts = [benefit, period, subject_kind, subject, kind, str(version)]
    if any("|" in part for part in parts):
        raise ValueError("a part of a delivery key holds `|`, which separates the parts")
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def enqueue(
    connection: Connection,
    key: str,
    *,
    kind: str,
    channel: str,
    benefit: str,
    now: dt.datetime,
    entitlement: int | None = None,
    case: int | None = None,
    not_before: dt.datetime | None = None,
    payload: Ids | None = None,
) -> bool:
    """Note a delivery, in the transaction that decides it; for grants the trigger of `move` does it.

    Returns:
        Whether it is new: a key that is there already stays as it is.
    """
    values: dict[str, Any] = {
        "delivery_key": key, "kind": kind, "channel": channel, "benefit": benefit, "created_at": now,
        "entitlement": entitlement, "case_file": case, "not_before": not_before, "payload": dict(payload or {}),
    }  # fmt: skip
    done = connection.execute(insert(outbox).values(values).on_conflict_do_nothing().returning(outbox.c.id))
    return done.one_or_none() is not None
