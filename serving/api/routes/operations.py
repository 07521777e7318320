"""Operators: what is up, how old work is, stop buttons. No case, no person, no rule."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import text

from serving.access.actions import Action
from serving.access.actors import Target
from serving.api.problems import ProblemError, not_found
from serving.api.routes.citizen_offers import Number
from serving.api.schemas.operations import HealthOut, QueueHealthOut, StopIn, StopOut, StopsOut
from serving.api.visits import IdempotencyKey, Visit, Visiting, serve
from serving.casework.queues import oldest
from serving.stops import buttons
from serving.stops.buttons import Scope, Stop
from serving.stops.errors import SamePersonError, UnknownStopError

router = APIRouter(prefix="/operations", tags=["operations"])


@serve(router, "GET", "/health", HealthOut, personal=False)
def health(visit: Visiting) -> HealthOut:
    """What is down, how old the oldest work of each queue is, and how many deliveries wait."""
    visit.allow(Action.HEALTH_READ)
    queues = [
        QueueHealthOut(
            kind=one.kind, district=one.district, benefit=one.benefit, escalation=one.escalation, cases=one.cases,
            paused=one.paused, oldest_opened_at=one.oldest_opened_at, earliest_due_at=one.earliest_due_at,
        )
        for one in oldest(visit.connection)
    ]  # fmt: skip
    rows = visit.connection.execute(text("SELECT state, count(*) FROM outbox GROUP BY state")).all()
    return HealthOut(down=list(visit.parts.health.down()), queues=queues, outbox={row[0]: row[1] for row in rows})


@serve(router, "GET", "/stops", StopsOut, personal=False)
def stops(visit: Visiting) -> StopsOut:
    """Every stop button that is pressed."""
    if not visit.may(Action.HEALTH_READ):
        visit.allow(Action.STOP_PRESS, Target(programme=_programme(visit)))
    else:
        visit.allow(Action.HEALTH_READ)
    return StopsOut(stops=[_told(one) for one in buttons.pressed(visit.connection)])


@serve(router, "POST", "/stops", StopOut, personal=False, status=201, always=True)
def press(visit: Visiting, body: StopIn, key: IdempotencyKey) -> StopOut:
    """Stop deliveries of a benefit, by a channel, or all: one person's act, at once."""
    if (body.scope is Scope.ALL) != (body.name == ""):
        raise ProblemError(422, "invalid", more={"errors": [{"at": "body.name", "why": "does_not_fit_scope"}]})
    visit.allow(Action.STOP_PRESS, _target(body.scope, body.name))
    made = buttons.press(visit.connection, body.scope, body.name, visit.actor.account, body.reason, visit.now)
    return _told(made)


@serve(router, "POST", "/stops/{number}/release", StopOut, personal=False, always=True)
def release(visit: Visiting, number: Number, key: IdempotencyKey) -> StopOut:
    """Take the next of the two steps that end a stop: two people take them."""
    found = next((one for one in buttons.pressed(visit.connection) if one.id == number), None)
    if found is None:
        # Whether there is one is for those to know who may release.
        visit.allow(Action.STOP_ASK_RELEASE, Target(programme=_programme(visit)))
        raise not_found()
    target = _target(found.scope, found.name, found.released_first_by)
    visit.allow(Action.STOP_RELEASE if found.released_first_by else Action.STOP_ASK_RELEASE, target)
    try:
        return _told(buttons.release(visit.connection, number, visit.actor.account, visit.now))
    except UnknownStopError:
        raise not_found() from None
    except SamePersonError as error:
        raise ProblemError(403, "another_person", str(error)) from error


def _programme(visit: Visit) -> str | None:
    return next(iter(sorted(visit.actor.programmes)), None)


def _target(scope: Scope, name: str, first: str | None = None) -> Target:
    hands = frozenset({first}) if first else frozenset()
    return Target(programme=name if scope is Scope.BENEFIT else None, hands=hands)


def _told(of: Stop) -> StopOut:
    return StopOut(
        stop=of.id, scope=of.scope, name=of.name, cause=of.cause.value, pressed_by=of.pressed_by,
        pressed_at=of.pressed_at, reason=of.reason, released_first_by=of.released_first_by, released_at=of.released_at,
    )  # fmt: skip
