"""What a human or a provider's statement says of deliveries in doubt, failed or to be held."""

from __future__ import annotations

import datetime as dt
import enum

from sqlalchemy import Connection, text

from serving.ledger.intents import intend
from serving.outbox.errors import NotInDoubtError


class Finding(enum.StrEnum):
    """What was found out about a delivery."""

    ARRIVED = "arrived"
    NEVER_ARRIVED = "never_arrived"
    SEND_AGAIN = "send_again"


_SETTLED = text(
    "UPDATE outbox SET state = :state, settled_at = :now, settled_by = :by "
    "WHERE id = :id AND state = 'in_doubt' RETURNING id"
)
_AGAIN = text(
    "UPDATE outbox SET state = 'ready', settled_at = NULL, settled_by = NULL, not_before = NULL "
    "WHERE id = :id AND state IN ('in_doubt', 'failed') "
    # Money that was meanwhile refused, judged anew or approved anew is not sent for what was decided before.
    "AND (kind <> 'grant' OR entitlement IS NULL OR EXISTS (SELECT FROM entitlement e WHERE e.id = outbox.entitlement "
    "AND e.state = 'approved' AND outbox.id = (SELECT max(o.id) FROM outbox o WHERE o.entitlement = e.id "
    "AND o.kind = 'grant'))) RETURNING id"
)


def settle_by_hand(connection: Connection, delivery: int, finding: Finding, by: str, now: dt.datetime) -> None:
    """Say what became of a delivery in doubt, or send again what failed.

    The machine never sends again what is in doubt: that takes a named officer, who looked at the provider's statement.

    Args:
        connection: in a transaction.
        delivery: of the row.
        finding: it arrived; it never did, and another way is taken; it never did, and is to be sent again.
        by: the officer's id.
        now: when.

    Raises:
        NotInDoubtError: there is nothing to settle, or what it delivers is approved no more.
    """
    if finding is Finding.SEND_AGAIN:
        done = connection.execute(_AGAIN, {"id": delivery}).one_or_none()
        if done is not None:
            intend(connection, "delivery:sent_again", "officer", by, "outbox", str(delivery), {}, now)
    else:
        state = "sent" if finding is Finding.ARRIVED else "failed"
        done = connection.execute(_SETTLED, {"id": delivery, "state": state, "now": now, "by": by}).one_or_none()
    if done is None:
        raise NotInDoubtError(delivery)
