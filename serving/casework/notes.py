"""Notes on a case: only added to, in nobody's way, and unreadable without the keys."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import Connection, select

from serving.casework.cases import add_event, held_case
from serving.casework.errors import NotAllowedError
from serving.casework.leases import renew
from serving.casework.sealing import Seal, Unseal
from serving.casework.states import Actor
from serving.store.tables.casework import case_event

_TABLE, _COLUMN, _KEY = "case_event", "note", "note_key"


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote on a case."""

    officer: str
    at: dt.datetime
    action: str
    text: str


def add_note(connection: Connection, case: int, officer: str, words: str, seal: Seal, at: dt.datetime) -> int:
    """Write on a case. It needs no revision: two who write at once both have written. Its holder goes on holding it.

    Returns:
        The number of the event.

    Raises:
        NotAllowedError: there are no words.
    """
    # Held first: a lease that ends while the note is written must not take the note with it.
    found = held_case(connection, case)
    number = write_on(connection, case, "noted", officer, words, seal, at)
    if found.lease_holder == officer and found.is_in_hand(at) and found.state != "closed":
        renew(connection, case, officer, at)
    return number


def write_on(
    connection: Connection, case: int, action: str, officer: str, words: str, seal: Seal, at: dt.datetime
) -> int:
    """Note an event together with somebody's words on it."""
    if not words.strip():
        raise NotAllowedError("A note without words says nothing: write it, or leave it.")
    # Sealed for a key of its own: the number of the event is not known before it is written.
    key = uuid4().hex
    sealed = seal(words, table=_TABLE, column=_COLUMN, row=key)
    return add_event(connection, case, action, (Actor.OFFICER, officer), at, {_KEY: key}, sealed)


def notes_of(connection: Connection, case: int, unseal: Unseal) -> list[Note]:
    """Everything that officers wrote on a case, oldest first; what its citizen said is sealed by whoever took it."""
    rows = connection.execute(
        select(case_event)
        .where(case_event.c.case_file == case, case_event.c.detail.has_key(_KEY))
        .order_by(case_event.c.id)
    ).mappings()
    return [
        Note(
            row["actor"],
            row["at"],
            row["action"],
            unseal(bytes(row["note"]), table=_TABLE, column=_COLUMN, row=row["detail"][_KEY]),
        )
        for row in rows
    ]
