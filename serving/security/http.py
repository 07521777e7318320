"""Headers that every answer carries: what a browser may run, who may frame us, and that nothing personal is kept.

:class:`SecurityHeaders` goes around the finished application, outside everything else, so that the answers to errors
carry the headers too (middleware that is added to an application does not see those).

Source:
    OWASP ASVS 5.0, 3.3 (cookies), 3.4.1 to 3.4.6, 14.3.2; Content Security Policy Level 3; RFC 6797, RFC 9111.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NONCE: Final = "csp_nonce"
"""The name in `request.state` of the nonce that a script or style of this one page carries."""

_NONCE_BYTES: Final = 16
_TWO_YEARS_SECONDS: Final = 63_072_000
_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that do not read frame-ancestors
    # Not `no-referrer`: under it browsers send `Origin: null` with our own forms, and the check of the origin fails.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Permitted-Cross-Domain-Policies": "none",
}
_COOKIE_RULES: Final = ("HttpOnly", "Secure", "SameSite=Lax")


def content_security_policy(nonce: str) -> str:
    """What a page may load and run: our own files, and scripts and styles that carry the nonce; nothing inline."""
    return "; ".join((
        "default-src 'none'",
        f"script-src 'nonce-{nonce}'",
        f"style-src 'self' 'nonce-{nonce}'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "worker-src 'none'",  # no service worker keeps pages of persons
    ))  # fmt: skip


class SecurityHeaders:
    """Puts the headers on every answer of an application.

    Args:
        app: the application, finished.
        public: beginnings of paths whose answers hold nothing personal, like `/static/`; all others are never kept.
            An answer that sets a cookie is never kept, whatever its path.
    """

    def __init__(self, app: ASGIApp, public: Iterable[str] = ()) -> None:
        self._app, self._public = app, tuple(public)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(_NONCE_BYTES)
        scope.setdefault("state", {})[NONCE] = nonce

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), scope, nonce)
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _add(self, headers: MutableHeaders, scope: Scope, nonce: str) -> None:
        for name, value in _ALWAYS.items():
            headers[name] = value
        headers["Content-Security-Policy"] = content_security_policy(nonce)
        if scope["scheme"] == "https":  # RFC 6797, 7.2: not over plain connections
            headers["Strict-Transport-Security"] = f"max-age={_TWO_YEARS_SECONDS}; includeSubDomains"
        cookies = headers.getlist("set-cookie")
        if cookies or not scope["path"].startswith(self._public):
            headers["Cache-Control"] = "no-store"
        if cookies:
            del headers["set-cookie"]
            for cookie in cookies:
                headers.append("set-cookie", strict_cookie(cookie))


def strict_cookie(cookie: str) -> str:
    """A Set-Cookie line with whatever it forgot of HttpOnly, Secure and SameSite; `SameSite=None` becomes Lax."""
    name, *attributes = (part.strip() for part in cookie.split(";"))
    kept = [part for part in attributes if part and part.lower().replace(" ", "") != "samesite=none"]
    said = {part.partition("=")[0].strip().lower() for part in kept}
    kept += [rule for rule in _COOKIE_RULES if rule.partition("=")[0].lower() not in said]
    return "; ".join([name, *kept])
