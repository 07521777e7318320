"""Making moves: the only way in which an entitlement changes its state."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, false, insert, or_, select
from sqlalchemy.exc import DBAPIError

from serving.casework.errors import CaseworkError, Change, ConflictError, NotAllowedError, NotFoundError
from serving.casework.states import Actor, State, may_move
from serving.store.tables.casework import entitlement, move

_CONFLICT, _NOT_ALLOWED, _UNIQUE, _DEADLOCK = "AF409", "AF403", "23505", "40P01"
_REFUSED = (_NOT_ALLOWED, "23503", "23514", "23001")
"""SQL states of what the table of moves, a check or a promise refuses."""


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What a benefit owes a subject for one period, and where it stands."""

    id: int
    kind: str
    subject: str
    benefit: str
    version: str
    period: str
    unit: str
    amount_minor: int | None
    over_cap: bool
    sweep: int
    tier: str
    reasons: list[dict[str, object]]
    district: str
    state: State
    revision: int
    next_step_at: dt.datetime | None
    detected_at: dt.datetime


@dataclass(frozen=True, slots=True)
class By:
    """Who makes a move, and why.

    Attributes:
        kind: what kind of actor.
        actor: their id; of the system, which part of it.
        second: who agreed, where one pair of eyes is not enough.
        case: the case it comes from.
        decision: the decision it carries out.
        reason_code: of review.md's list.
        reason: their own words, encrypted as in the decision.
        sealed_as: of the decision, for whose place they are encrypted.
    """

    kind: Actor
    actor: str
    second: str | None = None
    case: int | None = None
    decision: int | None = None
    reason_code: str | None = None
    reason: bytes | None = None
    sealed_as: UUID | None = None


def read_entitlement(connection: Connection, number: int) -> Entitlement:
    """One entitlement.

    Raises:
        NotFoundError: there is none, or not for whoever asks.
    """
    row = connection.execute(select(entitlement).where(entitlement.c.id == number)).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"There is no entitlement {number}.")
    return _entitlement(row)


def entitlements_of(connection: Connection, subjects: Sequence[tuple[str, str]]) -> list[Entitlement]:
    """All entitlements of some subjects, each given as (kind, id)."""
    by_kind: dict[str, list[str]] = {}
    for kind, subject in subjects:
        by_kind.setdefault(kind, []).append(subject)
    theirs = [and_(entitlement.c.kind == kind, entitlement.c.subject.in_(ids)) for kind, ids in by_kind.items()]
    return _read(connection, or_(false(), *theirs))


def entitlements_numbered(connection: Connection, numbers: Sequence[int]) -> list[Entitlement]:
    """Some entitlements, by their numbers; of a number that there is not, none."""
    return _read(connection, entitlement.c.id.in_(numbers))


def _read(connection: Connection, which: ColumnElement[bool]) -> list[Entitlement]:
    query = select(entitlement).where(which).order_by(entitlement.c.benefit, entitlement.c.period)
    return [_entitlement(row) for row in connection.execute(query).mappings()]


def make_move(connection: Connection, of: Entitlement, to: State, by: By, at: dt.datetime) -> Entitlement:
    """Move an entitlement, as it was read, to another state; within the caller's transaction.

    Args:
        connection: in a transaction.
        of: as it was read: if it has moved since, nothing happens.
        to: the new state.
        by: who, and why.
        at: the moment.

    Returns:
        It, as it stands now.

    Raises:
        ConflictError: somebody else moved it since it was read.
        NotAllowedError: the table of moves, a hold, a cap or a missing decision stands against it.
    """
    if not may_move(of.state, to, by.kind):
        raise NotAllowedError(f"An entitlement that is {of.state} is not moved to {to} by a {by.kind}.")
    with refusals("entitlement", of.id, of.revision, lambda: moves_since(connection, of.id, of.revision), connection):
        connection.execute(
            insert(move).values(
                entitlement=of.id, revision=of.revision + 1, from_state=of.state, to_state=to, actor_kind=by.kind,
                actor=by.actor, second=by.second, case_file=by.case, decision=by.decision, reason_code=by.reason_code,
                reason=by.reason, sealed_as=by.sealed_as, at=at,
            )
        )  # fmt: skip
    return read_entitlement(connection, of.id)


def moves_since(connection: Connection, number: int, revision: int) -> tuple[Change, ...]:
    """What was done to an entitlement since it was at a revision, oldest first."""
    rows = connection.execute(
        select(move).where(move.c.entitlement == number, move.c.revision > revision).order_by(move.c.revision)
    ).mappings()
    return tuple(
        Change(
            row["revision"], row["at"], row["actor"], row["to_state"], {"state": (row["from_state"], row["to_state"])}
        )
        for row in rows
    )


@contextmanager
def refusals(
    what: str, number: int, expected: int, now: Callable[[], int | tuple[Change, ...]], connection: Connection
) -> Iterator[None]:
    """Turn what PostgreSQL refuses into our errors; the caller's transaction goes on.

    Args:
        what: `entitlement` or `case`.
        number: which.
        expected: the revision that was read.
        now: asks for what has been done to it since, or, where nobody notes that, for the revision that it has now.
        connection: in a transaction.
    """
    savepoint = connection.begin_nested()
    try:
        yield
    except DBAPIError as error:
        savepoint.rollback()
        state = getattr(error.orig, "sqlstate", None)
        if state in (_CONFLICT, _UNIQUE, _DEADLOCK):
            raise _conflict(what, number, expected, now()) from None
        if state in _REFUSED:
            raise NotAllowedError(_first_line(error)) from None
        raise
    except CaseworkError:
        savepoint.rollback()
        raise
    else:
        savepoint.commit()


def _conflict(what: str, number: int, expected: int, now: int | tuple[Change, ...]) -> ConflictError:
    if isinstance(now, int):
        return ConflictError(what, number, expected, now)
    return ConflictError(what, number, expected, now[-1].revision if now else expected, now)


def _first_line(error: DBAPIError) -> str:
    diagnosis = getattr(error.orig, "diag", None)
    said = getattr(diagnosis, "message_primary", None) or "it is not allowed"
    return f"The database refused: {said}."


def _entitlement(row: object) -> Entitlement:
    found = dict(cast(dict[str, object], row))
    found["state"] = State(str(found["state"]))
    return Entitlement(**found)  # type: ignore[arg-type]
