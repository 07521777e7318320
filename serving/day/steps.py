"""First steps of what was found: to its delivery, its offer or a caseworker, each told of in the same transaction.

What comes from one life event is offered together and told of once; everything else that is offered has a notice of
its own. Steps are taken by whoever finds an entitlement still `detected`: a run that was killed is run again.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from serving.casework.citizen.bundles import open_bundle
from serving.casework.clocks import Kind
from serving.casework.moves import entitlements_numbered
from serving.day.entitling import BATCH, Terms
from serving.day.reconciling import HandOver
from serving.delivery.bundles.model import SubjectKey

_BUNDLES = 50
"""So many are opened in one transaction."""


@dataclass(frozen=True, slots=True)
class Going:
    """What may go on without a person.

    Attributes:
        automatic: may anything be delivered without a person? Where not, what is automatic waits as detected.
        stopped: benefits of which nothing automatic goes on, for a stop button or a breaker.
    """

    automatic: bool = True
    stopped: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Together:
    """What is offered together, because it comes from one life event.

    Attributes:
        addressee: who is told.
        event_kind: birth, move, …
        event: its source and id.
        offers: the entitlements, by number.
    """

    addressee: SubjectKey
    event_kind: str
    event: str
    offers: tuple[int, ...]


def offer_together(engine: Engine, bundles: Sequence[Together], terms: Terms, at: dt.datetime) -> Counter[str]:
    """Offer what comes from one life event as one bundle; what has moved meanwhile is left out.

    Args:
        engine: with the application's rights.
        bundles: what is put together.
        terms: of the day.
        at: this moment.

    Returns:
        By new state, how many entitlements.
    """
    steps: Counter[str] = Counter()
    for first in range(0, len(bundles), _BUNDLES):
        some = bundles[first : first + _BUNDLES]
        with engine.begin() as connection:
            numbers = [number for each in some for number in each.offers]
            taken = connection.execute(text(_TAKE_OFFERS), {"numbers": numbers}).scalars().all()
            steps += _move(connection, taken, terms, at)
            _put_together(connection, some, taken, at)
            connection.execute(text(_TELL), {"taken": list(taken), "at": at})
    return steps


def take_first_steps(engine: Engine, terms: Terms, at: dt.datetime, going: Going) -> Counter[str]:
    """Move what was detected on: to its delivery, its offer or its review. What is held for a human waits.

    Args:
        engine: with the application's rights.
        terms: of the day.
        at: this moment.
        going: what may go on without a person.

    Returns:
        By new state, how many.
    """
    steps: Counter[str] = Counter()
    last = 0
    while True:
        with engine.begin() as connection:
            parameters = {
                "automatic": going.automatic, "stopped": list(going.stopped), "batch": BATCH, "last": last,
            }  # fmt: skip
            taken = connection.execute(text(_TAKE), parameters).scalars().all()
            if not taken:
                return steps
            steps += _move(connection, taken, terms, at)
            connection.execute(text(_TELL), {"taken": list(taken), "at": at})
            _open_cases(connection, taken, terms, at)
        last = max(taken)


def _move(connection: Connection, taken: Sequence[int], terms: Terms, at: dt.datetime) -> Counter[str]:
    """Move each of them on; all of them, or none."""
    clock = {
        "taken": list(taken), "reminded": list(terms.remind_at), "remind_at": list(terms.remind_at.values()),
        "noticed": list(terms.notice_until), "notice_until": list(terms.notice_until.values()),
    }  # fmt: skip
    connection.execute(text(_CLOCK), clock)
    step = {"taken": list(taken), "at": at, "noticed": clock["noticed"], "notice_until": clock["notice_until"]}
    moved = Counter(connection.execute(text(_STEP), step).scalars())
    HandOver("from what was detected to first steps", len(taken), moved).require_equal()
    return moved


def _put_together(connection: Connection, bundles: Sequence[Together], taken: Sequence[int], at: dt.datetime) -> None:
    offered = {each.id: each for each in entitlements_numbered(connection, taken)}
    for bundle in bundles:
        members = [offered[number] for number in bundle.offers if number in offered]
        if members:
            open_bundle(connection, bundle.addressee, bundle.event_kind, bundle.event, members, at)


def _open_cases(connection: Connection, taken: Sequence[int], terms: Terms, at: dt.datetime) -> None:
    """One for each that is with a caseworker now, with the clock of its kind."""
    parameters: dict[str, object] = {"taken": list(taken), "at": at}
    for kind in (Kind.REVIEW, Kind.AUTOMATION_REFUSED):
        parameters[f"{kind}_due"], parameters[f"{kind}_touch"] = terms.cases[kind]
    connection.execute(text(_OPEN_CASES), parameters)


# What is held waits for whoever holds it; a caseworker may look at it all the same.
_WAITS = """
EXISTS (SELECT FROM hold h WHERE h.entitlement = e.id AND h.released_at IS NULL)
"""
_TAKE = f"""
SELECT e.id FROM entitlement e
WHERE e.state = 'detected' AND e.id > :last
  AND (e.tier <> 'automatic' OR (:automatic AND e.benefit <> ALL(:stopped))) AND (e.tier = 'review' OR NOT {_WAITS})
ORDER BY e.id LIMIT :batch FOR UPDATE OF e SKIP LOCKED
"""  # nosec B608 # put together of constants
_TAKE_OFFERS = f"""
SELECT e.id FROM entitlement e
WHERE e.id = ANY(:numbers) AND e.state = 'detected' AND e.tier = 'confirm' AND NOT {_WAITS}
ORDER BY e.id FOR UPDATE OF e
"""  # nosec B608 # put together of constants
_NOTICED = """
unnest(CAST(:noticed AS text[]), CAST(:notice_until AS timestamptz[])) AS n(benefit, until)
"""
# Before the step: a row that a trigger has changed in a statement is not changed by the same statement again.
_CLOCK = f"""
UPDATE entitlement e
SET next_step_at = CASE WHEN e.tier IN ('confirm', 'ask') THEN r.at WHEN e.tier = 'automatic' THEN n.until END
FROM entitlement same
LEFT JOIN {_NOTICED} ON n.benefit = same.benefit
LEFT JOIN unnest(CAST(:reminded AS text[]), CAST(:remind_at AS timestamptz[])) AS r(benefit, at)
     ON r.benefit = same.benefit
WHERE e.id = same.id AND same.id = ANY(:taken)
"""  # nosec B608 # put together of constants
_STEP = f"""
INSERT INTO move (entitlement, revision, from_state, to_state, actor_kind, actor, at)
SELECT e.id, e.revision + 1, 'detected',
       CASE WHEN e.tier = 'review' THEN 'review' WHEN e.tier = 'confirm' THEN 'offered' WHEN e.tier = 'ask' THEN 'ask'
            WHEN n.until IS NOT NULL THEN 'public_notice' ELSE 'approved' END,
       'system', 'day', :at
FROM entitlement e LEFT JOIN {_NOTICED} ON n.benefit = e.benefit
WHERE e.id = ANY(:taken)
RETURNING to_state
"""  # nosec B608 # put together of constants
# The rows that `serving.casework.citizen.offering.tell` writes, for many at once: a test holds them equal.
_TELL = """
INSERT INTO outbox (delivery_key, entitlement, kind, channel, benefit, created_at, payload)
SELECT encode(sha256(convert_to(concat('offer|', e.id, '|', e.revision, '|0|', e.kind, ':', e.subject), 'UTF8')),
              'hex'), e.id, 'offer', 'notice', e.benefit, :at,
       jsonb_build_object('reminder', 0, 'revision', e.revision, 'to', e.kind || ':' || e.subject)
FROM entitlement e
WHERE e.id = ANY(:taken) AND e.state = 'offered' AND NOT EXISTS (SELECT FROM bundle_member m WHERE m.entitlement = e.id)
ON CONFLICT (delivery_key) DO NOTHING
"""
_OPEN_CASES = """
WITH opened AS (
    INSERT INTO case_file (kind, entitlement, subject_kind, subject, benefit, district, why, opened_at, opened_by,
                           due_at, first_touch_due_at)
    SELECT CASE WHEN w.wants THEN 'automation_refused' ELSE 'review' END, e.id, e.kind, e.subject, e.benefit,
           e.district, e.reasons, :at, 'day',
           CASE WHEN w.wants THEN CAST(:automation_refused_due AS timestamptz) ELSE :review_due END,
           CASE WHEN w.wants THEN CAST(:automation_refused_touch AS timestamptz) ELSE :review_touch END
    FROM entitlement e CROSS JOIN LATERAL (
        SELECT EXISTS (SELECT FROM hold h WHERE h.entitlement = e.id AND h.released_at IS NULL
                       AND h.code = 'refused_automation')) AS w(wants)
    WHERE e.id = ANY(:taken) AND e.state = 'review'
    ON CONFLICT DO NOTHING RETURNING id)
INSERT INTO case_event (case_file, action, actor, at, detail)
SELECT id, 'opened', 'day', :at, '{"by": "system", "revision": 0}' FROM opened
"""
