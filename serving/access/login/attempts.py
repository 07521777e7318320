"""Logins under way, kept between leaving for the provider and coming back: once, by the same browser."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

from sqlalchemy import Connection, delete, insert

from serving.access.errors import LoginRefusedError
from serving.access.login.flow import Attempt
from serving.store.tables.access import login_attempt


def keep_attempt(connection: Connection, attempt: Attempt, now: dt.datetime) -> str:
    """Keep an attempt; the value of the cookie by which its browser is known again."""
    forget_attempts(connection, now)
    cookie = secrets.token_urlsafe(32)
    connection.execute(
        insert(login_attempt).values(
            browser=_hash(cookie), state=attempt.state, nonce=attempt.nonce, verifier=attempt.verifier,
            until_at=attempt.until,
        )
    )  # fmt: skip
    return cookie


def take_attempt(connection: Connection, cookie: str | None) -> Attempt:
    """The attempt of a browser, which is then forgotten, whatever comes of it: commit before it is used.

    Raises:
        LoginRefusedError: the browser began none, or has finished it.
    """
    row = connection.execute(
        delete(login_attempt).where(login_attempt.c.browser == _hash(cookie or "")).returning(login_attempt)
    ).one_or_none()
    if row is None:
        raise LoginRefusedError("browser")
    return Attempt(row.state, row.nonce, row.verifier, row.until_at)


def forget_attempts(connection: Connection, now: dt.datetime) -> int:
    """Delete the rows of attempts that were never finished in time; how many."""
    return connection.execute(delete(login_attempt).where(login_attempt.c.until_at <= now)).rowcount


def _hash(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()
