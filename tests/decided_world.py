"""What officers decided, for tests of what comes before and after: their view, their decision, a second, the move."""

from __future__ import annotations

from sqlalchemy import Connection, text

from serving.casework.moves import By, Entitlement
from serving.casework.states import Actor, State
from tests.cases_world import SAID
from tests.casework_world import MORNING, moved

_CASE = """
    INSERT INTO case_file
        (kind, entitlement, subject_kind, subject, benefit, district, why, opened_at, opened_by, due_at)
    SELECT 'review', id, kind, subject, benefit, district, '[]', :at, 'test', :at FROM entitlement WHERE id = :e
    ON CONFLICT (entitlement, kind) WHERE entitlement IS NOT NULL AND state <> 'closed' DO NOTHING
"""
_VIEW = "INSERT INTO provisional_view VALUES (:c, :o, 'unsure', :at)"
_DECISION = """
    INSERT INTO decision (case_file, officer, verdict, overrides, reason_code, reason, needs_second, proposed_at)
    VALUES (:c, :first, :verdict, true, 'DATA_WRONG', 'sealed', :two, :at) RETURNING id
"""
_SETTLED = "UPDATE decision SET state = 'in_force', second = :second, settled_at = :at WHERE id = :d"
_CLOSED = "UPDATE case_file SET state = 'closed', closed_at = :at, revision = revision + 1 WHERE id = :c"


def decided(
    connection: Connection, of: Entitlement, verdict: str, to: State, first: str = "o1", second: str | None = None
) -> Entitlement:
    """An officer, and a second where one is named, decide; the entitlement moves, and the case is closed."""
    connection.execute(text(_CASE), {"e": of.id, "at": MORNING})
    case = connection.execute(
        text("SELECT id FROM case_file WHERE entitlement = :e AND kind = 'review' AND state <> 'closed'"), {"e": of.id}
    ).scalar_one()
    for officer in (first, second):
        if officer is not None:
            connection.execute(
                text("INSERT INTO provisional_view VALUES (:c, :o, 'unsure', :at)"),
                {"c": case, "o": officer, "at": MORNING},
            )
    values = {"c": case, "first": first, "verdict": verdict, "two": second is not None, "at": MORNING}
    made = connection.execute(text(_DECISION), values).scalar_one()
    connection.execute(text(_SETTLED), {"second": second, "at": MORNING, "d": made})
    by = By(Actor.OFFICER, first, second, case, made, "DATA_WRONG", SAID)
    after = moved(connection, of, to, by=by)
    connection.execute(text(_CLOSED), {"c": case, "at": MORNING})
    return after
