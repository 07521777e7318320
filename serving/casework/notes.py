"""Notes on a case: only added to, in nobody's way, and unreadable without the keys."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, select

from serving.casework.cases import add_event, held_case
from serving.casework.errors import NotAllowedError
from serving.casework.leases import renew
from serving.casework.sealing import OwnWords, Seal, Unseal
from serving.casework.states import Actor
from serving.store.tables.casework import case_event
from serving.store.tables.citizens import objection

_SPOKEN = {"own": Actor.CITIZEN, "proxy": Actor.PROXY, "third_party": Actor.CITIZEN}


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote on a case.

    Attributes:
        author: who; of who objects, only whether they speak for themselves, for somebody, or about a neighbour.
        by: what they are: officer, citizen or proxy.
        at: when.
        action: what they did with it.
        text: their words; None: whom the case is about was erased, and with them what was said of them.
    """

    author: str
    by: str
    at: dt.datetime
    action: str
    text: str | None


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
    return add_event(connection, case, action, (Actor.OFFICER, officer), at, {}, OwnWords(words, seal))


def notes_of(connection: Connection, case: int, unseal: Unseal) -> list[Note]:
    """Everything that was written on a case, oldest first: by officers, by whoever asked for it, by who objects."""
    said = select(case_event).where(case_event.c.case_file == case, case_event.c.note.is_not(None))
    events = cast(Sequence[Mapping[str, Any]], connection.execute(said.order_by(case_event.c.id)).mappings().all())
    against = select(objection).where(objection.c.case_file == case).order_by(objection.c.id)
    objections = cast(Sequence[Mapping[str, Any]], connection.execute(against).mappings().all())
    found = [
        Note(row["actor"], row["detail"]["by"], row["at"], row["action"], unseal(row["note"], case_event.c.note, row))
        for row in events
    ]
    # Who objects is not told by name: their words are what is to be judged.
    for row in objections:
        words = unseal(row["words"], objection.c.words, row)
        found.append(Note(row["standing"], _SPOKEN[row["standing"]], row["at"], "objected", words))
    return sorted(found, key=lambda note: note.at)
