"""What an override is worth to the next case: a rule that is wrong goes to policy staff, a record to its register.

A correction ticket is the history's (`features.history.tickets`): there it makes the fact count as conflicting, and
there it closes when the register's record changes. Here stands which decision it was born from. A database and a
journal do not commit together, so a ticket is first written here, in the decision's transaction, and handed over
afterwards; a handing over that was cut short is found again and not done twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from features.history.tickets import Tickets, TicketState
from serving.casework.cases import Case
from serving.casework.clocks import Clocks
from serving.casework.errors import NotAllowedError
from serving.casework.reasons import reasons
from serving.store.tables.cases import ticket

REGISTER = "register"
"""Who closed a correction ticket."""


@dataclass(frozen=True, slots=True)
class Disputed:
    """A record that an officer says is wrong, out of date or missing; never what would be right.

    Attributes:
        kind, subject: of whom.
        fact: which fact of the dictionary.
        register: whose record it is.
    """

    kind: str
    subject: str
    fact: str
    register: str


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """A ticket that waits for its answer."""

    id: int
    kind: str
    decision: int
    reason_code: str
    benefit: str | None
    clause: str | None
    disputed: Disputed | None
    opened_at: dt.datetime
    due_on: dt.date


def open_ticket(
    connection: Connection,
    decision: int,
    case: Case,
    code: str | None,
    clause: str | None,
    disputed: Disputed | None,
    clocks: Clocks,
    at: dt.datetime,
) -> int | None:
    """Open the ticket that a reason code asks for, in the transaction of its decision; returns its number.

    Raises:
        NotAllowedError: the code says that a record is wrong, and nobody said which.
    """
    kind = reasons()[code].ticket if code is not None else None
    if kind is None:
        return None
    if kind == "correction" and disputed is None:
        raise NotAllowedError(f"{code} needs the record that it is about: choose the fact.")
    if kind == "rule" and case.benefit is None:
        raise NotAllowedError(f"{code} is about a rule, and the case is about no benefit.")
    values: dict[str, object] = {"benefit": case.benefit, "clause": clause}
    if kind == "correction" and disputed is not None:
        if _is_disputed(connection, disputed):
            return None  # its register is asked already
        values |= {
            "subject_kind": disputed.kind, "subject": disputed.subject, "fact": disputed.fact,
            "register": disputed.register,
        }  # fmt: skip
    values |= {"kind": kind, "decision": decision, "reason_code": code, "opened_at": at}
    query = insert(ticket).values(due_on=clocks.ticket_due(kind, at), **values).returning(ticket.c.id)
    return int(connection.execute(query).scalar_one())


def _is_disputed(connection: Connection, of: Disputed) -> bool:
    query = select(ticket.c.id).where(
        ticket.c.closed_at.is_(None), ticket.c.subject_kind == of.kind, ticket.c.subject == of.subject,
        ticket.c.fact == of.fact, ticket.c.register == of.register,
    )  # fmt: skip
    return connection.execute(query).first() is not None


def open_tickets(connection: Connection, kind: str | None = None) -> list[OpenTicket]:
    """What waits for an answer, the first due first."""
    query = select(ticket).where(ticket.c.closed_at.is_(None))
    if kind is not None:
        query = query.where(ticket.c.kind == kind)
    rows = connection.execute(query.order_by(ticket.c.due_on, ticket.c.id)).mappings()
    return [
        OpenTicket(
            row["id"], row["kind"], row["decision"], row["reason_code"], row["benefit"], row["clause"], _disputed(row),
            row["opened_at"], row["due_on"],
        )
        for row in rows
    ]  # fmt: skip


def _disputed(row: Mapping[Any, Any]) -> Disputed | None:
    if row["fact"] is None:
        return None
    return Disputed(row["subject_kind"], row["subject"], row["fact"], row["register"])


def hand_over(engine: Engine, journal: Tickets) -> int:
    """Put every new correction ticket before its register; returns how many. One process does this."""
    with engine.begin() as connection:
        new = (ticket.c.kind == "correction") & ticket.c.history_ticket.is_(None) & ticket.c.closed_at.is_(None)
        rows = connection.execute(select(ticket).where(new).order_by(ticket.c.id).with_for_update()).mappings().all()
        known = {(t.kind, t.subject, t.fact, t.register, t.reason, t.opened_at): t.id for t in journal.all()}
        for row in rows:
            opened_at = row["opened_at"].astimezone(dt.UTC)
            key = (row["subject_kind"], row["subject"], row["fact"], row["register"], row["reason_code"], opened_at)
            number = known.get(key)
            if number is None:
                number = journal.open(*key[:5], opened_at, row["due_on"]).id
            connection.execute(update(ticket).where(ticket.c.id == row["id"]).values(history_ticket=number))
    return len(rows)


def close_answered(engine: Engine, states: Iterable[TicketState]) -> int:
    """Close what registers have answered: by another record, or by saying that theirs stands; returns how many.

    Args:
        engine: with the rights of the application.
        states: of :meth:`features.history.history.History.ticket_states`.
    """
    closed = 0
    with engine.begin() as connection:
        for state in states:
            if state.closed_at is None:
                continue
            stands = state.ticket.answered_at is not None and state.ticket.answered_at == state.closed_at
            done = connection.execute(
                update(ticket)
                .where(ticket.c.history_ticket == state.ticket.id, ticket.c.closed_at.is_(None))
                .values(closed_at=state.closed_at, closed_by=REGISTER, answer="stands" if stands else "changed")
            )
            closed += done.rowcount
    return closed


def answer_rule_ticket(connection: Connection, number: int, by: str, at: dt.datetime, *, changed: bool) -> None:
    """Policy staff say that a rule was changed, or that it stands.

    Raises:
        NotAllowedError: it is no open ticket about a rule.
    """
    one = (ticket.c.id == number) & (ticket.c.kind == "rule") & ticket.c.closed_at.is_(None)
    done = connection.execute(
        update(ticket).where(one).values(closed_at=at, closed_by=by, answer="changed" if changed else "stands")
    )
    if done.rowcount != 1:
        raise NotAllowedError(f"Ticket {number} is not an open one about a rule.")
