"""Who has a case in hand: for a quarter of an hour, longer while they work on it, and visible to all."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from sqlalchemy import Connection, insert, select, update

from serving.casework.cases import CLEARED, Case, case_of, change_case, check_revision, held_case
from serving.casework.clocks import Clocks
from serving.casework.errors import NotAllowedError
from serving.casework.queues import Desk, in_order
from serving.casework.states import Actor
from serving.store.tables.cases import officer_notice
from serving.store.tables.casework import case_file

LEASE = dt.timedelta(minutes=15)
NoticeKind = Literal["taken_over", "escalated", "returned", "agreed", "undone"]


def claim(connection: Connection, case: Case, officer: str, at: dt.datetime) -> Case:
    """Take a case in hand.

    Raises:
        ConflictError: it has changed since it was read.
        NotAllowedError: somebody else has it in hand, or it is closed.
    """
    check_revision(connection, case)
    if case.state == "closed":
        raise NotAllowedError(f"Case {case.id} is closed.")
    if case.is_in_hand(at) and case.lease_holder != officer:
        raise NotAllowedError(
            f"Case {case.id} is in another officer's hands until {case.lease_until:%H:%M} UTC. "
            "Take another one, or ask a supervisor to take it over."
        )
    values = {"lease_holder": officer, "lease_until": at + LEASE}
    if case.first_touch_at is None:
        values["first_touch_at"] = at
    return change_case(connection, case, "leased", (Actor.OFFICER, officer), at, values)


def claim_next(connection: Connection, desk: Desk, officer: str, at: dt.datetime) -> Case | None:
    """Take the first case of a queue that nobody has in hand; None: there is none.

    Two who ask at once get two cases: what another transaction has just taken is passed over.
    """
    free = (case_file.c.lease_until.is_(None)) | (case_file.c.lease_until <= at)
    row = (
        connection.execute(
            in_order(select(case_file).where(desk.holds(), case_file.c.state == "open", free))
            .where(case_file.c.paused_at.is_(None))
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        .mappings()
        .one_or_none()
    )
    return None if row is None else claim(connection, case_of(row), officer, at)


def check_in_hand(case: Case, officer: str, at: dt.datetime) -> None:
    """Make sure that an officer has a case in hand.

    Raises:
        NotAllowedError: they have not, or not any more.
    """
    if case.lease_holder != officer or not case.is_in_hand(at):
        raise NotAllowedError(f"Case {case.id} is not in your hands, or no longer: take it, then go on.")


def renew(connection: Connection, number: int, officer: str, at: dt.datetime) -> Case:
    """Keep a case in hand for another quarter of an hour: whatever its holder does with it calls this.

    Raises:
        NotAllowedError: it is not in their hands, or no longer.
    """
    case = held_case(connection, number)
    check_in_hand(case, officer, at)
    return change_case(connection, case, "renewed", (Actor.OFFICER, officer), at, {"lease_until": at + LEASE})


def release(connection: Connection, case: Case, officer: str, at: dt.datetime) -> Case:
    """Put a case back into its queue.

    Raises:
        ConflictError: it has changed since it was read.
        NotAllowedError: it is not in their hands, or no longer.
    """
    check_revision(connection, case)
    check_in_hand(case, officer, at)
    return change_case(connection, case, "released", (Actor.OFFICER, officer), at, CLEARED)


def take_over(connection: Connection, case: Case, supervisor: str, at: dt.datetime, to: str | None = None) -> Case:
    """Take a case out of somebody's hands, into one's own or another officer's; the former holder is told.

    Whether somebody may do so is for the rights of their role to say.

    Raises:
        ConflictError: it has changed since it was read.
        NotAllowedError: nobody has it in hand: then it is just claimed.
    """
    check_revision(connection, case)
    former = case.lease_holder
    if former is None or not case.is_in_hand(at):
        raise NotAllowedError(f"Nobody has case {case.id} in hand: claim it.")
    values = {"lease_holder": to or supervisor, "lease_until": at + LEASE}
    found = change_case(connection, case, "taken_over", (Actor.OFFICER, supervisor), at, values)
    if former != found.lease_holder:
        tell_officer(connection, former, case.id, "taken_over", supervisor, at)
    return found


def send_elsewhere(connection: Connection, case: Case, district: str, officer: str, at: dt.datetime) -> Case:
    """Send a case to another district's queue; its clock runs on.

    Raises:
        ConflictError: it has changed since it was read.
        NotAllowedError: it is not in their hands.
    """
    check_revision(connection, case)
    check_in_hand(case, officer, at)
    return change_case(connection, case, "sent_on", (Actor.OFFICER, officer), at, {"district": district, **CLEARED})


def pause(connection: Connection, case: Case, code: str, officer: str, at: dt.datetime, clocks: Clocks) -> Case:
    """Stop a case's clock, for one of the reasons there are.

    Raises:
        ConflictError: it has changed since it was read.
        NotAllowedError: the reason is none, the clock stands already, it is overdue, or the case is not in their hands.
    """
    check_revision(connection, case)
    check_in_hand(case, officer, at)
    clocks.pause(code)
    if case.paused_at is not None:
        raise NotAllowedError(f"The clock of case {case.id} stands already.")
    if case.due_at <= at:
        raise NotAllowedError(f"Case {case.id} is overdue: its clock is not stopped any more.")
    values = {"paused_at": at, "pause_code": code}
    return change_case(connection, case, "paused", (Actor.OFFICER, officer), at, values)


def resume(connection: Connection, case: Case, by: tuple[Actor, str], at: dt.datetime, clocks: Clocks) -> Case:
    """Let a case's clock go on with the working days that it had left.

    Raises:
        ConflictError: it has changed since it was read.
        NotAllowedError: it does not stand.
    """
    check_revision(connection, case)
    if case.paused_at is None:
        raise NotAllowedError(f"The clock of case {case.id} does not stand.")
    due = clocks.resumed(case.due_at, case.paused_at, at)
    return change_case(connection, case, "resumed", by, at, {"paused_at": None, "pause_code": None, "due_at": due})


def tell_officer(
    connection: Connection, officer: str, case: int, kind: NoticeKind, actor: str, at: dt.datetime
) -> None:
    """Leave word for an officer."""
    connection.execute(insert(officer_notice).values(officer=officer, case_file=case, kind=kind, actor=actor, at=at))


def word_for(connection: Connection, officer: str, at: dt.datetime | None = None) -> list[tuple[int, str, str]]:
    """What was left for an officer and not read: case, kind, who. Read now, where a moment is given."""
    unread = (officer_notice.c.officer == officer) & officer_notice.c.read_at.is_(None)
    rows = connection.execute(
        select(officer_notice.c.case_file, officer_notice.c.kind, officer_notice.c.actor)
        .where(unread)
        .order_by(officer_notice.c.id)
    ).all()
    if at is not None:
        connection.execute(update(officer_notice).where(unread).values(read_at=at))
    return [(int(case), str(kind), str(actor)) for case, kind, actor in rows]
