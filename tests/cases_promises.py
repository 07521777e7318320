"""What no sequence of calls and queries may bring about: asked of the database itself, in words of its own."""

from __future__ import annotations

from sqlalchemy import Connection, text

_TWO_PEOPLE = """
    EXISTS (SELECT FROM decision d JOIN case_file c ON c.id = d.case_file
            JOIN provisional_view a ON a.case_file = c.id AND a.officer = d.officer
            JOIN provisional_view b ON b.case_file = c.id AND b.officer = d.second
            WHERE d.id = {of}.decision AND c.entitlement = {of}.entitlement AND d.state = 'in_force'
            AND d.needs_second AND d.second <> d.officer AND d.settled_at IS NOT NULL
            {more})"""
_REASON = "AND d.reason_code IS NOT NULL AND octet_length(d.reason) > 0 AND d.verdict = {verdict}"
_TAKEN = "('denied', 'suspended', 'ended')"
_VERDICT = "CASE m.to_state WHEN 'denied' THEN 'deny' WHEN 'suspended' THEN 'suspend' ELSE 'end' END"

BROKEN = {
    "taken away by anything but two humans with a reason": f"""
        SELECT count(*) FROM move m WHERE m.to_state IN {_TAKEN} AND NOT (
            m.actor_kind = 'officer' AND octet_length(m.reason) > 0
            AND {_TWO_PEOPLE.format(of="m", more=_REASON.format(verdict=_VERDICT))})""",
    "taken away without a move": f"""
        SELECT count(*) FROM entitlement e WHERE e.state <> 'detected' AND e.state IS DISTINCT FROM
            (SELECT to_state FROM move WHERE entitlement = e.id ORDER BY revision DESC LIMIT 1)
            OR (e.state IN {_TAKEN} AND e.revision = 0)""",
    "reduced or asked back by anything but two humans with a reason": f"""
        SELECT count(*) FROM amendment m WHERE m.kind <> 'restore'
            AND NOT {_TWO_PEOPLE.format(of="m", more=_REASON.format(verdict="m.kind"))}""",
    "paid out above a cap by one": f"""
        SELECT count(*) FROM move m JOIN entitlement e ON e.id = m.entitlement
        WHERE m.to_state = 'approved' AND e.over_cap AND NOT {_TWO_PEOPLE.format(of="m", more="")}""",
    "done to many by one": """
        SELECT count(*) FROM bulk_act b WHERE b.state IN ('agreed', 'carried_out') AND (
            b.second IS NULL OR b.second = b.officer OR b.verdict NOT IN ('grant', 'offer', 'ask') OR b.size > 200
            OR b.size <> (SELECT count(*) FROM bulk_item i WHERE i.bulk_act = b.id)
            OR EXISTS (SELECT FROM bulk_item i WHERE i.bulk_act = b.id AND i.must_open AND i.opened_at IS NULL))""",
    "decided for many without their act": """
        SELECT count(*) FROM decision d JOIN bulk_act b ON b.id = d.bulk_act
        WHERE d.state = 'in_force' AND (d.second IS DISTINCT FROM b.second OR d.officer <> b.officer
                                        OR b.state NOT IN ('agreed', 'carried_out') OR d.verdict <> b.verdict)""",
    "two payments ready for one approval": """
        SELECT count(*) FROM (SELECT entitlement FROM outbox WHERE kind = 'grant' GROUP BY entitlement
            HAVING count(*) > (SELECT count(*) FROM move m WHERE m.entitlement = outbox.entitlement
                               AND m.to_state = 'approved')) doubled""",
}  # fmt: skip


def broken(connection: Connection) -> list[str]:
    """Which promises do not hold now."""
    return [what for what, query in BROKEN.items() if connection.execute(text(query)).scalar_one()]
