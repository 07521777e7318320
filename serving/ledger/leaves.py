"""What a leaf of the ledger is made of: one event, as canonical JSON, behind a salt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import rfc8785

from serving.ledger.tree import leaf_hash

SALT_BYTES = 32

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]
"""What a payload holds. No number with a fraction: money is counted in minor units, shares as two counts."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, as its `audit_intent` says.

    Args:
        intent: the row's id.
        action: `subject:action`, like `entitlement:approved`.
        actor_kind: system, citizen, proxy or officer.
        actor: their id; of a system, which part of it.
        table: of what it happened to.
        row: its id there.
        payload: ids, codes and counts; never a text that somebody wrote.
        at: when, in UTC.
    """

    intent: int
    action: str
    actor_kind: str
    actor: str
    table: str
    row: str
    payload: Mapping[str, Json]
    at: dt.datetime

    def canonical(self) -> bytes:
        """The one way to write it.

        Source:
            RFC 8785, JSON Canonicalization Scheme.
        """
        return rfc8785.dumps({
            "intent": self.intent,
            "action": self.action,
            "actor_kind": self.actor_kind,
            "actor": self.actor,
            "object": self.table,
            "object_id": self.row,
            "payload": dict(self.payload),
            "at": self.at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        })  # fmt: skip


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf as it is stored; whoever may not see the event sees its hash, and cannot guess from it.

    Args:
        index: its place, from 0, without gaps.
        event: what happened; None: the event that it seals is not there any more.
        salt: random bytes, so that nobody finds an event by trying likely ones.
        hash: of salt and event, as RFC 9162 hashes a leaf.
    """

    index: int
    event: Event | None
    salt: bytes
    hash: bytes


def sealed(event: Event, salt: bytes) -> bytes:
    """The hash of the leaf that seals an event."""
    return leaf_hash(salt + event.canonical())
