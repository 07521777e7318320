"""The cookies that carry a session, and a login under way.

Source:
    RFC 6265bis, section 4.1.3.2: `__Host-` is taken only with `Secure`, `Path=/` and no `Domain`, so that no
    neighbouring host can plant one. ASVS 5.0, 3.3.1–3.3.4.
"""

from __future__ import annotations

from typing import Final, Literal, TypedDict

SESSION_COOKIE: Final = "__Host-session"
LOGIN_COOKIE: Final = "__Host-login"


class Attributes(TypedDict):
    """As Starlette's `set_cookie` takes them."""

    secure: bool
    httponly: bool
    samesite: Literal["lax", "strict"]
    path: str


ATTRIBUTES: Final[Attributes] = {"secure": True, "httponly": True, "samesite": "lax", "path": "/"}
"""Lax, not strict: the provider sends people back by a link, and a notice's address opens the page they may see.
Neither changes anything: whatever does asks for a token and an origin besides (gates.md, S6). No end is told to the
browser: the database knows it."""
