"""The decision: may this actor do this, to this, for this purpose, now? Anything that goes wrong is a no."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from serving.access.actions import Action, Purpose
from serving.access.actors import Actor, Target
from serving.access.conditions import HOLDS, Condition, Moment, Request, holds_lease, is_assigned, is_granted
from serving.access.errors import RolesClashError
from serving.access.permissions import PERMISSIONS, Permission
from serving.access.roles import Role, check_staff_roles


class Refusal(enum.StrEnum):
    """Why nothing in the table was even looked at; else the reason is the condition that failed."""

    NOT_IN_SERVICE = "not_in_service"
    SECOND_FACTOR_MISSING = "second_factor_missing"
    ROLES_CLASH = "roles_clash"
    NO_ROLE_MAY = "no_role_may"
    PURPOSE = "purpose"
    COULD_NOT_CHECK = "could_not_check"


class Tie(enum.StrEnum):
    """What binds an actor to a subject: written into the record of a read, and counted by the alarm."""

    OWN = "own"
    GRANT = "grant"
    CASE = "case"
    ASSIGNMENT = "assignment"
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no, and why.

    Attributes:
        allowed: may they?
        reason: of a no, the condition that failed or a :class:`Refusal`; of a yes None.
        role: of a yes, the role under which.
        tie: of a yes, what binds the actor to the subject.
    """

    allowed: bool
    reason: Condition | Refusal | None
    role: Role | None = None
    tie: Tie | None = None


def decide(actor: Actor, action: Action, target: Target, purpose: Purpose, moment: Moment) -> Decision:
    """May they? Never raises: what cannot be checked is refused (gates.md, S20)."""
    try:
        return _decide(Request(actor, action, target, moment), purpose)
    except RolesClashError:
        return Decision(False, Refusal.ROLES_CLASH)
    except Exception:  # noqa: BLE001 (the outer edge of access: a fault in here must never let anybody in)
        return Decision(False, Refusal.COULD_NOT_CHECK)


def _decide(request: Request, purpose: Purpose) -> Decision:
    actor = request.actor
    if not actor.enabled:
        return Decision(False, Refusal.NOT_IN_SERVICE)
    if actor.is_staff:
        check_staff_roles(actor.roles)
        if not actor.strong:
            return Decision(False, Refusal.SECOND_FACTOR_MISSING)
    rows = [row for row in PERMISSIONS if row.role in actor.roles and request.action in row.actions]
    if not rows:
        return Decision(False, Refusal.NO_ROLE_MAY)
    rows = [row for row in rows if row.purpose is purpose]
    if not rows:
        return Decision(False, Refusal.PURPOSE)
    failures = []
    for row in rows:
        failed = _first_failure(row, request)
        if failed is None:
            return Decision(True, None, row.role, _tie(request))
        failures.append((row.conditions.index(failed), failed))
    return Decision(False, max(failures)[1])  # of the row that came nearest


def _first_failure(row: Permission, request: Request) -> Condition | None:
    return next((condition for condition in row.conditions if not HOLDS[condition](request)), None)


def _tie(request: Request) -> Tie | None:
    """What binds the actor to the subject; None where no subject is concerned.

    Only an open case makes an assignment a tie: being posted over a city does not make its people one's business.
    """
    if request.target.subject is None:
        return None
    if HOLDS[Condition.OWN](request):
        return Tie.OWN
    if is_granted(request):
        return Tie.GRANT
    if request.target.is_open and holds_lease(request):
        return Tie.CASE
    if request.target.is_open and is_assigned(request):
        return Tie.ASSIGNMENT
    return Tie.STRANGER
