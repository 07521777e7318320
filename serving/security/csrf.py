"""Requests that change something come from our own pages: a token bound to the session, and the origin, on all of them.

Around the application it stands before every route, so that no route can forget it. The third wall, SameSite, is on the
session's cookie (:mod:`serving.security.http` puts it there where it is missing).

Source:
    OWASP ASVS 5.0, 3.5.1 to 3.5.3, 4.4.2; OWASP, Cross-Site Request Forgery Prevention: signed double-submit bound to
    the session. Fetch Standard (Origin); Fetch Metadata Request Headers (Sec-Fetch-Site).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.security.errors import SecurityError

TOKEN_HEADER: Final = "X-CSRF-Token"
TOKEN_FIELD: Final = "csrf_token"
"""The form field of pages that work without scripts."""

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_SALT_BYTES: Final = 16
_LEAST_KEY_BYTES: Final = 32
_MOST_FORM_BYTES: Final = 10 << 20

SessionOf = Callable[[Headers], str | None]
"""The id of the session that a request's cookie names; None where it has no such cookie."""


class CsrfTokens:
    """Makes and checks tokens: each is salted, so that pages do not repeat it, and holds for one session only.

    Args:
        key: secret, at least 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < _LEAST_KEY_BYTES:
            raise SecurityError("The key of the CSRF tokens is too short: it needs 32 bytes or more.")
        self._key = key

    def make(self, session: str) -> str:
        """A token for the forms and scripts of one page."""
        salt = secrets.token_bytes(_SALT_BYTES)
        return base64.urlsafe_b64encode(salt + self._mac(session, salt)).decode()

    def holds(self, session: str, token: str) -> bool:
        """Was this token made for this session?"""
        try:
            raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(raw[_SALT_BYTES:], self._mac(session, raw[:_SALT_BYTES]))

    def _mac(self, session: str, salt: bytes) -> bytes:
        return hmac.new(self._key, b"csrf\0" + salt + session.encode(), hashlib.sha256).digest()


@dataclass(frozen=True, slots=True)
class _Refusal:
    """What is answered to a request that is not let through."""

    status: int
    code: str
    title: str


class _RefusedError(Exception):
    def __init__(self, refusal: _Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


_FOREIGN: Final = _Refusal(403, "foreign_origin", "The request does not come from a page of this service.")
_NO_TOKEN: Final = _Refusal(
    403, "csrf_token", "The page is too old, or not ours. Load it again and repeat what you did."
)
_TOO_LARGE: Final = _Refusal(413, "form_too_large", "The form is too large.")
_NO_FORM: Final = _Refusal(400, "form_unreadable", "The form cannot be read.")


class CsrfGuard:
    """Lets through what changes nothing, and what comes from our own pages or carries its own authority.

    - With a session's cookie: our origin, and a token of that session (header, or field of a form). A bearer beside the
      cookie changes nothing: which of the two a route believes is not for the caller to choose.
    - With a bearer alone: no other origin. A foreign page cannot set that header.
    - With neither: refused, also at the login; a page without a login has a session without a login.
    - `signed` paths take messages that are signed by departments and read no cookie: no other origin.

    Args:
        app: the application.
        tokens: of this service.
        session_of: finds the session's id.
        origins: ours, like `https://service.example.gov.cn`.
        signed: paths, exactly, whose every request is signed by its sender.
        most_form_bytes: a form is read before it is let through, up to this size.
    """

    def __init__(
        self,
        app: ASGIApp,
        tokens: CsrfTokens,
        session_of: SessionOf,
        origins: Iterable[str],
        signed: Iterable[str] = (),
        most_form_bytes: int = _MOST_FORM_BYTES,
    ) -> None:
        self._app, self._tokens, self._session_of = app, tokens, session_of
        self._origins, self._signed, self._most = frozenset(origins), frozenset(signed), most_form_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["type"] == "websocket":
                self._check_origin(Headers(scope=scope), needed=True)
            elif scope["type"] == "http" and scope["method"] not in _SAFE:
                receive = await self._checked(scope, receive)
        except _RefusedError as error:
            await _answer(error.refusal, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _checked(self, scope: Scope, receive: Receive) -> Receive:
        """Check a request that changes something; what to read its body from afterwards."""
        headers = Headers(scope=scope)
        session = self._session_of(headers)
        is_bearer = headers.get("authorization", "").lower().startswith("bearer ")
        if scope["path"] in self._signed or (is_bearer and session is None):
            self._check_origin(headers, needed=False)
            return receive
        self._check_origin(headers, needed=True)
        if session is None:
            raise _RefusedError(_NO_TOKEN)
        token = headers.get(TOKEN_HEADER)
        if token is None and headers.get("content-type", "").partition(";")[0].strip().lower() in _FORMS:
            body = await self._body(receive)
            token = await _field(scope, body)
            receive = _again(body, receive)
        if token is None or not self._tokens.holds(session, token):
            raise _RefusedError(_NO_TOKEN)
        return receive

    def _check_origin(self, headers: Headers, *, needed: bool) -> None:
        origins = headers.getlist("origin")
        if headers.get("sec-fetch-site", "same-origin") != "same-origin" or len(origins) > 1:
            raise _RefusedError(_FOREIGN)
        if not self._origins.issuperset(origins) or (needed and not origins):
            raise _RefusedError(_FOREIGN)

    async def _body(self, receive: Receive) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _RefusedError(_NO_FORM)
            body += message.get("body", b"")
            if len(body) > self._most:
                raise _RefusedError(_TOO_LARGE)
            if not message.get("more_body", False):
                return bytes(body)


async def _field(scope: Scope, body: bytes) -> str | None:
    """The token in a form; None: there is none, or more than one."""
    try:
        async with Request(scope, _again(body, _nothing)).form(max_files=100, max_fields=1000) as form:
            found = form.getlist(TOKEN_FIELD)
    except (MultiPartException, HTTPException, ValueError, KeyError):
        raise _RefusedError(_NO_FORM) from None
    return found[0] if len(found) == 1 and isinstance(found[0], str) else None


def _again(body: bytes, after: Receive) -> Receive:
    """Gives a body that was read, as if it came now; then what comes after."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return left.pop() if left else await after()

    return receive


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def _answer(refusal: _Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    problem = {"type": f"urn:applyfree:problem:{refusal.code}", "title": refusal.title, "status": refusal.status}
    await JSONResponse(problem, refusal.status, media_type="application/problem+json")(scope, receive, send)
