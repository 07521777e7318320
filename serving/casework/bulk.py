"""Acting on many cases at once: to grant or to send on, never to take away.

Preview, propose, open singly what was drawn, a second person, half an hour in which it can be undone, and only then are
the decisions made: until that moment nothing has moved, so that undoing leaves nothing to call back.
"""

from __future__ import annotations

import datetime as dt
import random

from sqlalchemy import Connection, Engine, insert, select, update

from serving.casework.bulk_acts import TIME_TO_UNDO, Bulk, look_again, read_bulk
from serving.casework.bulk_preview import Line, Preview, preview
from serving.casework.cases import CLEARED, Case, change_case, check_revision, read_case
from serving.casework.decisions import propose_for_bulk, put_in_force
from serving.casework.errors import CaseworkError, ConflictError, NotAllowedError
from serving.casework.leases import tell_officer
from serving.casework.moves import moves_since, refusals
from serving.casework.review import Verdict, View, has_view
from serving.casework.states import Actor
from serving.store.tables.access import staff_account
from serving.store.tables.cases import bulk_act, bulk_item
from serving.store.tables.casework import provisional_view

ONE_IN = 20
"""One in so many is drawn, and opened by itself."""


def propose_bulk(connection: Connection, seen: Preview, officer: str, draw: random.Random, at: dt.datetime) -> Bulk:
    """Propose an act on the cases of a preview; one in twenty is drawn, to be opened by itself.

    Args:
        connection: in a transaction.
        seen: what the officer saw: if a case has changed since, nothing happens.
        officer: who proposes it.
        draw: chance that the officer cannot foresee.
        at: the moment.

    Raises:
        ConflictError: a case has changed since the preview.
        NotAllowedError: none is left of the cases.
    """
    if not seen.lines:
        raise NotAllowedError("None of these cases can be decided together with others.")
    _check_as_seen(connection, seen, at)
    drawn = set(draw.sample([case.id for case in seen.cases], -(-len(seen.lines) // ONE_IN)))
    with refusals("case", seen.cases[0].id, seen.cases[0].revision, lambda: (), connection):
        number = connection.execute(
            insert(bulk_act)
            .values(verdict=seen.verdict, size=len(seen.lines), officer=officer, proposed_at=at)
            .returning(bulk_act.c.id)
        ).scalar_one()
    for line in seen.lines:
        _put_in(connection, number, line, officer, at, is_drawn=line.case.id in drawn)
    return read_bulk(connection, number)


def _check_as_seen(connection: Connection, seen: Preview, at: dt.datetime) -> None:
    """Hold the cases of a preview, and make sure that it still says the same of them."""
    for case in seen.cases:
        check_revision(connection, case)
    now = preview(connection, [case.id for case in seen.cases], seen.verdict, at)
    if now.left_out:
        raise NotAllowedError(f"Case {min(now.left_out)} is decided by itself.")
    for was, line in zip(seen.lines, now.lines, strict=True):
        if (was.of.revision, was.of.amount_minor) != (line.of.revision, line.of.amount_minor):
            done = moves_since(connection, was.of.id, was.of.revision)
            raise ConflictError("entitlement", was.of.id, was.of.revision, line.of.revision, done)


def _put_in(connection: Connection, number: int, line: Line, officer: str, at: dt.datetime, *, is_drawn: bool) -> None:
    values = {"state": "proposed", **CLEARED}
    changed = change_case(connection, line.case, "proposed", (Actor.OFFICER, officer), at, values, {"bulk": number})
    done = lambda: moves_since(connection, line.of.id, line.of.revision)  # noqa: E731
    with refusals("entitlement", line.of.id, line.of.revision, done, connection):
        connection.execute(
            insert(bulk_item).values(
                bulk_act=number, case_file=line.case.id, revision=changed.revision, must_open=is_drawn,
                of_revision=line.of.revision, of_amount_minor=line.of.amount_minor,
            )
        )  # fmt: skip


def open_singly(connection: Connection, act: Bulk, case: int, officer: str, at: dt.datetime) -> Case:
    """Its author opens a case of an act by itself.

    Raises:
        NotAllowedError: it is not one of them, or the act is not theirs, or no proposal any more.
    """
    if officer != act.officer or act.state != "proposed" or case not in act.cases:
        raise NotAllowedError(f"Case {case} is not in a proposal of yours.")
    connection.execute(
        update(bulk_item).where(bulk_item.c.bulk_act == act.id, bulk_item.c.case_file == case).values(opened_at=at)
    )
    return read_case(connection, case)


def agree_to_bulk(connection: Connection, act: Bulk, officer: str, at: dt.datetime) -> Bulk:
    """A second person agrees; half an hour later it is done.

    Raises:
        NotAllowedError: it is their own, it is no proposal any more, or what was drawn is not opened.
    """
    if officer == act.officer:
        raise NotAllowedError("Whoever proposes does not agree to it: ask a colleague.")
    return _settle(connection, act, at, state="agreed", second=officer, agreed_at=at)


def return_bulk(connection: Connection, act: Bulk, officer: str, at: dt.datetime) -> Bulk:
    """Say no to a proposal, or take one's own back: its cases are open again."""
    found = _settle(connection, act, at, state="returned", settled_at=at)
    _reopen(connection, act, officer, at)
    return found


def undo_bulk(connection: Connection, act: Bulk, officer: str, at: dt.datetime) -> Bulk:
    """Undo an act that was agreed to, within its half hour: its cases are open again, and nothing was delivered.

    Raises:
        NotAllowedError: it is too late, or it is not one that was agreed to.
    """
    if act.agreed_at is None or at >= act.agreed_at + TIME_TO_UNDO:
        raise NotAllowedError(f"Act {act.id} can no longer be undone: open a review of each case that is wrong.")
    found = _settle(connection, act, at, state="undone", settled_at=at)
    _reopen(connection, act, officer, at)
    tell_officer(connection, act.officer, act.cases[0], "undone", officer, at)
    return found


def carry_out_agreed(engine: Engine, now: dt.datetime) -> dict[int, tuple[int, int]]:
    """Make the decisions of every act whose half hour is over: run often; by act, how many were done and were left.

    A case that changed meanwhile (its citizen said no, its amount is another one) is left: it is open again, for one
    officer to look at. So is every case of an act of which either of the two was taken out of service meanwhile.
    """
    with engine.begin() as connection:
        over = (bulk_act.c.state == "agreed") & (bulk_act.c.agreed_at <= now - TIME_TO_UNDO)
        numbers = connection.execute(select(bulk_act.c.id).where(over).order_by(bulk_act.c.id)).scalars().all()
    done: dict[int, tuple[int, int]] = {}
    for number in numbers:
        with engine.begin() as connection:
            mine = select(bulk_act.c.id).where(bulk_act.c.id == number, bulk_act.c.state == "agreed")
            if connection.execute(mine.with_for_update(skip_locked=True)).first() is None:
                continue
            act = read_bulk(connection, number)
            again = look_again(connection, act).lines if _are_in_service(connection, act) else ()
            stand = {line.case.id for line in again}
            outcomes = [_carry_out(connection, act, case, now, stands=case in stand) for case in act.cases]
            _settle(connection, act, now, state="carried_out", settled_at=now)
            done[number] = (sum(outcomes), len(outcomes) - sum(outcomes))
    return done


def _carry_out(connection: Connection, act: Bulk, number: int, now: dt.datetime, *, stands: bool) -> bool:
    case = read_case(connection, number)
    done = False
    if stands and act.second is not None:
        savepoint = connection.begin_nested()
        try:
            for officer in (act.officer, act.second):
                _note_view(connection, case, officer, act.verdict, now)
            made = propose_for_bulk(connection, case, act.officer, act.verdict, act.id, now)
            put_in_force(connection, case, made, act.second, now)
            savepoint.commit()
            done = True
        except CaseworkError:
            savepoint.rollback()
    if not done:
        _reopen_one(connection, case, (Actor.SYSTEM, "bulk"), now)
    connection.execute(
        update(bulk_item)
        .where(bulk_item.c.bulk_act == act.id, bulk_item.c.case_file == case.id)
        .values(outcome="done" if done else "left")
    )
    return done


def _are_in_service(connection: Connection, act: Bulk) -> bool:
    """Whether neither was taken out of service: nobody whose account was closed decides anything afterwards."""
    of = staff_account.c
    gone = select(of.id).where(of.id.in_([act.officer, act.second]), of.state != "active")
    return connection.execute(gone.limit(1)).first() is None


def _note_view(connection: Connection, case: Case, officer: str, verdict: Verdict, at: dt.datetime) -> None:
    """Both looked at all of them as one: that is their view of each, and no recommendation was shown for any."""
    if not has_view(connection, case.id, officer):
        view = View.ASK if verdict is Verdict.ASK else View.GRANT
        connection.execute(insert(provisional_view).values(case_file=case.id, officer=officer, view=view, at=at))


def _settle(connection: Connection, act: Bulk, at: dt.datetime, **values: object) -> Bulk:
    with refusals("case", act.cases[0], 0, lambda: (), connection):
        connection.execute(update(bulk_act).where(bulk_act.c.id == act.id).values(values))
    return read_bulk(connection, act.id)


def _reopen(connection: Connection, act: Bulk, officer: str, at: dt.datetime) -> None:
    for number in act.cases:
        _reopen_one(connection, read_case(connection, number), (Actor.OFFICER, officer), at)


def _reopen_one(connection: Connection, case: Case, by: tuple[Actor, str], at: dt.datetime) -> None:
    if case.state == "proposed":
        change_case(connection, case, "reopened", by, at, {"state": "open", **CLEARED})
