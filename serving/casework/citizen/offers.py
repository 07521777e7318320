"""Yes, no, and asking for a person. Yes and no take the same steps: one each, from wherever it stands.

Who changed their mind says the other thing: a yes takes up again what was refused, a no takes back what was confirmed,
as long as it has not been handed to the bank.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from sqlalchemy import Connection, update

from serving.casework.cases import Subject
from serving.casework.citizen.notices import receipts
from serving.casework.citizen.opening import CaseKind, about, open_case
from serving.casework.citizen.requests import Answer, Asked, once
from serving.casework.citizen.speaking import Said, Speaker, Voice, speaks_as, take_down
from serving.casework.errors import ConflictError
from serving.casework.moves import By, Entitlement, make_move, read_entitlement
from serving.casework.sealing import OwnWords
from serving.casework.states import Actor, State, may_move
from serving.store.tables.casework import entitlement


def confirm(connection: Connection, voice: Voice, number: int, revision: int, key: str, at: dt.datetime) -> Answer:
    """Say yes to an offer; also to one that ran out, or that one refused before.

    Args:
        connection: in a transaction.
        voice: who speaks.
        number: of the entitlement.
        revision: as it was shown to them.
        key: of the request: repeated, it gives the same answer and does nothing.
        at: the moment.

    Returns:
        `entitlement`, `state`, `revision`.

    Raises:
        NotFoundError: it does not exist for them.
        ConflictError: it has moved since it was shown.
        NotAllowedError: there is nothing to say yes to as it stands.
    """
    asked: Asked = {"do": "confirm", "entitlement": number, "revision": revision}
    return once(
        connection, voice.name, key, asked, at,
        lambda: answered(say_yes(connection, voice, shown(connection, number, revision), at)),
    )  # fmt: skip


def refuse(connection: Connection, voice: Voice, number: int, revision: int, key: str, at: dt.datetime) -> Answer:
    """Say no to an offer, with no reason asked; also to one that one confirmed before.

    Args, answer and errors are those of `confirm`.
    """
    asked: Asked = {"do": "refuse", "entitlement": number, "revision": revision}
    return once(
        connection, voice.name, key, asked, at,
        lambda: answered(say_no(connection, voice, shown(connection, number, revision), at)),
    )  # fmt: skip


def ask_for_person(
    connection: Connection,
    voice: Voice,
    number: int,
    key: str,
    at: dt.datetime,
    *,
    decide: bool = False,
    words: OwnWords | None = None,
) -> Answer:
    """Ask for a person: from every state, always possible, and it costs nobody their place, their money or their yes.

    While somebody waits for a person, silence does not run out.

    Args:
        connection: in a transaction.
        voice: who speaks.
        number: of the entitlement that it is about.
        key: of the request.
        at: the moment.
        decide: a human shall decide this one; it goes to them from wherever the table of moves lets it.
        words: of the person.

    Returns:
        `entitlement`, `state`, `revision` and `case`, its number.

    Raises:
        NotFoundError: it does not exist for them.
    """

    def carry_out() -> Answer:
        found = read_entitlement(connection, number)
        by = speaks_as(connection, voice, found, at)
        take_down(connection, voice, found, Said.PERSON, at)
        why = {"code": "person_wanted", "state": found.state.value, "decide": decide}
        case = open_case(connection, CaseKind.PERSON_WANTED, about(found), why, (by.kind, by.actor), at, words)
        if decide and may_move(found.state, State.REVIEW, by.kind):
            found = make_move(connection, found, State.REVIEW, replace(by, case=case), at)
            next_step(connection, number, None)
        return {**answered(found), "case": case}

    return once(connection, voice.name, key, {"do": "person", "entitlement": number, "decide": decide}, at, carry_out)


def ask_for_person_without_offer(
    connection: Connection,
    voice: Speaker,
    subject: tuple[str, str],
    benefit: str | None,
    district: str,
    key: str,
    at: dt.datetime,
    words: OwnWords | None = None,
) -> Answer:
    """Ask for a person about a benefit that one was never offered, or about nothing in particular.

    Returns:
        `case`, its number.
    """
    asked: Asked = {"do": "person", "subject": list(subject), "benefit": benefit}

    def carry_out() -> Answer:
        of = Subject(*subject, district, benefit)
        by = (Actor.CITIZEN, voice.person)
        case = open_case(connection, CaseKind.PERSON_WANTED, of, {"code": "person_wanted"}, by, at, words)
        return {"case": case}

    return once(connection, voice.name, key, asked, at, carry_out)


def shown(connection: Connection, number: int, revision: int) -> Entitlement:
    """An entitlement, if it is still as it was shown.

    Raises:
        ConflictError: it has moved since.
    """
    found = read_entitlement(connection, number)
    if found.revision != revision:
        raise ConflictError("entitlement", number, revision, found.revision)
    return found


def say_yes(connection: Connection, voice: Voice, of: Entitlement, at: dt.datetime) -> Entitlement:
    """One yes, by whoever may speak; the engine goes on from there by itself."""
    by = speaks_as(connection, voice, of, at)
    take_down(connection, voice, of, Said.YES, at)
    if of.state is State.REFUSED:
        of = make_move(connection, of, State.OFFERED, by, at)
    return _said(connection, voice, by, make_move(connection, of, State.CONFIRMED, by, at), at, at)


def say_no(connection: Connection, voice: Voice, of: Entitlement, at: dt.datetime) -> Entitlement:
    """One no, by whoever may speak; nothing goes on by itself."""
    by = speaks_as(connection, voice, of, at)
    take_down(connection, voice, of, Said.NO, at)
    return _said(connection, voice, by, make_move(connection, of, State.REFUSED, by, at), None, at)


def _said(
    connection: Connection, voice: Voice, by: By, of: Entitlement, goes_on: dt.datetime | None, at: dt.datetime
) -> Entitlement:
    next_step(connection, of.id, goes_on)
    receipts(connection, voice, by, of, of.state.value, at)
    return of


def next_step(connection: Connection, number: int, at: dt.datetime | None) -> None:
    """When the engine is to look at an entitlement again by itself."""
    connection.execute(update(entitlement).where(entitlement.c.id == number).values(next_step_at=at))


def answered(of: Entitlement) -> Answer:
    """What whoever asked is told."""
    return {"entitlement": of.id, "state": of.state.value, "revision": of.revision}
