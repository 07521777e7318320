"""Objections and appeals: against what was put up, what was answered, what a human took away.

An objection goes to a human and stops nothing that is already on its way to somebody. An appeal goes to a human who had
no part in what it is about: PostgreSQL lets no other open, decide or sign it. Who objects is kept with the objection
and not with the move, for whom it is about may read the moves.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from serving.casework.cases import Subject
from serving.casework.citizen.offers import answered, next_step, shown
from serving.casework.citizen.opening import CaseKind, intend, open_case
from serving.casework.citizen.requests import Answer, Asked, once
from serving.casework.citizen.speaking import Speaker, speaks_as
from serving.casework.errors import NotFoundError
from serving.casework.moves import By, Entitlement, make_move, read_entitlement
from serving.casework.sealing import OwnWords
from serving.casework.states import NEGATIVE, Actor, State
from serving.store.tables.casework import case_file, entitlement
from serving.store.tables.citizens import barred, objection

NOT_YET_APPROVED = frozenset({State.ASK, State.OFFERED, State.SILENT, State.CONFIRMED})
"""From here somebody's own objection takes it to a human; later the money stays on its way and a case is opened."""
_ENGINE = By(Actor.SYSTEM, "objections")


@dataclass(frozen=True, slots=True)
class _Objection:
    """What is kept of an objection: whose, about what, by whom."""

    kind: str
    subject: str
    benefit: str
    entitlement: int | None
    against: str
    objector: str
    standing: str


def object_to(
    connection: Connection, voice: Speaker, number: int, revision: int, words: OwnWords, key: str, at: dt.datetime
) -> Answer:
    """Object to how one's own entitlement stands; against a refusal, a suspension or an end it is an appeal.

    Args:
        connection: in a transaction.
        voice: who objects: whose it is, or who helps them.
        number: of the entitlement.
        revision: as it was shown.
        words: why.
        key: of the request.
        at: the moment.

    Returns:
        `entitlement`, `state`, `revision` and `case`, its number.

    Raises:
        NotFoundError: it does not exist for them.
        ConflictError: it has moved since it was shown.
    """

    def carry_out() -> Answer:
        found = shown(connection, number, revision)
        by = speaks_as(connection, voice, found, at)
        appeal = found.state in NEGATIVE
        standing = "own" if by.kind is Actor.CITIZEN else "proxy"
        kind = CaseKind.APPEAL if appeal else CaseKind.OBJECTION
        case = _open(connection, kind, _about(found, voice.person, standing), found.district, words, at)
        by = replace(by, case=case)
        if found.state is State.PUBLIC_NOTICE:
            found = _to_human(connection, make_move(connection, found, State.OBJECTED, by, at), case, at)
        elif appeal or found.state in NOT_YET_APPROVED:
            found = make_move(connection, found, State.REVIEW, by, at)
            next_step(connection, number, None)
        return {**answered(found), "case": case}

    return once(connection, voice.name, key, _asked("object", number, revision), at, carry_out)


def object_to_notice(
    connection: Connection, objector: str, number: int, words: OwnWords, key: str, at: dt.datetime
) -> Answer:
    """Object, as anybody, to what is put up for that.

    Args:
        connection: in a transaction.
        objector: the person's id.
        number: of the entitlement that is put up.
        words: why.
        key: of the request.
        at: the moment.

    Returns:
        `case`, its number, and nothing of whom it is about.

    Raises:
        NotFoundError: nothing of that number is put up.
    """

    def carry_out() -> Answer:
        found = _put_up(connection, number)
        case = _open(connection, CaseKind.OBJECTION, _about(found, objector, "third_party"), found.district, words, at)
        if found.state is State.PUBLIC_NOTICE:  # else somebody objected before, and this joins their case
            by = By(Actor.CITIZEN, f"objection:{case}", case=case)
            _to_human(connection, make_move(connection, found, State.OBJECTED, by, at), case, at)
        return {"case": case}

    return once(connection, f"person:{objector}", key, _asked("notice", number, 0), at, carry_out)


def object_to_answer(
    connection: Connection,
    voice: Speaker,
    subject: tuple[str, str],
    benefit: str,
    district: str,
    words: OwnWords,
    key: str,
    at: dt.datetime,
) -> Answer:
    """Object to an answer that gave nothing: ineligible, or not known.

    Returns:
        `case`, its number.

    Raises:
        NotFoundError: they do not speak for that subject.
    """
    if subject not in voice.subjects:
        raise NotFoundError("There is no such answer.")
    about = _Objection(*subject, benefit, None, "answer", voice.person, "own")
    asked: Asked = {"do": "object_to_answer", "subject": list(subject), "benefit": benefit}
    return once(
        connection, voice.name, key, asked, at,
        lambda: {"case": _open(connection, CaseKind.OBJECTION, about, district, words, at)},
    )  # fmt: skip


def _put_up(connection: Connection, number: int) -> Entitlement:
    """What is put up, or was until somebody objected; locked, so that two may object at once."""
    connection.execute(select(entitlement.c.id).where(entitlement.c.id == number).with_for_update())
    found = read_entitlement(connection, number)
    objected = connection.execute(
        select(func.count())
        .select_from(objection.join(case_file, case_file.c.id == objection.c.case_file))
        .where(
            objection.c.entitlement == number,
            objection.c.against == State.PUBLIC_NOTICE,
            case_file.c.state != "closed",
        )
    ).scalar_one()
    if found.state is not State.PUBLIC_NOTICE and not objected:
        raise NotFoundError(f"There is no entitlement {number}.")
    return found


def _about(of: Entitlement, objector: str, standing: str) -> _Objection:
    return _Objection(of.kind, of.subject, of.benefit, of.id, of.state.value, objector, standing)


def _asked(do: str, number: int, revision: int) -> Asked:
    # Of the words only how long they are: encrypted twice they differ, and repeating is not saying something else.
    return {"do": do, "entitlement": number, "revision": revision, "words": True}


def _open(
    connection: Connection, kind: CaseKind, about: _Objection, district: str, words: OwnWords, at: dt.datetime
) -> int:
    why = {"code": kind.value, "against": about.against, "standing": about.standing}
    of = Subject(about.kind, about.subject, district, about.benefit, about.entitlement)
    actor = Actor.PROXY if about.standing == "proxy" else Actor.CITIZEN
    case = open_case(connection, kind, of, why, (actor, about.standing), at)
    connection.execute(
        insert(objection).values(words.in_new_row(objection.c.words, {**asdict(about), "case_file": case, "at": at}))
    )
    if kind is CaseKind.APPEAL:
        _keep_out(connection, case, about)
    intend(
        connection, f"{kind.value}:made", "citizen", f"{kind.value}:{case}", "case_file", str(case),
        {"entitlement": about.entitlement, "against": about.against, "standing": about.standing}, at,
    )  # fmt: skip
    return case


def _keep_out(connection: Connection, case: int, about: _Objection) -> None:
    """Bar everybody who had a part in what the appeal is about from its case."""
    officers = connection.execute(
        select(func.officers_in(about.kind, about.subject, about.benefit).column_valued("officer"))
    ).scalars()
    for officer in officers.all():
        connection.execute(upsert(barred).values(case_file=case, officer=officer).on_conflict_do_nothing())


def _to_human(connection: Connection, of: Entitlement, case: int, at: dt.datetime) -> Entitlement:
    next_step(connection, of.id, None)
    return make_move(connection, of, State.REVIEW, replace(_ENGINE, case=case), at)
