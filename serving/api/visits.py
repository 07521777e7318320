"""One request from the door to its record: who is there, may they, what they were shown; all in one transaction.

A route that returns personal data says so where it is made (`personal=True`); it must then note whom it showed, and a
route that does not say so must not: either mistake is an answer 500 and nothing is told. What is told is recorded in
the transaction in which it was read, so that an answer without its record cannot be given.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
import uuid
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Request
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from serving.access.actions import Action, Purpose
from serving.access.actors import NOTHING_IN_PARTICULAR, Actor, Target
from serving.access.conditions import Condition
from serving.access.cookies import SESSION_COOKIE
from serving.access.limits import READ, STAFF, WRITE
from serving.access.permissions import PERMISSIONS
from serving.access.policy import Decision, Refusal, Tie, decide
from serving.access.reads import Reading, record_reads
from serving.access.roles import Role
from serving.access.sessions import Session, find_session
from serving.api.parts import Parts
from serving.api.problems import Problem, ProblemError, not_found
from serving.api.revisions import tag_of
from serving.casework.citizen.requests import once

PREFIX: Final = "/api/v1"
_SAFE: Final = frozenset({"GET", "HEAD"})
_HIDES: Final = frozenset({
    Condition.OWN, Condition.GRANTED, Condition.IN_DISTRICT, Condition.ON_PROGRAMME, Condition.ASSIGNED,
    Condition.NOT_OWN_FILE, Condition.GLASS_BROKEN, Condition.OPEN,
})  # fmt: skip
"""Where one of these fails on an object, it is not there for whoever asks: 403 would say that it exists."""
_BROKEN_GLASS: Final = Purpose.EMERGENCY

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=100,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="Made by you for this one request: sent again with the same content it has one effect and one answer.",
        examples=["3f2b6a1e-confirm-17"],
    ),
]
PurposeHeader = Annotated[
    Purpose | None,
    Header(
        alias="X-Purpose",
        description="What for, where your role allows several; it stands in the record that the subject can read.",
    ),
]


class OutOfOrderError(Exception):
    """A route is made wrongly: it told what it did not declare, or let somebody act without asking the gate."""


@dataclass(slots=True)
class Visit:
    """A request of somebody who is logged in.

    Attributes:
        parts: what routes work with.
        connection: the transaction of the request.
        session: theirs.
        actor: who they are, as the database knows them now.
        now: the moment.
        on_date: the day.
        number: of the request.
        route: its pattern.
        purpose: what they said it is for.
    """

    parts: Parts
    connection: Connection
    session: Session
    actor: Actor
    now: dt.datetime
    on_date: dt.date
    number: uuid.UUID
    route: str
    purpose: Purpose | None
    _decision: Decision | None = None
    _purpose_used: Purpose | None = None
    _shown: dict[str, Tie] = field(default_factory=dict)
    _fields: set[str] = field(default_factory=set)
    _case: int | None = None

    @property
    def own(self) -> str:
        """The person or enterprise that is logged in, as `kind:id`.

        Raises:
            ProblemError: 403, it is staff.
        """
        if self.actor.is_staff:
            raise ProblemError(403, "not_for_your_role")
        return next(iter(sorted(self.actor.subjects & self._accounts_own())))

    def _accounts_own(self) -> frozenset[str]:
        kind = "enterprise:" if Role.ENTERPRISE in self.actor.roles else "person:"
        return frozenset(s for s in self.actor.subjects if s.startswith(kind) and s == self.parts.gate_own(self))

    def allow(self, action: Action, target: Target = NOTHING_IN_PARTICULAR) -> Decision:
        """Let them, or not.

        Raises:
            ProblemError: 403, or 404 where they may not even know that there is such a thing.
        """
        found = self.decide(action, target)
        if not found.allowed:
            raise self._refused(found, target)
        self._decision = found
        return found

    def may(self, action: Action, target: Target = NOTHING_IN_PARTICULAR) -> bool:
        """Would they be let?"""
        return self.decide(action, target).allowed

    def decide(self, action: Action, target: Target) -> Decision:
        """The gate's word, for the purpose that they said or the first for which they may."""
        moment = self.parts.gate.moment(self.now, self.on_date)
        refused: Decision | None = None
        for purpose in self._purposes(action):
            found = decide(self.actor, action, target, purpose, moment)
            if found.allowed:
                self._purpose_used = purpose
                return found
            refused = refused if refused is not None and found.reason is Refusal.PURPOSE else found
        return refused or Decision(False, Refusal.NO_ROLE_MAY)

    def _purposes(self, action: Action) -> list[Purpose]:
        if self.purpose is not None:
            return [self.purpose]
        rows = [row.purpose for row in PERMISSIONS if row.role in self.actor.roles and action in row.actions]
        # Nobody acts in an emergency without saying so.
        return [p for p in dict.fromkeys(rows) if p is not _BROKEN_GLASS or action is Action.GLASS_BREAK]

    def _refused(self, found: Decision, target: Target) -> ProblemError:
        if isinstance(found.reason, Condition) and found.reason in _HIDES and target != NOTHING_IN_PARTICULAR:
            return not_found()
        if found.reason is Refusal.SECOND_FACTOR_MISSING:
            return ProblemError(403, "second_factor_missing", "Log in with your second factor.")
        return ProblemError(403, "not_allowed", more={"reason": str(found.reason)})

    def show(self, subject: str, fields: Collection[str], case: int | None = None) -> None:
        """Note that the answer holds somebody's data.

        Args:
            subject: whose, as `kind:id`.
            fields: which, by name.
            case: within which case.
        """
        if self._decision is None:
            raise OutOfOrderError(f"{self.route} shows data before it asked the gate.")
        tie = Tie.OWN if subject in self.actor.subjects else self._decision.tie or Tie.STRANGER
        self._shown[subject] = tie
        self._fields |= set(fields)
        self._case = case if case is not None else self._case

    def close(self, *, personal: bool) -> None:
        """Record what was shown.

        Raises:
            OutOfOrderError: the route is made wrongly.
        """
        if self._decision is None or self._decision.role is None or self._purpose_used is None:
            raise OutOfOrderError(f"{self.route} let somebody act without asking the gate.")
        if bool(self._shown) != personal and not (personal and not self._shown and self._nothing_there):
            raise OutOfOrderError(f"{self.route} is declared otherwise than it shows.")
        if self._shown:
            reading = Reading(
                self.actor.account, self._decision.role, self._purpose_used, frozenset(self._fields), self.route,
                self.number, self.now, self._case,
            )  # fmt: skip
            record_reads(self.connection, reading, self._shown)

    _nothing_there: bool = False

    def nothing_there(self) -> None:
        """The answer of a route with personal data holds nobody's: an empty queue."""
        self._nothing_there = True


def _visit(
    request: Request, x_purpose: PurposeHeader = None
) -> Iterator[Visit]:
    """Open the transaction, and find out who is there."""
    parts: Parts = request.app.state.parts
    token = request.cookies.get(SESSION_COOKIE)
    now = parts.now()
    with parts.engine.connect() as connection:
        transaction = connection.begin()
        try:
            session = None if token is None else find_session(connection, token, now)
            if session is None:
                raise ProblemError(401, "not_logged_in", headers={"WWW-Authenticate": 'Cookie realm="applyfree"'})
            _slow_down(parts, session, request.method)
            actor = parts.gate.actor(connection, session, now)
            yield Visit(
                parts, connection, session, actor, now, parts.on_date(), uuid.UUID(request.state.request_id),
                _pattern(request), x_purpose,
            )  # fmt: skip
        finally:
            if transaction.is_active:
                transaction.rollback()


def _slow_down(parts: Parts, session: Session, method: str) -> None:
    limit = STAFF if session.is_staff else READ if method in _SAFE else WRITE
    verdict = parts.limiter.hit(limit, session.account)
    if not verdict.allowed:
        raise ProblemError(429, "too_many", headers={"Retry-After": str(verdict.retry_after_seconds)})


def _pattern(request: Request) -> str:
    return str(getattr(request.scope.get("route"), "path", "unknown"))


Visiting = Annotated[Visit, Depends(_visit)]
