"""What holds after every step of casework, whatever happened: asked in SQL of its own, not with the services' code.

I1 whoever was swept has one entitlement per benefit and period, in the one state that its moves add up to. I2 an effect
per delivery key at most, an outbox row per approval. I3 an audit intent per move and decision, one leaf each, no gap.
I5 nothing is taken away but by two named officers with a reason. I6 nothing is stranded. (gates.md)
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from typing import Any

import psycopg

FINAL = "('refused', 'denied', 'suspended', 'ended', 'completed', 'superseded')"
"""Here an entitlement may rest: its citizen said no, two officers decided, or there is nothing left to do."""
BY_THE_BANK = "('submitted', 'paid', 'returned', 'monitored', 'reinstated')"
"""The next step is the bank's, or the end of the period."""

# Each query gives what is wrong: the number of a row, and in words what is wrong with it.
_WRONG = {
    "I1 one entitlement for each thing that is owed": """
        SELECT min(id), 'there are several' FROM entitlement GROUP BY kind, subject, benefit, period HAVING count(*) > 1
    """,
    "I1 the state is what the moves add up to": """
        SELECT e.id, concat_ws(' ', e.state, e.revision, 'but moved to', m.last, m.many)
        FROM entitlement e LEFT JOIN LATERAL (
            SELECT count(*) AS many, (array_agg(to_state ORDER BY revision DESC))[1] AS last
            FROM move WHERE entitlement = e.id
        ) m ON true WHERE e.state <> coalesce(m.last, 'detected') OR e.revision <> m.many
    """,
    "I1 each move begins where the one before ended": """
        SELECT entitlement, concat('move ', revision, ' begins at ', from_state) FROM (
            SELECT *, lag(to_state, 1, 'detected') OVER moves AS before, row_number() OVER moves AS number FROM move
            WINDOW moves AS (PARTITION BY entitlement ORDER BY revision)) m
        WHERE from_state <> before OR revision <> number
           OR NOT EXISTS (SELECT FROM allowed_move a WHERE (a.from_state, a.to_state, a.actor_kind)
                          = (m.from_state, m.to_state, m.actor_kind))
    """,
    "I2 an outbox row per approval": """
        SELECT e.id, concat(a.many, ' approvals, ', o.many, ' rows') FROM entitlement e
        CROSS JOIN LATERAL (SELECT count(*) AS many FROM move WHERE entitlement = e.id AND to_state = 'approved') a
        CROSS JOIN LATERAL (SELECT count(*) AS many, count(DISTINCT delivery_key) AS keys FROM outbox
                            WHERE entitlement = e.id AND kind = 'grant') o
        WHERE a.many <> o.many OR o.keys <> o.many
    """,
    "I3 an audit intent per move": """
        SELECT m.entitlement, concat('move ', m.revision, ' has ', count(a.id)) FROM move m
        LEFT JOIN audit_intent a ON a.object = 'entitlement' AND a.object_id = m.entitlement::text
            AND a.action = 'entitlement:' || m.to_state AND a.payload ->> 'revision' = m.revision::text
            AND (a.actor_kind, a.actor, a.at) = (m.actor_kind, m.actor, m.at)
        GROUP BY m.id HAVING count(a.id) <> 1
    """,
    "I3 an audit intent per proposal and settlement": """
        SELECT d.id, concat(d.state, ' has ', count(a.id)) FROM decision d
        LEFT JOIN audit_intent a ON a.object = 'decision' AND a.object_id = d.id::text
            AND a.action IN ('decision:proposed', 'decision:' || d.state)
        GROUP BY d.id HAVING count(a.id) <> CASE d.state WHEN 'proposed' THEN 1 ELSE 2 END
            OR count(DISTINCT a.action) <> count(a.id)
    """,
    "I3 each intent is sealed once, or waits to be": """
        SELECT a.id, 'is in ' || num_nonnulls(l.index, u.intent) FROM audit_intent a
        LEFT JOIN ledger_leaf l ON l.intent = a.id LEFT JOIN audit_unsealed u ON u.intent = a.id
        WHERE num_nonnulls(l.index, u.intent) <> 1
    """,
    "I3 leaves have no gaps": """
        SELECT max(index), 'leaves: ' || count(*) FROM ledger_leaf HAVING max(index) + 1 <> count(*) OR min(index) <> 0
    """,
    "I5 what is taken away two named officers decided, with a reason": """
        SELECT m.entitlement, concat(m.to_state, ' by ', m.actor_kind) FROM move m
        LEFT JOIN decision d ON d.id = m.decision LEFT JOIN case_file c ON c.id = d.case_file
        WHERE m.to_state IN ('denied', 'suspended', 'ended') AND (
            m.actor_kind <> 'officer' OR m.actor !~ '^(officer|supervisor)-' OR m.second !~ '^(officer|supervisor)-'
            OR m.second = m.actor OR m.reason_code IS NULL OR coalesce(octet_length(m.reason), 0) = 0
            OR d.state IS DISTINCT FROM 'in_force' OR (d.officer, d.second) IS DISTINCT FROM (m.actor, m.second)
            OR c.entitlement IS DISTINCT FROM m.entitlement OR m.second IS NULL
            OR d.verdict IS DISTINCT FROM
                CASE m.to_state WHEN 'denied' THEN 'deny' WHEN 'suspended' THEN 'suspend' ELSE 'end' END)
    """,
    "I5 what is reduced or asked back two named officers decided, with a reason": """
        SELECT a.entitlement, a.kind FROM amendment a JOIN decision d ON d.id = a.decision
        JOIN case_file c ON c.id = d.case_file JOIN entitlement e ON e.id = a.entitlement
        WHERE a.kind <> 'restore' AND (d.state <> 'in_force' OR d.verdict <> a.kind OR d.second IS NULL
            OR d.second = d.officer OR d.reason_code IS NULL OR coalesce(octet_length(d.reason), 0) = 0
            OR c.entitlement <> a.entitlement OR a.amount_minor > e.amount_minor)
    """,
    "I5 above a cap two approve": """
        SELECT e.id, 'approved by one' FROM move m JOIN entitlement e ON e.id = m.entitlement
        WHERE m.to_state = 'approved' AND e.over_cap AND (m.actor_kind <> 'officer' OR m.second IS NULL)
    """,
    "I6 what a human judges has a case": """
        SELECT e.id, e.state || ' without a case' FROM entitlement e WHERE e.state IN ('review', 'objected')
        AND NOT EXISTS (SELECT FROM case_file c WHERE c.entitlement = e.id AND c.state <> 'closed')
    """,
    "I6 what waits for an answer or a day is looked at again": f"""
        SELECT e.id, e.state || ' with no next step' FROM entitlement e
        WHERE e.next_step_at IS NULL AND e.state NOT IN {FINAL} AND e.state NOT IN {BY_THE_BANK}
        AND e.state NOT IN ('detected', 'review', 'objected', 'approved')
        AND NOT (e.state = 'silent' AND e.benefit = ANY(%(lapse)s))
        AND NOT EXISTS (SELECT FROM case_file c WHERE c.entitlement = e.id AND c.state <> 'closed')
    """,
    "I6 what is approved is on its way": """
        SELECT e.id, 'approved, its last row ' || coalesce(o.state, 'missing') FROM entitlement e
        LEFT JOIN LATERAL (
            SELECT state FROM outbox WHERE entitlement = e.id AND kind = 'grant' ORDER BY id DESC LIMIT 1
        ) o ON true
        WHERE e.state = 'approved' AND (o.state IS NULL OR (o.state = 'held' AND NOT EXISTS (
            SELECT FROM hold h WHERE h.entitlement = e.id AND h.released_at IS NULL)))
    """,
    "I6 what is proposed somebody can agree to or send back": """
        SELECT c.id, 'proposed, and nothing is' FROM case_file c WHERE c.state = 'proposed'
        AND NOT EXISTS (SELECT FROM decision d WHERE d.case_file = c.id AND d.state = 'proposed')
        AND NOT EXISTS (SELECT FROM bulk_item i JOIN bulk_act b ON b.id = i.bulk_act
                        WHERE i.case_file = c.id AND b.state IN ('proposed', 'agreed'))
    """,
}  # fmt: skip
_LATE = """
    SELECT id, concat_ws(' ', kind, state, 'was due', due_at) FROM case_file
    WHERE state <> 'closed' AND paused_at IS NULL AND due_at < %(now)s
    UNION ALL SELECT id, concat_ws(' ', kind, 'has stood since', paused_at, pause_code) FROM case_file
    WHERE state <> 'closed' AND paused_at < %(now)s - interval '200 days'
"""
_DUE = f"""
    SELECT e.id, concat_ws(' ', e.state, 'was due', e.next_step_at) FROM entitlement e
    WHERE e.state IN ('ask', 'offered', 'silent', 'confirmed', 'public_notice') AND e.next_step_at <= %(now)s
    AND NOT EXISTS (SELECT FROM case_file c WHERE c.state <> 'closed'
                    AND (c.entitlement = e.id OR (c.kind = 'death' AND c.subject = e.subject)))
    UNION ALL SELECT e.id, concat_ws(' ', e.state, 'is held for', h.code, 'and nobody looks into it') FROM entitlement e
    JOIN hold h ON h.entitlement = e.id AND h.released_at IS NULL
    WHERE e.state NOT IN {FINAL} AND e.state NOT IN {BY_THE_BANK} AND h.code <> 'refused_automation'
    AND coalesce(e.next_step_at, %(now)s) <= %(now)s AND NOT (e.state = 'silent' AND e.benefit = ANY(%(lapse)s))
    AND NOT EXISTS (SELECT FROM case_file c WHERE c.state <> 'closed'
                    AND (c.entitlement = e.id OR (c.kind = 'death' AND c.subject = e.subject)))
"""
_ALL = " UNION ALL ".join(
    f"SELECT '{name}' AS promise, row::bigint, what FROM ({query}) w(row, what)" for name, query in _WRONG.items()
)
_GRANTS = """
    SELECT o.delivery_key, o.entitlement, o.state, o.settled_by, o.kind,
           (SELECT count(*) FROM move m WHERE m.entitlement = o.entitlement AND m.to_state = 'returned')
    FROM outbox o
"""


class BrokenPromiseError(AssertionError):
    """A promise does not hold."""


def check(watching: psycopg.Connection[Any], lapse: list[str], swept: int) -> None:
    """Everything that the database alone tells.

    Args:
        watching: with every right, outside of any transaction of the services.
        lapse: benefits whose silence ends what the engine does by itself.
        swept: for so many subjects, benefits and periods something was found.

    Raises:
        BrokenPromiseError: the first thing that is wrong.
    """
    wrong = watching.execute(_ALL.encode(), {"lapse": lapse}).fetchall()
    if wrong:
        raise BrokenPromiseError("\n".join(f"{promise}: {row}: {what}" for promise, row, what in wrong))
    (there,) = watching.execute("SELECT count(*) FROM entitlement").fetchone() or (None,)
    if there != swept:
        raise BrokenPromiseError(f"I1: {swept} were swept, {there} entitlements are there")


def check_effects(watching: psycopg.Connection[Any], effects: Iterable[Counter[str]]) -> None:
    """I2, by the providers' own record: how often each acted for which key.

    Money reaches somebody once, and once more for each time that it came back.

    Raises:
        BrokenPromiseError: there are more effects than that, or the outbox tells it otherwise.
    """
    done: Counter[str] = Counter()
    for record in effects:
        done.update(record)
    if twice := [key for key, many in done.items() if many > 1]:
        raise BrokenPromiseError(f"I2: {len(twice)} keys had several effects")
    paid: Counter[int] = Counter()
    returned: dict[int, int] = {}
    for key, entitlement, state, settled_by, kind, came_back in watching.execute(_GRANTS):
        if state == "sent" and settled_by == "outbox" and not done[key]:
            raise BrokenPromiseError(f"I2: entitlement {entitlement}: a {kind} is `sent` that the provider never took")
        if state == "failed" and settled_by == "outbox" and done[key]:
            raise BrokenPromiseError(f"I2: entitlement {entitlement}: a {kind} is `failed` that the provider took")
        if kind == "grant" and done[key]:
            paid[entitlement] += 1
            returned[entitlement] = came_back
    for entitlement, many in paid.items():
        if many > 1 + returned[entitlement]:
            raise BrokenPromiseError(
                f"I2: entitlement {entitlement} was paid {many} times and came back {returned[entitlement]} times"
            )


def check_clocks(watching: psycopg.Connection[Any], now: dt.datetime) -> None:
    """I6, right after the escalation ran: no case is past its clock, none stands for ever.

    Raises:
        BrokenPromiseError: one is.
    """
    late = watching.execute(_LATE, {"now": now}).fetchall()
    if late:
        raise BrokenPromiseError("\n".join(f"I6: case {row}: {what}" for row, what in late))


def check_waiting(watching: psycopg.Connection[Any], lapse: list[str], now: dt.datetime) -> None:
    """I6, right after time was let do its work: nothing waits whose moment has come, nothing is held and forgotten.

    Raises:
        BrokenPromiseError: something is.
    """
    left = watching.execute(_DUE.encode(), {"now": now, "lapse": lapse}).fetchall()
    if left:
        raise BrokenPromiseError("\n".join(f"I6: entitlement {row}: {what}" for row, what in left))
