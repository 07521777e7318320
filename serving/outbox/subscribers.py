"""Departments that subscribed are told when the catalogue in force changes: one signed message each, nothing personal.

A change is noted, and a delivery written for everybody who is subscribed then, in one transaction. What is sent is put
together when it is sent, since a receiver takes nothing whose moment is more than five minutes from its own: every call
has a number and a moment of its own, and the `transaction_id`, which is the delivery's key, says that it is the same.

Source:
    Digital Convergence Initiative, registry core API 1.0.0: notify.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Callable
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects.postgresql import insert

from serving.ledger.intents import SYSTEM, intend
from serving.ledger.leaves import Json
from serving.outbox.deliveries import Delivery, enqueue
from serving.outbox.providers import Answer, Reply, read_reply
from serving.security.errors import OutboundFailedError, OutboundRefusedError
from serving.security.outbound import OutboundClient
from serving.security.signing import signed
from serving.store.tables.api import catalogue_told, subscription
from serving.store.tables.dossiers import dossier_state

CATALOGUE_CHANGED: Final = "catalogue_changed"
CHANNEL: Final = "department"
UNSUBSCRIBED: Final = "unsubscribed"
"""What stood against a delivery to whom it is no loss."""
_OF_NO_BENEFIT: Final = ""


def note_change(connection: Connection, now: dt.datetime) -> int:
    """Look whether another catalogue is in force than the one last told of, and have every subscriber told, once.

    In force is what is served: the rulebook of the sweep whose dossiers are complete.

    Args:
        connection: in a transaction.
        now: the moment.

    Returns:
        How many are to be told.
    """
    served = connection.execute(
        select(dossier_state.c.sweep, dossier_state.c.rulebook).where(dossier_state.c.is_complete)
    ).one_or_none()
    if served is None:
        return 0
    of = catalogue_told.c
    before = connection.execute(select(of.rulebook).order_by(of.sweep.desc()).limit(1)).scalar_one_or_none()
    if before == served.rulebook:
        return 0
    row = {"sweep": served.sweep, "rulebook": served.rulebook, "before": before, "at": now}
    noted = connection.execute(insert(catalogue_told).values(row).on_conflict_do_nothing().returning(of.sweep))
    if noted.one_or_none() is None or before is None:
        return 0
    whom = select(subscription.c.id).where(subscription.c.event == CATALOGUE_CHANGED, subscription.c.ended_at.is_(None))
    told = [_have_told(connection, served.sweep, number, now) for number in connection.execute(whom).scalars().all()]
    payload: dict[str, Json] = {"sweep": int(served.sweep), "rulebook": str(served.rulebook), "subscribers": len(told)}
    intend(connection, "catalogue:changed", SYSTEM, "outbox", "sweep", str(served.sweep), payload, now)
    return len(told)


def _have_told(connection: Connection, sweep: int, number: uuid.UUID, now: dt.datetime) -> bool:
    key = hashlib.sha256(f"{CATALOGUE_CHANGED}|{sweep}|{number}".encode()).hexdigest()
    payload: dict[str, str | int | None] = {"subscription": str(number), "sweep": sweep}
    return enqueue(
        connection, key, kind=CATALOGUE_CHANGED, channel=CHANNEL, benefit=_OF_NO_BENEFIT, now=now, payload=payload
    )


class Subscribers:
    """Carries messages to departments, at the addresses that they named, where our list allows them.

    Args:
        engine: to look subscriptions up; no connection is held during a call.
        client: calls nobody but those on the list.
        name: ours, as `sender_id`.
        key: ours.
        now: tells the moment.
    """

    def __init__(
        self,
        engine: Engine,
        client: OutboundClient,
        name: str,
        key: Ed25519PrivateKey,
        now: Callable[[], dt.datetime],
    ) -> None:
        self._engine, self._client, self._name, self._key, self._now = engine, client, name, key, now

    @property
    def channel(self) -> str:
        return CHANNEL

    @property
    def may_repeat(self) -> bool:
        """A notice rather arrives twice than never; its `transaction_id` says that it is the same."""
        return True

    def deliver(self, delivery: Delivery) -> Reply:
        of, told = subscription.c, catalogue_told.c
        with self._engine.connect() as connection:
            to = connection.execute(
                select(of.id, of.sender, of.notify_url, of.ended_at).where(
                    of.id == uuid.UUID(str(delivery.payload["subscription"]))
                )
            ).one()
            change = connection.execute(
                select(told.sweep, told.rulebook, told.before, told.at).where(told.sweep == delivery.payload["sweep"])
            ).one()
        if to.ended_at is not None:
            return Reply(Answer.REFUSED, trouble=UNSUBSCRIBED)
        data = {"rulebook": change.rulebook, "before": change.before, "sweep": change.sweep}
        event = {
            "subscription_code": str(to.id), "event": CATALOGUE_CHANGED, "timestamp": change.at.isoformat(),
            "data": data,
        }  # fmt: skip
        message = {"transaction_id": delivery.key, "notify_event": [event]}
        body = signed(self._key, {"header": self._header(delivery, str(to.sender)), "message": message})
        return self._call(str(to.notify_url), json.dumps(body, ensure_ascii=False).encode(), delivery.key)

    def _header(self, delivery: Delivery, receiver: str) -> dict[str, Any]:
        return {
            "message_id": f"{delivery.key[:32]}-{delivery.claim}", "message_ts": self._now().isoformat(),
            "action": "notify", "sender_id": self._name, "receiver_id": receiver, "total_count": 1,
        }  # fmt: skip

    def _call(self, url: str, body: bytes, key: str) -> Reply:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        try:
            answer = self._client.call("POST", url, body, headers)
        except OutboundRefusedError:
            # Nothing was sent. Whoever runs this adds the address to the list, and has it sent again.
            return Reply(Answer.REFUSED, trouble="not_on_the_list")
        except OutboundFailedError:
            return Reply(Answer.UNKNOWN, trouble="no_answer")
        return read_reply(answer.status, answer.headers)
