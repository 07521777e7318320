"""The application: all routes, the layers around them, and a description of itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.datastructures import Headers
from starlette.types import ASGIApp

from serving.access.cookies import SESSION_COOKIE
from serving.api.edge import Edge
from serving.api.parts import Parts
from serving.api.problems import add_handlers
from serving.api.routes import (
    administration,
    audit,
    bulk,
    cases,
    citizen_answers,
    citizen_offers,
    citizen_wishes,
    counter,
    dci,
    deciding,
    doors,
    operations,
    policy,
    taking_over,
)
from serving.api.visits import PREFIX
from serving.security.csrf import CsrfGuard
from serving.security.http import SecurityHeaders

MESSAGES: Final = frozenset(
    f"{PREFIX}/dci/registry/{what}" for what in ("search", "subscribe", "unsubscribe", "notify")
)
"""Paths whose requests are signed by departments."""
THREADS: Final = 8
"""So many requests are worked on at once in a process, each with a connection; what more arrives waits its turn."""
_DESCRIPTION: Final = """
Who is entitled to what, why, and what happens with it.

* Whoever asks is known by the session's cookie; whose data are meant comes from the session, never from an address.
* What changes something carries an `Idempotency-Key`, an `X-CSRF-Token`, and an `If-Match` where there is an ETag.
* What goes wrong is a problem (RFC 9457). 404 says: there is nothing here, or nothing for you.
* Each answer with personal data leaves a record that its subject can read.
"""
# `/cases/reasons` (deciding) stands before `/cases/{number}`.
ROUTERS: Final[Sequence[APIRouter]] = (
    doors.public, doors.login, citizen_answers.router, citizen_offers.router, citizen_wishes.router,
    deciding.router, taking_over.router, cases.router, bulk.router, counter.router, policy.router,
    audit.router, operations.router, administration.router, dci.router,
)  # fmt: skip


def build(parts: Parts, origins: Iterable[str], more: Iterable[APIRouter] = ()) -> ASGIApp:
    """The finished application.

    Args:
        parts: what it works with.
        origins: ours, like `https://service.example.gov.cn`.
        more: further routers: the login at a provider.
    """
    app = routes(parts, more)
    guarded = CsrfGuard(app, parts.tokens, session_of, origins, MESSAGES)
    return SecurityHeaders(Edge(guarded, MESSAGES), public=("/health/",))


def routes(parts: Parts, more: Iterable[APIRouter] = ()) -> FastAPI:
    """The routes without the layers around them."""
    shown: dict[str, Any] = {} if parts.public_docs else {"docs_url": None, "redoc_url": None, "openapi_url": None}
    app = FastAPI(title="applyfree 免申即享", version="1", description=_DESCRIPTION, lifespan=_few_threads, **shown)
    app.state.parts = parts
    add_handlers(app)
    for router in (*ROUTERS, *more):
        app.include_router(router, prefix="" if router is doors.public else PREFIX)
    return app


@asynccontextmanager
async def _few_threads(_: FastAPI) -> AsyncIterator[None]:
    """No more threads than connections: they would wait for one, and for each other's turn in the interpreter."""
    current_default_thread_limiter().total_tokens = THREADS
    yield


def description(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document; it is not served to the public."""
    return get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)


def session_of(headers: Headers) -> str | None:
    """The session's id in a request's cookies."""
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == SESSION_COOKIE:
            return value
    return None
