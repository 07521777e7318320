"""Answers to what goes wrong: problem details (RFC 9457), which never repeat a value that somebody sent or holds.

Source:
    RFC 9457; OWASP ASVS 5.0, 16.5.1 (errors tell nothing of the inside).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from features.errors import FeaturesError
from serving import log
from serving.casework.errors import (
    CaseworkError,
    Change,
    ConflictError,
    NotAllowedError,
    NotFoundError,
    RequestReusedError,
)
from serving.errors import ServingError

MEDIA_TYPE: Final = "application/problem+json"
TITLES: Final[Mapping[int, str]] = {
    400: "The request cannot be read.",
    401: "Nobody is logged in.",
    403: "You may not do this.",
    404: "There is nothing here, or nothing for you.",
    405: "This cannot be done here.",
    406: "Nothing here is of the kind that was asked for.",
    408: "The request took too long to arrive.",
    409: "Somebody else was first, or it no longer stands that way.",
    412: "It has changed since you read it.",
    413: "The request is too large.",
    415: "The content is of a kind that is not taken here.",
    422: "Something in the request is not as it must be.",
    428: "Say which revision you have read (If-Match).",
    429: "Too many requests. Wait a little.",
    500: "Something went wrong on our side. Nothing was changed.",
    503: "This cannot be answered at the moment. Nothing was changed.",
}
_RETRY_SECONDS: Final = 5
_CODES: Final = {
    400: "unreadable", 404: "not_found", 405: "method_not_allowed", 408: "too_slow", 413: "too_large",
}  # fmt: skip


class Where(BaseModel):
    """One thing in a request that is not as it must be."""

    model_config = ConfigDict(extra="forbid")

    at: str = Field(description="Where: `body.reason_code`, `query.limit`.", examples=["body.reason_code"])
    why: str = Field(description="What kind of mistake it is; never what was sent.", examples=["missing"])


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(examples=["urn:applyfree:problem:changed_since"])
    title: str = Field(examples=["It has changed since you read it."])
    status: int = Field(examples=[412])
    detail: str | None = Field(default=None, description="What to do about it.")
    request: str | None = Field(default=None, description="The id of the request, to be told when asking for help.")
    errors: list[Where] | None = Field(default=None, description="Of a request that is not as it must be: where.")
    revision: int | None = Field(default=None, description="The revision that it has now.")
    changes: list[dict[str, Any]] | None = Field(default=None, description="What changed since the revision you read.")


class ProblemError(Exception):
    """An answer other than what was asked for.

    Attributes:
        status: of HTTP.
        code: a constant word; the problem's type is made of it.
        detail: what to do about it; never a value of a person.
        more: further members of the problem.
        headers: further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str | None = None,
        *,
        more: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status, self.code, self.detail = status, code, detail
        self.more, self.headers = dict(more or {}), dict(headers or {})
        super().__init__(code)


def not_found() -> ProblemError:
    """There is no such thing, or not for whoever asks: the two read the same."""
    return ProblemError(404, "not_found")


def add_handlers(app: FastAPI) -> None:
    """Answer every error of an application with a problem."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(ServingError, _on_serving)
    app.add_exception_handler(FeaturesError, _on_features)
    app.add_exception_handler(DBAPIError, _on_database)
    app.add_exception_handler(PoolTimeoutError, _on_database)
    app.add_exception_handler(Exception, _on_fault)


def answer(
    request_id: str | None,
    status: int,
    code: str,
    detail: str | None = None,
    more: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem, as it is sent."""
    content: dict[str, Any] = {
        "type": f"urn:applyfree:problem:{code}",
        "title": TITLES.get(status, "It cannot be done."),
        "status": status,
    }
    if detail is not None:
        content["detail"] = detail
    if request_id is not None:
        content["request"] = request_id
    return JSONResponse(content | dict(more or {}), status, dict(headers or {}), media_type=MEDIA_TYPE)


def change_out(of: Change) -> dict[str, Any]:
    """One thing that was done since somebody read it, for officers."""
    return {**_plainly(of), "actor": of.actor, "changed": {name: list(pair) for name, pair in of.fields.items()}}


def _plainly(of: Change) -> dict[str, Any]:
    return {"revision": of.revision, "at": of.at.isoformat(), "action": of.action}


def _id_of(request: Request) -> str | None:
    return getattr(request.state, "request_id", None)


async def _on_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)
    return answer(_id_of(request), error.status, error.code, error.detail, error.more, error.headers)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "refused")
    return answer(_id_of(request), error.status_code, code, headers=error.headers)


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return answer(_id_of(request), 422, "invalid", more={"errors": _places(error.errors())})


def _places(found: Sequence[Any]) -> list[dict[str, str]]:
    """Where a request is wrong, without what it said: a name that somebody made up is not repeated either."""
    told = []
    for one in found[:20]:
        place = [str(part) for part in one["loc"]]
        if one["type"] == "extra_forbidden":
            place = [*place[:-1], "(unknown name)"]
        told.append({"at": ".".join(place)[:200], "why": str(one["type"])})
    return told


async def _on_serving(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, NotFoundError):
        return answer(_id_of(request), 404, "not_found")
    if isinstance(error, ConflictError):
        more = {"revision": error.found, "changes": [_plainly(one) for one in error.changes]}
        return answer(_id_of(request), 409, "changed_since", str(error), more)
    if isinstance(error, NotAllowedError):
        return answer(_id_of(request), 409, "not_allowed_now", "It no longer stands that way: read it again.")
    if isinstance(error, RequestReusedError):
        return answer(_id_of(request), 422, "key_reused", str(error))
    if isinstance(error, CaseworkError):
        return answer(_id_of(request), 409, "not_possible", str(error))
    log.error("api_fault", where=type(error).__name__)
    return answer(_id_of(request), 503, "not_now", headers={"Retry-After": str(_RETRY_SECONDS)})


async def _on_fault(request: Request, _: Exception) -> JSONResponse:
    """Whatever nobody thought of; the edge logs where it was."""
    return answer(_id_of(request), 500, "fault")


async def _on_features(request: Request, error: Exception) -> JSONResponse:
    log.error("api_fault", where=type(error).__name__)
    return answer(_id_of(request), 503, "not_now", headers={"Retry-After": str(_RETRY_SECONDS)})


async def _on_database(request: Request, error: Exception) -> JSONResponse:
    """A database that is away, or slow, is no fault of the caller; what it says may hold values and is not shown."""
    log.error("api_fault", where=type(error).__name__)
    return answer(_id_of(request), 503, "not_now", headers={"Retry-After": str(_RETRY_SECONDS)})
