"""Whom deliveries are handed to, and the four ways in which a call can end."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from typing import Protocol

import httpx

from serving.outbox.deliveries import Delivery

_TOO_MANY, _UNAVAILABLE = 429, 503


class Answer(enum.Enum):
    """How a call ended."""

    TAKEN = "taken"
    NOT_TAKEN = "not taken: certainly without effect, try again later"
    UNKNOWN = "nobody knows whether it had an effect"
    REFUSED = "refused: certainly without effect, and would be again"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a provider answered.

    Args:
        answer: how it ended.
        reference: the provider's own name for it.
        trouble: a code of what stood against it, never a text of the provider's.
        wait: how long it asks us to wait at least.
    """

    answer: Answer
    reference: str | None = None
    trouble: str | None = None
    wait: dt.timedelta | None = None


class Provider(Protocol):
    """Carries deliveries of one channel out into the world."""

    @property
    def channel(self) -> str:
        """Which."""
        ...

    @property
    def may_repeat(self) -> bool:
        """Whether a call whose end is unknown may be made again with the same key.

        True: the provider acts once per key, or it carries notices, which rather arrive twice than never. False: money,
        by a provider that does not know our keys: at most once, and what is unknown stays in doubt.
        """
        ...

    def deliver(self, delivery: Delivery) -> Reply:
        """Make one call, in bounded time; no transaction is open meanwhile."""
        ...


class HttpProvider:
    """A provider that is called over HTTP, with the key as `Idempotency-Key`.

    Args:
        channel: which.
        url: where to.
        client: with time limits; outside of tests one that calls nobody but those on our list.
        may_repeat: as in :class:`Provider`.

    Source:
        draft-ietf-httpapi-idempotency-key-header; RFC 9110, 15.6.4 (503: the request was not handled).
    """

    def __init__(self, channel: str, url: str, client: httpx.Client, *, may_repeat: bool) -> None:
        self._channel, self._url, self._client, self._may_repeat = channel, url, client, may_repeat

    @property
    def channel(self) -> str:
        return self._channel

    @property
    def may_repeat(self) -> bool:
        return self._may_repeat

    def deliver(self, delivery: Delivery) -> Reply:
        said = {
            "kind": delivery.kind, "benefit": delivery.benefit, "entitlement": delivery.entitlement,
            "case": delivery.case, "payload": dict(delivery.payload),
        }  # fmt: skip
        try:
            response = self._client.post(self._url, json=said, headers={"Idempotency-Key": delivery.key})
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            return Reply(Answer.NOT_TAKEN, trouble="no_connection")  # nothing was sent
        except httpx.TimeoutException:
            return Reply(Answer.UNKNOWN, trouble="timeout")
        except httpx.TransportError:
            return Reply(Answer.UNKNOWN, trouble="connection_lost")
        return read_reply(response.status_code, response.headers)


def read_reply(status: int, headers: httpx.Headers) -> Reply:
    """What an answer over HTTP says of what became of the delivery."""
    if httpx.codes.is_success(status):
        reference = headers.get("X-Reference")
        return Reply(Answer.TAKEN, reference=None if reference is None else reference[:128])
    trouble = f"http_{status}"
    if status in (_TOO_MANY, _UNAVAILABLE):
        asked = headers.get("Retry-After", "")
        return Reply(Answer.NOT_TAKEN, trouble=trouble, wait=_seconds(asked))
    if httpx.codes.is_client_error(status):
        return Reply(Answer.REFUSED, trouble=trouble)
    return Reply(Answer.UNKNOWN, trouble=trouble)


def _seconds(text: str) -> dt.timedelta | None:
    """What `Retry-After` asks for, an hour at most."""
    return dt.timedelta(seconds=min(int(text), 3_600)) if text.isascii() and text.isdigit() and len(text) < 10 else None
