"""Sessions: opened by a login, looked up at each request, dead as soon as the account is."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, insert, or_, select, update

from serving.access.errors import LoginRefusedError
from serving.access.login.tokens import Identity
from serving.store.tables.access import citizen_account, session, staff_account

STAFF_IDLE: Final = dt.timedelta(minutes=15)
CITIZEN_IDLE: Final = dt.timedelta(minutes=30)
LONGEST: Final = dt.timedelta(hours=12)
"""Source: gates.md, S5; ASVS 5.0, 7.3.1 and 7.3.2."""
_ID_BYTES = 32
_SEEN_EVERY = dt.timedelta(seconds=30)
"""A request later than this after the last that was noted is noted: most requests write nothing. Idle sessions may
end that much early, never late."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session that is alive.

    Attributes:
        account: whose.
        is_staff: is it an account of staff?
        strong: was a second factor shown?
        ends_at: when it ends, if nothing more is done.
    """

    account: str
    is_staff: bool
    strong: bool
    ends_at: dt.datetime


def open_session(connection: Connection, identity: Identity, now: dt.datetime, before: str | None = None) -> str:
    """A new session for whom the provider vouches for; its id, to be told to the browser alone.

    Args:
        connection: in a transaction.
        identity: of the login.
        now: the moment.
        before: the id that the browser came with: it ends, so that none that was planted goes on (fixation).

    Raises:
        LoginRefusedError: they have no account in service, or staff showed no second factor.
    """
    if before is not None:
        end_session(connection, before, now)
    staff = _account(connection, identity, is_staff=True)
    found = staff or _account(connection, identity, is_staff=False)
    if found is None:
        raise LoginRefusedError("no account", "Ask the office that runs this service whether you have an account.")
    if staff is not None and not identity.strong:
        raise LoginRefusedError("no second factor", "Staff log in with a second factor: set one up at the provider.")
    token = secrets.token_urlsafe(_ID_BYTES)
    account, epoch = found
    connection.execute(
        insert(session).values(
            id_hash=_hash(token), staff=account if staff else None, citizen=None if staff else account, epoch=epoch,
            strong=identity.strong, opened_at=now, seen_at=now,
        )
    )  # fmt: skip
    return token


def find_session(connection: Connection, token: str, now: dt.datetime) -> Session | None:
    """The session with an id; None where there is none, or it is over, or its account is."""
    row = connection.execute(
        select(
            session.c.staff, session.c.citizen, session.c.epoch, session.c.strong, session.c.opened_at,
            session.c.seen_at,
            staff_account.c.state.label("staff_state"), staff_account.c.epoch.label("staff_epoch"),
            citizen_account.c.state.label("citizen_state"), citizen_account.c.epoch.label("citizen_epoch"),
        )
        .select_from(
            session.outerjoin(staff_account, session.c.staff == staff_account.c.id).outerjoin(
                citizen_account, session.c.citizen == citizen_account.c.id
            )
        )
        .where(session.c.id_hash == _hash(token), session.c.ended_at.is_(None))
    ).one_or_none()  # fmt: skip
    if row is None:
        return None
    is_staff = row.staff is not None
    state, epoch = (row.staff_state, row.staff_epoch) if is_staff else (row.citizen_state, row.citizen_epoch)
    idle = STAFF_IDLE if is_staff else CITIZEN_IDLE
    last = row.opened_at + LONGEST
    if state != "active" or epoch != row.epoch or now >= row.seen_at + idle or now >= last:
        return None
    if now - row.seen_at >= _SEEN_EVERY:
        mine = (session.c.id_hash == _hash(token), session.c.ended_at.is_(None), session.c.seen_at < now)
        connection.execute(update(session).where(*mine).values(seen_at=now))
    return Session(row.staff if is_staff else row.citizen, is_staff, row.strong, min(now + idle, last))


def end_session(connection: Connection, token: str, now: dt.datetime) -> None:
    """Log out; a session that is over stays so."""
    one = (session.c.id_hash == _hash(token), session.c.ended_at.is_(None))
    connection.execute(update(session).where(*one).values(ended_at=now))


def end_sessions_of(connection: Connection, account: str, now: dt.datetime) -> int:
    """End all sessions of an account; how many there were."""
    theirs = or_(session.c.staff == account, session.c.citizen == account)
    return connection.execute(update(session).where(theirs, session.c.ended_at.is_(None)).values(ended_at=now)).rowcount


def forget_old_sessions(connection: Connection, now: dt.datetime) -> int:
    """Delete the rows of sessions that can no longer live; how many. What was done in them is recorded elsewhere."""
    return connection.execute(delete(session).where(session.c.opened_at < now - LONGEST)).rowcount


def _account(connection: Connection, identity: Identity, *, is_staff: bool) -> tuple[str, int] | None:
    table = staff_account if is_staff else citizen_account
    row = connection.execute(
        select(table.c.id, table.c.epoch).where(
            table.c.issuer == identity.issuer, table.c.login_subject == identity.subject, table.c.state == "active"
        )
    ).one_or_none()
    return None if row is None else (row.id, row.epoch)


def _hash(token: str) -> bytes:
    # 256 random bits need no slow hash: there is nothing to guess.
    return hashlib.sha256(token.encode()).digest()
