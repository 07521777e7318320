"""Who works on a delivery: claims that end by themselves, and the last look before a call.

Every statement here is a short transaction of its own. While a provider is called nothing is locked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import Connection, text
from sqlalchemy.engine import RowMapping

from serving.outbox.deliveries import Delivery

# What must hold whenever a delivery is claimed and again right before its call, in the same statement: no stop button,
# nobody waiting for a human, and a ledger that is not behind. `hold` is about the money, not about telling
# somebody; but of who has died nothing is offered.
_MAY_GO = """
    NOT (SELECT ledger_is_behind(:now))
    AND NOT EXISTS (SELECT FROM stop s WHERE s.released_at IS NULL AND (s.scope = 'all'
        OR (s.scope = 'benefit' AND s.name = o.benefit) OR (s.scope = 'channel' AND s.name = o.channel)))
    AND NOT (o.kind = 'grant'
        AND EXISTS (SELECT FROM hold h WHERE h.entitlement = o.entitlement AND h.released_at IS NULL))
    AND NOT (o.kind = 'offer' AND (bundle_is_held(o.payload ->> 'bundle') OR EXISTS (SELECT FROM hold h
        WHERE h.entitlement = o.entitlement AND h.code = 'death' AND h.released_at IS NULL)))
"""
_CLAIM = text(f"""
    WITH due AS (
        SELECT o.id FROM outbox o
        WHERE o.state = 'ready' AND o.channel = ANY(:channels) AND (o.not_before IS NULL OR o.not_before <= :now)
            AND {_MAY_GO}
        ORDER BY o.id LIMIT :most FOR UPDATE OF o SKIP LOCKED
    )
    UPDATE outbox SET state = 'leased', claim = claim + 1, lease_until = :until, called_at = NULL
    FROM due WHERE outbox.id = due.id
    RETURNING outbox.id, claim, delivery_key, entitlement, case_file, kind, channel, benefit, attempts, doubtful,
        payload
""")  # nosec B608 # put together of constants
_BEGIN = text(f"""
    UPDATE outbox o SET called_at = clock_timestamp(), attempts = attempts + 1, lease_until = :until
    WHERE o.id = :id AND o.claim = :claim AND o.state = 'leased' AND {_MAY_GO}
    RETURNING o.called_at
""")  # nosec B608 # put together of constants
_PUT_BACK = text(
    "UPDATE outbox SET state = 'ready', lease_until = NULL, not_before = :not_before, trouble = :trouble, "
    "doubtful = doubtful OR :doubtful WHERE id = :id AND claim = :claim AND state = 'leased'"
)
_SETTLE = text(
    "UPDATE outbox SET state = :state, lease_until = NULL, settled_at = :now, settled_by = 'outbox', "
    "trouble = :trouble, reference = :reference, doubtful = doubtful OR :doubtful "
    "WHERE id = :id AND claim = :claim AND state = 'leased'"
)
_RECOVER = text("""
    WITH lost AS (
        SELECT id, called_at IS NOT NULL AS called, called_at IS NULL OR channel = ANY(:repeatable) AS again FROM outbox
        WHERE state = 'leased' AND lease_until < :now AND channel = ANY(:channels) FOR UPDATE SKIP LOCKED
    )
    UPDATE outbox SET claim = claim + 1, lease_until = NULL, doubtful = doubtful OR called, trouble = 'sender_lost',
        state = CASE WHEN again THEN 'ready' ELSE 'in_doubt' END,
        settled_at = CASE WHEN again THEN NULL ELSE CAST(:now AS timestamptz) END,
        settled_by = CASE WHEN again THEN NULL ELSE 'outbox' END
    FROM lost WHERE outbox.id = lost.id RETURNING outbox.id
""")


def claim(
    connection: Connection, channels: Sequence[str], most: int, now: dt.datetime, lease: dt.timedelta
) -> list[Delivery]:
    """Take what is due and may go, the oldest first; what others are taking is passed over."""
    values = {"channels": list(channels), "most": most, "now": now, "until": now + lease}
    rows = connection.execute(_CLAIM, values).mappings().all()
    return sorted((_delivery(row) for row in rows), key=lambda one: one.id)


def begin_call(connection: Connection, of: Delivery, now: dt.datetime, lease: dt.timedelta) -> dt.datetime | None:
    """Look a last time whether a call may begin, and note that it does; commit, then call.

    Returns:
        By the database's clock, when it begins; None: it may not, or the claim is not ours any more.
    """
    values = {"id": of.id, "claim": of.claim, "now": now, "until": now + lease}
    begun = connection.execute(_BEGIN, values).scalar_one_or_none()
    return None if begun is None else _moment(begun)


def put_back(
    connection: Connection,
    of: Delivery,
    not_before: dt.datetime | None = None,
    trouble: str | None = None,
    *,
    doubtful: bool = False,
) -> bool:
    """Let a delivery rest as `ready`. False: the claim is not ours any more, and nothing was written."""
    values = {"id": of.id, "claim": of.claim, "not_before": not_before, "trouble": trouble, "doubtful": doubtful}
    return connection.execute(_PUT_BACK, values).rowcount == 1


def settle(
    connection: Connection,
    of: Delivery,
    state: str,
    now: dt.datetime,
    *,
    trouble: str | None = None,
    reference: str | None = None,
    doubtful: bool = False,
) -> bool:
    """Note how a call ended: `sent`, `in_doubt` or `failed`. False: the claim is not ours any more."""
    values = {
        "id": of.id, "claim": of.claim, "state": state, "now": now, "trouble": trouble, "reference": reference,
        "doubtful": doubtful,
    }  # fmt: skip
    return connection.execute(_SETTLE, values).rowcount == 1


def recover(connection: Connection, channels: Sequence[str], repeatable: Sequence[str], now: dt.datetime) -> int:
    """Take back what senders held that are gone.

    What they had not begun to call is `ready` again; so is what may be called twice with one key. Of the rest nobody
    knows whether it arrived: it is in doubt, for the provider's statement or a human to settle.

    Returns:
        How many.
    """
    values = {"channels": list(channels), "repeatable": list(repeatable), "now": now}
    return len(connection.execute(_RECOVER, values).all())


def _delivery(row: RowMapping) -> Delivery:
    return Delivery(
        row["id"], row["claim"], row["delivery_key"], row["entitlement"], row["case_file"], row["kind"],
        row["channel"], row["benefit"], row["attempts"], row["doubtful"], row["payload"],
    )  # fmt: skip


def _moment(found: object) -> dt.datetime:
    assert isinstance(found, dt.datetime)
    return found
