"""Supervisors: a case out of one pair of hands into another."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import select

from serving.access.actions import Action
from serving.api.case_files import READERS, as_read, state_of
from serving.api.problems import ProblemError
from serving.api.revisions import IfMatch
from serving.api.routes.citizen_offers import Number
from serving.api.schemas.cases import CaseState, TakeOverIn
from serving.api.visits import IdempotencyKey, Told, Visit, Visiting, serve
from serving.casework import leases
from serving.store.tables.access import staff_account

router = APIRouter(prefix="/cases", tags=["casework"])


@serve(router, "POST", "/{number}/take-over", CaseState, personal=True)
def take_over(visit: Visiting, number: Number, body: TakeOverIn, key: IdempotencyKey, if_match: IfMatch = None) -> Told:
    """Take a case out of somebody's hands, into one's own or another officer's; the former holder is told."""
    case = as_read(visit, number, Action.CASE_TAKE_OVER, if_match)
    if body.to is not None and not _is_caseworker(visit, body.to):
        raise ProblemError(422, "invalid", more={"errors": [{"at": "body.to", "why": "no_caseworker"}]})
    return state_of(leases.take_over(visit.connection, case, visit.actor.account, visit.now, body.to))


def _is_caseworker(visit: Visit, account: str) -> bool:
    where = (staff_account.c.id == account, staff_account.c.state == "active")
    found = visit.connection.execute(select(staff_account.c.roles).where(*where)).scalar_one_or_none()
    return found is not None and bool(set(found) & {role.value for role in READERS})
