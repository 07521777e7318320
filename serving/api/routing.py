"""From a function to a route: the transaction around a request, the answer given once, and its record.

A route says where it is made whether it returns personal data (`personal=True`). What is told is recorded in the
transaction in which it was read, so that an answer without its record cannot be given.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import inspect
import json
import uuid
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final, ParamSpec, cast, get_type_hints

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, Depends, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy import Connection
from starlette.responses import Response

from serving.access.actions import Purpose
from serving.access.cookies import SESSION_COOKIE
from serving.access.limits import READ, STAFF, WRITE
from serving.access.sessions import Session, find_session
from serving.api.parts import Parts
from serving.api.problems import MEDIA_TYPE, TITLES, Problem, ProblemError
from serving.api.revisions import tag_of
from serving.api.schemas.answers import Answer
from serving.api.visits import Record, Visit
from serving.casework.citizen.requests import once

PREFIX: Final = "/api/v1"
MOST_WAITING: Final = 150
"""When so many wait for a thread, who comes next is told to come back: waiting longer helps nobody."""
_SAFE: Final = frozenset({"GET", "HEAD"})

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
