"""One request from the door to its record: who is there, may they, what they were shown; all in one transaction.

A route that returns personal data says so where it is made (`personal=True`); it must then note whom it showed, and a
route that does not say so must not: either mistake is an answer 500 and nothing is told. What is told is recorded in
the transaction in which it was read, so that an answer without its record cannot be given.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import inspect
import json
import uuid
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Final, ParamSpec, cast, get_type_hints

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, Depends, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy import Connection, select
from starlette.responses import Response

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
from serving.api.problems import MEDIA_TYPE, TITLES, Problem, ProblemError, not_found
from serving.api.revisions import tag_of
from serving.api.schemas.answers import Answer
from serving.casework.citizen.requests import once
from serving.store.tables.access import citizen_account

PREFIX: Final = "/api/v1"
MOST_WAITING: Final = 300
"""When so many wait for a thread, who comes next is told to come back: waiting longer helps nobody."""
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
        description="Made by you for this request: sent again with the same content it has one effect, one answer.",
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


@dataclass(frozen=True, slots=True)
class Record:
    """Whom an answer showed: role and purpose under which, names of fields, by subject what binds, the case."""

    role: str
    purpose: str
    fields: list[str]
    shown: dict[str, Tie]
    case: int | None

    def kept(self) -> dict[str, object]:
        """As it is kept beside an answer."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Told:
    """An answer with more than its content.

    Attributes:
        body: the content.
        revision: of what it shows; it becomes the ETag.
        status: of HTTP.
    """

    body: BaseModel
    revision: int | None = None
    status: int = 200


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
    _used: Purpose | None = None
    _shown: dict[str, Tie] = field(default_factory=dict)
    _fields: set[str] = field(default_factory=set)
    _case: int | None = None
    _empty: bool = False

    @property
    def own(self) -> str:
        """The person or enterprise whose account it is, as `kind:id`.

        Raises:
            ProblemError: 403, it is staff.
        """
        if self.actor.is_staff:
            raise ProblemError(403, "not_for_your_role")
        kind = "enterprise:" if Role.ENTERPRISE in self.actor.roles else "person:"
        candidates = [one for one in self.actor.subjects if one.startswith(kind)]
        if len(candidates) == 1:
            return candidates[0]
        where = citizen_account.c.id == self.actor.account
        row = self.connection.execute(select(citizen_account.c.kind, citizen_account.c.subject).where(where)).one()
        return f"{row.kind}:{row.subject}"

    def learn_grants(self) -> None:
        """Look again at what others let the actor do: the request itself may have given them something."""
        self.actor = self.parts.gate.actor(self.connection, self.session, self.now)

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
                self._used = purpose
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

    def nothing_there(self) -> None:
        """The answer of a route with personal data holds nobody's this time: an empty queue."""
        self._empty = True

    def close(self, *, personal: bool) -> Record | None:
        """Record what was shown.

        Args:
            personal: does the route declare that it shows personal data?

        Returns:
            What was recorded, to be recorded again where the same answer is given again; None: nobody was shown.

        Raises:
            OutOfOrderError: the route is made wrongly.
        """
        if self._decision is None or self._decision.role is None or self._used is None:
            raise OutOfOrderError(f"{self.route} let somebody act without asking the gate.")
        if personal != bool(self._shown or self._empty):
            raise OutOfOrderError(f"{self.route} is declared otherwise than it shows.")
        if not self._shown:
            return None
        told = Record(str(self._decision.role), str(self._used), sorted(self._fields), dict(self._shown), self._case)
        self.record(told)
        return told

    def record(self, told: Record) -> None:
        """Write down what was shown."""
        reading = Reading(
            self.actor.account, Role(told.role), Purpose(told.purpose), frozenset(told.fields), self.route,
            self.number, self.now, told.case,
        )  # fmt: skip
        record_reads(self.connection, reading, {subject: Tie(tie) for subject, tie in told.shown.items()})


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request before anybody looked who makes it."""

    request: Request
    purpose: Purpose | None


async def _asked(request: Request, x_purpose: PurposeHeader = None) -> _Asked:
    """Nothing is looked at yet: that takes a connection, and whoever holds one must not wait for a thread."""
    if current_default_thread_limiter().statistics().tasks_waiting >= MOST_WAITING:
        raise ProblemError(503, "busy", "Very many ask at the moment. Try again.", headers={"Retry-After": "5"})
    return _Asked(request, x_purpose)


@contextmanager
def _visit(asked: _Asked) -> Iterator[Visit]:
    """Open the transaction, and find out who is there."""
    request = asked.request
    parts: Parts = request.app.state.parts
    now = parts.now()
    with parts.engine.connect() as connection:
        session = _session_of(request, connection, now)
        actor = parts.gate.actor(connection, session, now)
        yield Visit(
            parts, connection, session, actor, now, parts.on_date(), uuid.UUID(request.state.request_id),
            str(getattr(request.scope.get("route"), "path", "unknown")), asked.purpose,
        )  # fmt: skip


def _session_of(request: Request, connection: Connection, now: dt.datetime) -> Session:
    parts: Parts = request.app.state.parts
    token = request.cookies.get(SESSION_COOKIE)
    session = None if token is None else find_session(connection, token, now)
    if session is None:
        raise ProblemError(401, "not_logged_in", headers={"WWW-Authenticate": 'Cookie realm="applyfree"'})
    _slow_down(parts, session, request.method)
    return session


class _KnownFirst(APIRoute):
    """Whoever is not logged in is told that, and not what is wrong with the form that they sent."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As FastAPI makes it, but for requests that are not as they must be."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError:
                await run_in_threadpool(_must_be_known, request)
                raise

        return handled


def _must_be_known(request: Request) -> None:
    parts: Parts = request.app.state.parts
    with parts.engine.begin() as connection:
        _session_of(request, connection, parts.now())


def _slow_down(parts: Parts, session: Session, method: str) -> None:
    limit = STAFF if session.is_staff else READ if method in _SAFE else WRITE
    verdict = parts.limiter.hit(limit, session.account)
    if not verdict.allowed:
        raise ProblemError(429, "too_many", headers={"Retry-After": str(verdict.retry_after_seconds)})


P = ParamSpec("P")
Visiting = Annotated[Visit, Depends(_asked)]
"""What a function is handed; :func:`serve` opens it when a thread is free."""
Answers = BaseModel | Told


def _documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {one: {"model": Problem, "content": {MEDIA_TYPE: {}}, "description": TITLES[one]} for one in statuses}


PROBLEMS: Final = _documented(400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 503)
"""What any route may answer."""
_CHANGED: Final = _documented(412, 428)


def serve(
    router: APIRouter,
    method: str,
    path: str,
    out: type[BaseModel],
    *,
    personal: bool,
    status: int = 200,
    always: bool = False,
) -> Callable[[Callable[P, Answers]], Callable[P, Response]]:
    """Make a function a route.

    Args:
        router: where.
        method: GET, POST, PUT or DELETE. What changes something has a parameter `key`, see :data:`IdempotencyKey`.
        path: below the router's prefix.
        out: the model of its answer.
        personal: does the answer hold personal data? Then the function calls :meth:`Visit.show`.
        status: of an answer that went well.
        always: may it change something even while nothing is sealed? Stopping and asking for a person always may.
    """

    def made(function: Callable[P, Answers]) -> Callable[P, Response]:
        @functools.wraps(function)
        def answered(*args: P.args, **kwargs: P.kwargs) -> Response:
            asked = kwargs["visit"]
            assert isinstance(asked, _Asked)
            with _visit(asked) as visit:
                kwargs["visit"] = visit

                def carry_out() -> dict[str, object]:
                    found = function(*args, **kwargs)
                    return _closed(visit, found if isinstance(found, Told) else Told(found, status=status), personal)

                read_only = visit.parts.health.is_read_only(visit.connection, visit.now)
                if method == "GET":
                    answer = carry_out()
                elif read_only and not always:
                    raise ProblemError(503, "read_only", "For the moment everything can be read and nothing changed.",
                                       headers={"Retry-After": "60"})  # fmt: skip
                else:
                    answer = _once(visit, kwargs, carry_out)
                visit.connection.commit()
            return _response(answer)

        # FastAPI reads annotations where a function was written, and this one is written here.
        hints = get_type_hints(function, include_extras=True)
        named = inspect.signature(function)
        told = [one.replace(annotation=hints[name]) for name, one in named.parameters.items()]
        answered.__signature__ = named.replace(parameters=told, return_annotation=Response)  # type: ignore[attr-defined]
        responses = dict(PROBLEMS) | ({} if method == "GET" else _CHANGED)
        router.add_api_route(
            path, answered, methods=[method], response_model=out, status_code=status, responses=responses,
            openapi_extra={"x-personal-data": personal}, route_class_override=_KnownFirst,
        )  # fmt: skip
        return answered

    return made


def _closed(visit: Visit, told: Told, personal: bool) -> dict[str, object]:
    """An answer with its record, as it is kept."""
    if isinstance(told.body, Answer):
        told.body.banners = visit.parts.health.banners()
    record = visit.close(personal=personal)
    return {
        "status": told.status, "body": told.body.model_dump_json(), "revision": told.revision,
        "record": None if record is None else record.kept(),
    }  # fmt: skip


def _once(visit: Visit, said: Mapping[str, object], carry_out: Callable[[], dict[str, object]]) -> dict[str, object]:
    """Carry out a request, or give the answer that it had, with a record of its own."""
    done = False

    def first() -> dict[str, object]:
        nonlocal done
        done = True
        return carry_out()

    content = {name: value for name, value in said.items() if name not in ("visit", "key")}
    told = json.dumps(jsonable_encoder(content), sort_keys=True, ensure_ascii=False).encode()
    asked = {"route": visit.route, "said": hashlib.sha256(told).hexdigest()}
    answer = once(visit.connection, f"account:{visit.actor.account}", str(said["key"]), asked, visit.now, first)
    record = answer.get("record")
    if not done and record is not None:
        visit.record(Record(**cast(dict[str, Any], record)))
    return answer


def _response(answer: Mapping[str, object]) -> Response:
    headers = {} if answer["revision"] is None else {"ETag": tag_of(cast(int, answer["revision"]))}
    return Response(str(answer["body"]), cast(int, answer["status"]), headers, "application/json")
