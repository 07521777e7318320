"""Correction tickets: somebody says that a fact is wrong, and its register is asked to look.

A ticket changes no fact. While it is open the fact counts as conflicting, so that nothing automatic rests on it. It is
closed by the register alone: by itself once the register's own record of the fact changes, or when the register answers
that the record stands.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from features.history.errors import HistoryError
from features.history.journal import Entry, Journal


@dataclass(frozen=True, slots=True)
class Ticket:
    """A question to a register about one fact of one subject.

    Attributes:
        id: counted from 1.
        kind, subject, fact: what is disputed.
        register: whose record it is.
        reason: a code for why (never what the right value would be: that is the register's to say).
        opened_at: when (UTC).
        due_on: the day by which the register should have answered.
        answered_at: when the register said that its record stands; None: it has not.
    """

    id: int
    kind: str
    subject: str
    fact: str
    register: str
    reason: str
    opened_at: dt.datetime
    due_on: dt.date
    answered_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class TicketState:
    """A ticket as it stands at a moment: `closed_at` is None while it is open."""

    ticket: Ticket
    closed_at: dt.datetime | None

    def is_overdue(self, on_date: dt.date) -> bool:
        """Has the register let its day pass?"""
        return self.closed_at is None and on_date > self.ticket.due_on


class Tickets:
    """Every ticket that was opened, and every answer."""

    def __init__(self, folder: Path) -> None:
        self._journal = Journal(folder / "tickets.jsonl")
        self._known: tuple[Sequence[Entry], tuple[Ticket, ...]] = ((), ())
        """Entries and the tickets they make."""

    def open(
        self,
        kind: str,
        subject: str,
        fact: str,
        register: str,
        reason: str,
        opened_at: dt.datetime,
        due_on: dt.date,
    ) -> Ticket:
        """Ask a register to look at a fact."""
        number = 1 + sum("reason" in entry for entry in self._journal.entries())
        ticket = Ticket(number, kind, subject, fact, register, reason, opened_at.astimezone(dt.UTC), due_on)
        self._journal.append(
            {
                "ticket": ticket.id,
                "kind": kind,
                "subject": subject,
                "fact": fact,
                "register": register,
                "reason": reason,
                "opened_at": ticket.opened_at.isoformat(),
                "due_on": due_on.isoformat(),
            }
        )
        return ticket

    def answer(self, ticket_id: int, answered_at: dt.datetime) -> None:
        """The register says that its record stands.

        Raises:
            HistoryError: there is no such ticket.
        """
        if not any(ticket.id == ticket_id for ticket in self.all()):
            raise HistoryError(f"ticket {ticket_id}", "There is no such ticket.", "List the tickets there are.")
        self._journal.append({"ticket": ticket_id, "answered_at": answered_at.astimezone(dt.UTC).isoformat()})

    def moments(self, after: int = 0) -> list[dt.datetime]:
        """When what was noted behind the first so many entries was noted: tickets and answers."""
        return self._journal.moments(after)

    def all(self) -> tuple[Ticket, ...]:
        """Every ticket, oldest first; the same tuple until something is noted."""
        entries = self._journal.entries()
        before, tickets = self._known
        if before is not entries:
            tickets = tuple(_tickets(entries))
            self._known = (entries, tickets)
        return tickets


def _tickets(entries: Sequence[Entry]) -> Iterator[Ticket]:
    answers: dict[int, dt.datetime] = {}
    for entry in entries:
        if "answered_at" in entry:
            moment = dt.datetime.fromisoformat(str(entry["answered_at"]))
            answers.setdefault(_whole(entry["ticket"]), moment)
    for entry in entries:
        if "reason" in entry:
            number = _whole(entry["ticket"])
            yield Ticket(
                number,
                str(entry["kind"]),
                str(entry["subject"]),
                str(entry["fact"]),
                str(entry["register"]),
                str(entry["reason"]),
                dt.datetime.fromisoformat(str(entry["opened_at"])),
                dt.date.fromisoformat(str(entry["due_on"])),
                answers.get(number),
            )


def _whole(value: str | int | bool | None) -> int:
    assert isinstance(value, int)
    return value
