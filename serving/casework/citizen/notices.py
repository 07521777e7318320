"""Rows of the outbox that tell people something: offers, which an opt-out stops, and receipts, which nothing stops."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from serving.casework.citizen.speaking import PERSON, Speaker, Voice
from serving.casework.moves import By, Entitlement
from serving.casework.states import Actor
from serving.store.tables.casework import outbox

OFFER, RECEIPT = "offer", "receipt"
CHANNEL = "notice"


def offer(
    connection: Connection,
    what: str,
    benefit: str,
    to: tuple[str, str],
    at: dt.datetime,
    *,
    entitlement: int | None = None,
    payload: Mapping[str, object],
) -> None:
    """Have an offer, or a reminder of it, sent once. PostgreSQL keeps it back from whoever opted out.

    Args:
        connection: in a transaction.
        what: tells this one from every other.
        benefit: which; of a bundle the first.
        to: kind and id of whom it is for.
        at: the moment.
        entitlement: which, of a single offer.
        payload: ids and codes of what it says.
    """
    _put(connection, OFFER, what, benefit, to, at, entitlement, payload)


def receipts(connection: Connection, voice: Voice, by: By, of: Entitlement, said: str, at: dt.datetime) -> None:
    """Tell whose it is, and whoever spoke for them, what was said and of which amount."""
    told = [(of.kind, of.subject)]
    if by.kind is Actor.PROXY and isinstance(voice, Speaker):
        told.append((PERSON, voice.person))
    payload = {
        "said": said, "actor_kind": by.kind.value, "revision": of.revision, "amount_minor": of.amount_minor,
        "unit": of.unit, "how": "online" if isinstance(voice, Speaker) else voice.how.value,
    }  # fmt: skip
    for to in told:
        what = f"{of.id}|{of.revision}"
        _put(connection, RECEIPT, what, of.benefit, to, at, of.id, payload)


def _put(
    connection: Connection,
    kind: str,
    what: str,
    benefit: str,
    to: tuple[str, str],
    at: dt.datetime,
    entitlement: int | None,
    payload: Mapping[str, object],
) -> None:
    name = f"{to[0]}:{to[1]}"
    key = hashlib.sha256(f"{kind}|{what}|{name}".encode()).hexdigest()
    connection.execute(
        insert(outbox)
        .values(
            delivery_key=key, entitlement=entitlement, kind=kind, channel=CHANNEL, benefit=benefit, created_at=at,
            payload={**payload, "to": name},
        )
        .on_conflict_do_nothing(index_elements=[outbox.c.delivery_key])
    )  # fmt: skip
