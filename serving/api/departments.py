"""Messages of departments, DCI-shaped: searched, subscribed to and notified; signed both ways, each taken once.

A message is taken where its sender is known, its signature is theirs over this very content, its moment is within five
minutes, and its number was not seen before; the same message again gets the same answer.

Source:
    Digital Convergence Initiative, registry core API 1.0.0: search, subscribe, notify; gates.md, F18.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from features.canonical_json import canonical_json
from features.senders import Senders
from serving.api.problems import ProblemError
from serving.security.signing import signed
from serving.store.tables.api import message_taken

WINDOW: Final = dt.timedelta(minutes=5)
"""How far a message's moment may be from ours. Source: gates.md, F18."""
_KEPT: Final = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Departments:
    """Who may send, and how we sign.

    Attributes:
        senders: keys by sender; who has none is refused.
        name: ours, as `sender_id`.
        key: ours.
        take_records: takes the records of a notification in; returns how many.
    """

    senders: Senders
    name: str
    key: Ed25519PrivateKey
    take_records: Callable[[bytes, dt.datetime], int]

    def check(self, envelope: Mapping[str, Any], now: dt.datetime) -> str:
        """The sender of a message.

        Raises:
            ProblemError: 401, it is not theirs; 403, it is too old or from the future.
        """
        header = envelope["header"]
        sender = str(header["sender_id"])
        if not self.senders.sign(sender) or self.senders.why_refused(sender, envelope) is not None:
            raise ProblemError(401, "not_signed", "No key of this sender fits this message.")
        if abs(_moment(str(header["message_ts"])) - now) > WINDOW:
            raise ProblemError(403, "too_old", "The moment of the message is more than five minutes from now.")
        return sender

    def signed(self, message: dict[str, Any]) -> dict[str, Any]:
        """A message of ours, with its signature."""
        return signed(self.key, message)


def once(
    connection: Connection,
    sender: str,
    envelope: Mapping[str, Any],
    now: dt.datetime,
    carry_out: Callable[[], dict[str, Any]],
) -> dict[str, Any]:
    """Take a message, or give the answer that it had.

    Raises:
        ProblemError: 409, the number was another message's.
    """
    number = str(envelope["header"]["message_id"])
    content = canonical_json({"header": envelope["header"], "message": envelope["message"]})
    fingerprint = hashlib.sha256(content).digest()
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{sender}|{number}", 1))))
    found = connection.execute(
        select(message_taken.c.fingerprint, message_taken.c.answer).where(
            message_taken.c.sender == sender, message_taken.c.message == number
        )
    ).one_or_none()
    if found is not None:
        if bytes(found.fingerprint) != fingerprint:
            raise ProblemError(409, "number_used", "This message_id was another message's.")
        return dict(found.answer)
    answer = carry_out()
    connection.execute(delete(message_taken).where(message_taken.c.at < now - _KEPT))
    row = {"sender": sender, "message": number, "fingerprint": fingerprint, "answer": answer, "at": now}
    connection.execute(insert(message_taken).values(row))
    return answer


def _moment(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
    except ValueError:
        raise ProblemError(422, "invalid", more={"errors": [{"at": "header.message_ts", "why": "no_moment"}]}) from None
