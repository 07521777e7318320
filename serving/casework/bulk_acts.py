"""Acts on many cases as they stand: one, those that wait, and what one would do now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from sqlalchemy import ColumnElement, Connection, Row, exists, or_, select

from serving.casework.bulk_preview import LeftOut, Preview, fitting
from serving.casework.cases import cases_numbered
from serving.casework.errors import NotFoundError
from serving.casework.queues import Desk
from serving.casework.review import Verdict
from serving.store.tables.cases import bulk_act, bulk_item
from serving.store.tables.casework import case_file

TIME_TO_UNDO = dt.timedelta(minutes=30)
BulkState = Literal["proposed", "agreed", "returned", "undone", "carried_out"]


@dataclass(frozen=True, slots=True)
class Bulk:
    """An act on many cases, as it stands.

    Attributes:
        id: its number.
        verdict: of all of its cases.
        size: how many they are.
        officer: who proposed it.
        state: proposed, agreed (it can be undone for half an hour), returned, undone or carried out.
        second: who agreed.
        proposed_at, agreed_at: when.
        cases: their numbers.
        drawn: the cases that its author opens by themselves.
        unopened: those of them that they have not opened.
        left: of what was carried out, the cases that had changed meanwhile and are open again.
    """

    id: int
    verdict: Verdict
    size: int
    officer: str
    state: BulkState
    second: str | None
    proposed_at: dt.datetime
    agreed_at: dt.datetime | None
    cases: tuple[int, ...]
    drawn: frozenset[int]
    unopened: frozenset[int]
    left: frozenset[int]

    @property
    def is_live(self) -> bool:
        """Is it still to be agreed to, or to be carried out?"""
        return self.state in ("proposed", "agreed")

    @property
    def undo_until(self) -> dt.datetime | None:
        """The moment at which it is carried out; None: nobody agreed yet, or it is settled."""
        return self.agreed_at + TIME_TO_UNDO if self.state == "agreed" and self.agreed_at is not None else None


def read_bulk(connection: Connection, number: int) -> Bulk:
    """One act.

    Raises:
        NotFoundError: there is none.
    """
    found = _read(connection, bulk_act.c.id == number)
    if not found:
        raise NotFoundError(f"There is no act {number} on many cases.")
    return found[0]


def live_acts(connection: Connection, officer: str, desks: Sequence[Desk]) -> list[Bulk]:
    """Acts that are proposed or can be undone, oldest first: one's own, and those on a case before one's desks."""
    theirs = exists().where(
        bulk_item.c.bulk_act == bulk_act.c.id,
        case_file.c.id == bulk_item.c.case_file,
        or_(*(desk.holds() for desk in desks)),
    )
    live = bulk_act.c.state.in_(("proposed", "agreed"))
    return _read(connection, live & or_(bulk_act.c.officer == officer, theirs))


def _read(connection: Connection, which: ColumnElement[bool]) -> list[Bulk]:
    acts = connection.execute(select(bulk_act).where(which).order_by(bulk_act.c.id)).all()
    items: dict[int, list[Row[tuple[object, ...]]]] = {act.id: [] for act in acts}
    for item in _items(connection, items):
        items[item.bulk_act].append(item)
    return [
        Bulk(
            act.id, Verdict(act.verdict), act.size, act.officer, cast(BulkState, act.state), act.second,
            act.proposed_at, act.agreed_at, tuple(item.case_file for item in items[act.id]),
            frozenset(item.case_file for item in items[act.id] if item.must_open),
            frozenset(item.case_file for item in items[act.id] if item.must_open and item.opened_at is None),
            frozenset(item.case_file for item in items[act.id] if item.outcome == "left"),
        )
        for act in acts
    ]  # fmt: skip


def look_again(connection: Connection, act: Bulk) -> Preview:
    """What a live act would do now: its cases that stand as they were seen, and those that changed since."""
    bound = {item.case_file: item for item in _items(connection, [act.id])}
    cases = cases_numbered(connection, act.cases)
    same = [case for case in cases if case.state == "proposed" and case.revision == bound[case.id].revision]
    found = fitting(connection, same, act.verdict)
    lines = tuple(
        line
        for line in found.lines
        if (line.of.revision, line.of.amount_minor)
        == (bound[line.case.id].of_revision, bound[line.case.id].of_amount_minor)
    )
    stand = {line.case.id for line in lines}
    return Preview(act.verdict, lines, {case.id: LeftOut.CHANGED for case in cases if case.id not in stand})


def _items(connection: Connection, acts: Collection[int]) -> Sequence[Row[tuple[object, ...]]]:
    query = (
        select(bulk_item).where(bulk_item.c.bulk_act.in_(acts)).order_by(bulk_item.c.bulk_act, bulk_item.c.case_file)
    )
    return cast(Sequence[Row[tuple[object, ...]]], connection.execute(query).all())
