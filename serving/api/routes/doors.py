"""The doors: logging in and out, who am I, and whether the service is up."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, RedirectResponse, Response

from serving.access.cookies import ATTRIBUTES, LOGIN_COOKIE, SESSION_COOKIE
from serving.access.errors import LoginRefusedError, ProviderError
from serving.access.limits import LOGIN
from serving.access.login.attempts import keep_attempt, take_attempt
from serving.access.login.flow import begin_login, finish_login
from serving.access.login.provider import Provider
from serving.access.sessions import end_session, find_session, open_session
from serving.api.parts import Parts
from serving.api.problems import ProblemError
from serving.api.routing import PROBLEMS
from serving.api.schemas.answers import Banner

public = APIRouter(tags=["health"])
login = APIRouter(tags=["session"])
_RETRY: Final = {"Retry-After": "5"}


class Alive(BaseModel):
    """Something answers."""

    model_config = ConfigDict(extra="forbid")
    status: str = Field(examples=["alive"])


class Ready(BaseModel):
    """Can requests be answered? Nothing in it is about anybody."""

    model_config = ConfigDict(extra="forbid")
    status: str = Field(examples=["ready"])
    down: list[str] = Field(description="What is away; answers go on without it.", examples=[["redis"]])


class SessionOut(BaseModel):
    """Who is logged in."""

    model_config = ConfigDict(extra="forbid")
    account: str
    roles: list[str]
    token: str = Field(description="To be sent as X-CSRF-Token with whatever changes something.")
    banners: list[Banner]


@public.get("/health/live", summary="Something answers")
def live() -> Alive:
    """Is the process up?"""
    return Alive(status="alive")


@public.get("/health/ready", summary="Requests can be answered", responses={503: {"model": Ready}})
def ready(request: Request) -> Response:
    """Are the database and the answers of a sweep at hand? What else is away is named."""
    parts: Parts = request.app.state.parts
    try:
        with parts.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
            found = parts.knowledge.is_ready(connection)
    except SQLAlchemyError:
        found = False
    down = list(parts.health.down())
    content = Ready(status="ready" if found else "not_ready", down=down).model_dump()
    return JSONResponse(content, 200 if found else 503, {} if found else _RETRY)


@login.get("/session", summary="Who am I", responses=PROBLEMS)
def session(request: Request) -> SessionOut:
    """Whose session it is, with the token that changes need."""
    parts: Parts = request.app.state.parts
    token = request.cookies.get(SESSION_COOKIE)
    with parts.engine.begin() as connection:
        found = None if token is None else find_session(connection, token, parts.now())
        if found is None or token is None:
            raise ProblemError(401, "not_logged_in")
        actor = parts.gate.actor(connection, found, parts.now())
    roles = sorted(role.value for role in actor.roles)
    return SessionOut(
        account=actor.account, roles=roles, token=parts.tokens.make(token), banners=parts.health.banners()
    )


@login.post("/session/logout", status_code=204, summary="Log out", responses=PROBLEMS)
def logout(request: Request) -> Response:
    """End the session."""
    parts: Parts = request.app.state.parts
    token = request.cookies.get(SESSION_COOKIE)
    if token is not None:
        with parts.engine.begin() as connection:
            end_session(connection, token, parts.now())
    answer = Response(status_code=204)
    answer.delete_cookie(SESSION_COOKIE, **ATTRIBUTES)
    return answer


def login_routes(provider: Provider, home_page: str) -> APIRouter:
    """The two halves of a login at an identity provider.

    Args:
        provider: where people go.
        home_page: where they go afterwards.
    """
    router = APIRouter(tags=["session"])

    @router.get("/login", status_code=303, summary="Log in", response_class=RedirectResponse)
    def begin(request: Request) -> Response:
        """Go to the identity provider."""
        parts: Parts = request.app.state.parts
        _slow_down(parts, request)
        try:
            attempt, address = begin_login(provider, parts.now())
        except ProviderError as error:
            raise ProblemError(503, "provider_away", headers=_RETRY) from error
        with parts.engine.begin() as connection:
            cookie = keep_attempt(connection, attempt, parts.now())
        answer = RedirectResponse(address, 303)
        answer.set_cookie(LOGIN_COOKIE, cookie, **ATTRIBUTES)
        return answer

    @router.get("/login/callback", status_code=303, summary="Back from the provider", response_class=RedirectResponse)
    def finish(request: Request) -> Response:
        """Back from the identity provider, with its answer."""
        parts: Parts = request.app.state.parts
        _slow_down(parts, request)
        try:
            with parts.engine.begin() as connection:
                attempt = take_attempt(connection, request.cookies.get(LOGIN_COOKIE))
            identity = finish_login(provider, attempt, dict(request.query_params), parts.now())
            with parts.engine.begin() as connection:
                token = open_session(connection, identity, parts.now(), request.cookies.get(SESSION_COOKIE))
        except LoginRefusedError as error:
            raise ProblemError(403, "login_refused", "Begin the login again.") from error
        except ProviderError as error:
            raise ProblemError(503, "provider_away", headers=_RETRY) from error
        answer = RedirectResponse(home_page, 303)
        answer.delete_cookie(LOGIN_COOKIE, **ATTRIBUTES)
        answer.set_cookie(SESSION_COOKIE, token, **ATTRIBUTES)
        return answer

    return router


def _slow_down(parts: Parts, request: Request) -> None:
    where: Any = request.client
    verdict = parts.limiter.hit(LOGIN, "unknown" if where is None else where.host)
    if not verdict.allowed:
        raise ProblemError(429, "too_many", headers={"Retry-After": str(verdict.retry_after_seconds)})
