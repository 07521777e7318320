"""Putting holds where life events ask for them, and cases beside them; taking those of a death back when it never was.

The machine makes payments wait and calls a human. It reclaims nothing, ends nothing, and lowers nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, select, true, update
from sqlalchemy.dialects.postgresql import insert

from rules.determination import Outcome
from serving.casework.cases import Subject
from serving.casework.citizen.offers import next_step
from serving.casework.citizen.opening import CaseKind, about, intend, open_case
from serving.casework.errors import NotAllowedError, NotFoundError
from serving.casework.holds import PERSON, HoldCode, Received, SharedGrant, Wanted, wanted_holds
from serving.casework.moves import By, Entitlement, entitlements_of, make_move
from serving.casework.states import Actor, State, may_move
from serving.store.tables.casework import case_file, hold

_ENGINE = By(Actor.SYSTEM, "holds")
_BY_EVENTS = "events"
_KINDS = {
    HoldCode.DEATH: CaseKind.DEATH, HoldCode.CORRECTION: CaseKind.CORRECTION,
    HoldCode.DOUBLE_GRANT: CaseKind.DOUBLE_GRANT, HoldCode.IDENTITY: CaseKind.IDENTITY,
}  # fmt: skip
NOT_PAID = frozenset({State.OFFERED, State.SILENT, State.CONFIRMED, State.PUBLIC_NOTICE, State.APPROVED})
"""Told of and not handed to the bank: from here a doubt takes it to a human."""
_TOLD = NOT_PAID | {
    State.SUBMITTED, State.PAID, State.RETURNED, State.MONITORED, State.SUSPENDED, State.REINSTATED,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kept:
    """What was done: how many holds were put and taken back."""

    placed: int
    released: int


@dataclass(frozen=True, slots=True)
class ChangedAnswer:
    """An answer that is no more what it was when something was offered or paid.

    Attributes:
        kind, subject: whose.
        benefit: which.
        period: the key of the period that it is about: what was right for another stays.
        outcome: of the answer now.
    """

    kind: str
    subject: str
    benefit: str
    period: str
    outcome: Outcome


def keep_holds(
    connection: Connection,
    received: Collection[Received],
    subjects: Sequence[tuple[str, str]],
    at: dt.datetime,
    shared: Iterable[SharedGrant] = (),
) -> Kept:
    """Bring the holds of some subjects to what all that is known asks for.

    Args:
        connection: in a transaction.
        received: all events about them.
        subjects: kind and id of each.
        at: the moment.
        shared: what is known about their ids.

    Returns:
        What was done; nothing, when nothing is new.
    """
    theirs = {of.id: of for of in entitlements_of(connection, subjects)}
    wanted = sorted(wanted_holds(received, list(theirs.values()), shared))
    # A hold first on everything, then the work that it makes: nothing is paid in between.
    placed = [each for each in wanted if _place(connection, each, at)]
    for each in placed:
        _call_human(connection, theirs[each.entitlement], each, at)
    alive = theirs.keys() - {each.entitlement for each in wanted if each.code is HoldCode.DEATH}
    released = connection.execute(
        update(hold)
        .where(hold.c.entitlement.in_(alive), hold.c.code == HoldCode.DEATH, hold.c.released_at.is_(None))
        .values(released_at=at, released_by=_BY_EVENTS)
    )
    return Kept(len(placed), released.rowcount)


def release(connection: Connection, entitlement: int, code: HoldCode, officer: str, at: dt.datetime) -> None:
    """Take a hold back, as a human who looked into it.

    Raises:
        NotFoundError: there is none.
    """
    ended = connection.execute(
        update(hold)
        .where(hold.c.entitlement == entitlement, hold.c.code == code, hold.c.released_at.is_(None))
        .values(released_at=at, released_by=officer)
    )
    if not ended.rowcount:
        raise NotFoundError(f"There is no hold `{code}` on the entitlement {entitlement}.")


def ask_whether_still_entitled(connection: Connection, changed: Iterable[ChangedAnswer], at: dt.datetime) -> list[int]:
    """Have humans look at what was offered or paid and is no longer answered with yes. Nothing is stopped by machine.

    Args:
        connection: in a transaction.
        changed: answers of the last sweep that differ.
        at: the moment.

    Returns:
        The numbers of the cases.
    """
    doubtful = {(each.kind, each.subject, each.benefit, each.period): each for each in changed}
    doubtful = {key: each for key, each in doubtful.items() if each.outcome is not Outcome.ELIGIBLE}
    cases = []
    for of in entitlements_of(connection, sorted({key[:2] for key in doubtful})):
        answer = doubtful.get((of.kind, of.subject, of.benefit, of.period))
        if answer is None or of.state not in _TOLD:
            continue
        why = {"code": CaseKind.STILL_ENTITLED.value, "outcome": answer.outcome.value, "state": of.state.value}
        case = _case(connection, of, CaseKind.STILL_ENTITLED, why, at)
        _to_review(connection, of, case, at)
        cases.append(case)
    return cases


def _place(connection: Connection, wanted: Wanted, at: dt.datetime) -> bool:
    """Put a hold, unless it is there, or a human who knew as much took it back."""
    of = hold.c
    settled = select(func.count()).where(
        of.entitlement == wanted.entitlement,
        of.code == wanted.code,
        of.released_by != _BY_EVENTS,
        of.released_at >= wanted.since if wanted.since else true(),
    )
    if connection.execute(settled).scalar_one():
        return False
    made = connection.execute(
        insert(hold)
        .values(entitlement=wanted.entitlement, code=wanted.code, since=at)
        .on_conflict_do_nothing(index_elements=[of.entitlement, of.code], index_where=of.released_at.is_(None))
        .returning(of.id)
    ).scalar_one_or_none()
    return made is not None


def _call_human(connection: Connection, of: Entitlement, wanted: Wanted, at: dt.datetime) -> None:
    why: dict[str, object] = {"code": wanted.code.value, "state": of.state.value}
    if wanted.code is HoldCode.DEATH:
        _case_of_death(connection, of, why, at)
        return
    if wanted.code is HoldCode.CORRECTION:
        why |= {"before": list(wanted.before), "after": list(wanted.after)}
    case = _case(connection, of, _KINDS[wanted.code], why, at)
    if wanted.code is HoldCode.CORRECTION:
        payload = {"case": case, "before": list(wanted.before), "after": list(wanted.after)}
        intend(connection, "event:amended", "system", _ENGINE.actor, "entitlement", str(of.id), payload, at)
    _to_review(connection, of, case, at)


def _case_of_death(connection: Connection, of: Entitlement, why: Mapping[str, object], at: dt.datetime) -> None:
    """One for a person, not one for each of their entitlements: a family hears from us once."""
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"death|{of.subject}", 0))))
    held = case_file.c
    found = connection.execute(
        select(held.id).where(
            held.kind == CaseKind.DEATH, held.subject_kind == PERSON, held.subject == of.subject, held.state != "closed"
        )
    ).first()
    if found is None:
        whose = Subject(of.kind, of.subject, of.district)
        open_case(connection, CaseKind.DEATH, whose, why, (_ENGINE.kind, _ENGINE.actor), at)


def _case(connection: Connection, of: Entitlement, kind: CaseKind, why: Mapping[str, object], at: dt.datetime) -> int:
    return open_case(connection, kind, about(of), why, (_ENGINE.kind, _ENGINE.actor), at)


def _to_review(connection: Connection, of: Entitlement, case: int, at: dt.datetime) -> None:
    if of.state not in NOT_PAID | {State.DETECTED, State.ASK} or not may_move(of.state, State.REVIEW, Actor.SYSTEM):
        return
    try:
        make_move(connection, of, State.REVIEW, replace(_ENGINE, case=case), at)
    except NotAllowedError:
        return  # the sender has it in its hands this moment: the hold and the case stay
    next_step(connection, of.id, None)
