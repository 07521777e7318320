"""The file of a case at the door: may somebody do this with it, were they shown it, is it as they read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import text

from serving.access.actions import Action
from serving.access.actors import Target
from serving.access.roles import Role
from serving.api.problems import ProblemError, change_out, not_found
from serving.api.revisions import require_revision
from serving.api.schemas.cases import CaseState
from serving.api.visits import Told, Visit
from serving.api.words import Sealing
from serving.casework import decisions
from serving.casework.cases import Case, changes_since, read_case
from serving.casework.errors import NotFoundError

READERS: Final = frozenset({Role.CASEWORKER, Role.SUPERVISOR})
"""Who works on cases, and reads what colleagues wrote on one."""


def case_for(visit: Visit, number: int, action: Action) -> Case:
    """A case that somebody may do something with.

    Raises:
        ProblemError: 404, there is none for them; 403, not as it stands.
    """
    if not visit.actor.is_staff:
        raise ProblemError(403, "not_for_your_role")
    case = case_numbered(visit, number)
    hands: frozenset[str] = frozenset()
    if action is Action.CASE_APPROVE:
        proposed = decisions.decisions_of(visit.connection, number, visit.actor.account)
        row = visit.connection.execute(_PROPOSER, {"number": number}).scalar_one_or_none()
        hands = frozenset(one.officer for one in proposed if one.state == "proposed") | ({row} if row else set())
    visit.allow(action, target_of(case, hands))
    return case


_PROPOSER = text("SELECT officer FROM decision WHERE case_file = :number AND state = 'proposed'")


def case_numbered(visit: Visit, number: int) -> Case:
    """A case, before anybody asked whether they may.

    Raises:
        ProblemError: 404, there is none.
    """
    try:
        return read_case(visit.connection, number)
    except NotFoundError:
        raise not_found() from None


def target_of(case: Case, hands: frozenset[str] = frozenset()) -> Target:
    """A case, as the gate sees it."""
    return Target(
        subject=subject_of(case), district=case.district, programme=case.benefit, is_open=case.state != "closed",
        lease_holder=case.lease_holder, lease_until=case.lease_until, hands=hands,
    )  # fmt: skip


def subject_of(case: Case) -> str:
    """Whose a case is."""
    return f"{case.subject_kind}:{case.subject}"


def shown(visit: Visit, number: int, action: Action) -> Case:
    """A case that somebody may do something with, and is shown."""
    case = case_for(visit, number, action)
    visit.show(subject_of(case), ("case",), case.id)
    return case


def as_read(visit: Visit, number: int, action: Action, if_match: str | None) -> Case:
    """The same, as they read it.

    Raises:
        ProblemError: 428 or 412, they did not, or it has changed since.
    """
    case = shown(visit, number, action)
    require_revision(if_match, case.revision, _changes(visit, number))
    return case


def _changes(visit: Visit, number: int) -> Callable[[int], list[dict[str, Any]]]:
    return lambda since: [change_out(one) for one in changes_since(visit.connection, number, since)]


def state_of(case: Case) -> Told:
    """A case after what was done to it, as an answer."""
    body = CaseState(
        case=case.id, state=case.state, revision=case.revision, lease_holder=case.lease_holder,
        lease_until=case.lease_until, due_at=case.due_at,
    )  # fmt: skip
    return Told(body, case.revision)


def sealing_for(visit: Visit, case: Case) -> Sealing:
    """For words on a case: with the key of whom it is about."""
    return Sealing(visit.parts.cipher, visit.connection, subject_of(case))
