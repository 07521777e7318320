"""Cases: work for a caseworker. Opened, changed one revision at a time, closed; and what has been done to one since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, cast

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from serving.casework.clocks import Clocks, Kind
from serving.casework.errors import Change, ConflictError, NotAllowedError, NotFoundError
from serving.casework.moves import refusals
from serving.casework.sealing import OwnWords
from serving.casework.states import Actor
from serving.store.tables.casework import case_event, case_file

CaseState = Literal["open", "proposed", "closed"]
Why = Mapping[str, object]
"""What a human is to judge: a code and its parameters, as the reasons of a tier; a clause."""
_PLAIN = (str, int, bool, type(None))


@dataclass(frozen=True, slots=True)
class Case:
    """Work for a caseworker, as it was read.

    Attributes:
        id: its number.
        kind: what it is for.
        entitlement: which it is about, if any.
        subject_kind, subject, benefit, district: whose, of what, and where it is worked on.
        state: open; proposed (a second person is to agree); closed.
        why: what a human is to judge.
        opened_at, opened_by: when and by whom.
        due_at, first_touch_due_at, first_touch_at: its limits, and when a human first took it up.
        paused_at, pause_code: its clock stands since, and why.
        escalation: whose attention it has: 0 a caseworker, then each level of `clocks.yaml`.
        lease_holder, lease_until: who has it in hand, and until when unless they go on.
        revision: changes so far.
        priority: a model's. It orders the queue and nothing else.
        hardship: somebody is in need, and comes first.
        closed_at: when it was closed.
    """

    id: int
    kind: Kind
    entitlement: int | None
    subject_kind: str
    subject: str
    benefit: str | None
    district: str
    state: CaseState
    why: list[dict[str, object]]
    opened_at: dt.datetime
    opened_by: str
    due_at: dt.datetime
    first_touch_due_at: dt.datetime | None
    first_touch_at: dt.datetime | None
    paused_at: dt.datetime | None
    pause_code: str | None
    escalation: int
    lease_holder: str | None
    lease_until: dt.datetime | None
    revision: int
    priority: float | None
    hardship: bool
    closed_at: dt.datetime | None

    def is_in_hand(self, at: dt.datetime) -> bool:
        """Does anybody work on it?"""
        return self.lease_until is not None and at < self.lease_until


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose case it is, about what, and where it is worked on."""

    kind: str
    id: str
    district: str
    benefit: str | None = None
    entitlement: int | None = None


def open_case(
    connection: Connection,
    kind: Kind,
    of: Subject,
    why: Sequence[Why],
    by: tuple[Actor, str],
    at: dt.datetime,
    clocks: Clocks,
    *,
    hardship: bool = False,
    priority: float | None = None,
    words: OwnWords | None = None,
) -> Case:
    """Open a case, with its clock running. Where one of the kind is open for the entitlement, that one is returned.

    Args:
        connection: in a transaction.
        kind: what it is for.
        of: whose.
        why: what a human is to judge.
        by: who opens it.
        at: the moment.
        clocks: the limits.
        hardship: somebody is in need.
        priority: a model's figure, which may only order the queue.
        words: of whoever asked for it.
    """
    number = connection.execute(
        insert_or(case_file)
        .values(
            kind=kind, entitlement=of.entitlement, subject_kind=of.kind, subject=of.id, benefit=of.benefit,
            district=of.district, why=[dict(one) for one in why], opened_at=at, opened_by=by[1],
            due_at=clocks.due(kind, at), first_touch_due_at=clocks.first_touch_due(kind, at), hardship=hardship,
            priority=priority,
        )
        .on_conflict_do_nothing()
        .returning(case_file.c.id)
    ).scalar_one_or_none()  # fmt: skip
    if number is None:
        found = connection.execute(
            select(case_file.c.id).where(
                case_file.c.entitlement == of.entitlement, case_file.c.kind == kind, case_file.c.state != "closed"
            )
        ).scalar_one()
        add_event(connection, found, "asked_again", by, at, {"why": [dict(one) for one in why]}, words)
        return read_case(connection, found)
    add_event(connection, number, "opened", by, at, {"revision": 0}, words)
    return read_case(connection, number)


def read_case(connection: Connection, number: int) -> Case:
    """One case.

    Raises:
        NotFoundError: there is none.
    """
    row = connection.execute(select(case_file).where(case_file.c.id == number)).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"There is no case {number}.")
    return case_of(row)


def cases_numbered(connection: Connection, numbers: Collection[int]) -> list[Case]:
    """Some cases, by their numbers; of a number that there is not, none."""
    query = select(case_file).where(case_file.c.id.in_(numbers)).order_by(case_file.c.id)
    return [case_of(row) for row in connection.execute(query).mappings()]


def held_case(connection: Connection, number: int) -> Case:
    """One case as it is now, and stays until the transaction ends.

    Raises:
        NotFoundError: there is none.
    """
    connection.execute(select(case_file.c.id).where(case_file.c.id == number).with_for_update())
    return read_case(connection, number)


def case_of(row: Mapping[Any, Any]) -> Case:
    """A row of `case_file` as a case."""
    found = {field.name: row[field.name] for field in fields(Case)}
    found["kind"] = Kind(str(row["kind"]))
    return Case(**found)


def change_case(
    connection: Connection,
    case: Case,
    action: str,
    by: tuple[Actor, str],
    at: dt.datetime,
    values: Mapping[str, object],
    detail: Mapping[str, object] | None = None,
) -> Case:
    """Change a case as it was read, and note who did it: the one way in which a case changes.

    Args:
        connection: in a transaction.
        case: as it was read: where it has changed since, nothing happens.
        action: what is done.
        by: who does it.
        at: the moment.
        values: the columns that change.
        detail: more to note: ids, codes and figures.

    Raises:
        ConflictError: it has changed since it was read; the error says how.
        NotAllowedError: it is closed.
    """
    with refusals(
        "case", case.id, case.revision, lambda: changes_since(connection, case.id, case.revision), connection
    ):
        connection.execute(
            update(case_file).where(case_file.c.id == case.id).values(revision=case.revision + 1, **values)
        )
        before = {name: _plain(getattr(case, name)) for name in values}
        changed = {name: [before[name], _plain(value)] for name, value in values.items()}
        detail = {**(detail or {}), "revision": case.revision + 1, "changed": changed}
        add_event(connection, case.id, action, by, at, detail)
    return read_case(connection, case.id)


def check_revision(connection: Connection, case: Case) -> None:
    """Hold a case until the transaction ends, and make sure that it is as it was read.

    Raises:
        ConflictError: it has changed since.
    """
    found = connection.execute(
        select(case_file.c.revision).where(case_file.c.id == case.id).with_for_update()
    ).scalar_one()
    if found != case.revision:
        raise ConflictError("case", case.id, case.revision, found, changes_since(connection, case.id, case.revision))


def changes_since(connection: Connection, number: int, revision: int) -> tuple[Change, ...]:
    """What was done to a case since it was at a revision, oldest first."""
    since = case_event.c.detail["revision"].as_integer()
    rows = connection.execute(
        select(case_event).where(case_event.c.case_file == number, since > revision).order_by(case_event.c.id)
    ).mappings()
    return tuple(
        Change(
            row["detail"]["revision"],
            row["at"],
            row["actor"],
            row["action"],
            {name: (pair[0], pair[1]) for name, pair in row["detail"].get("changed", {}).items()},
        )
        for row in rows
    )


def close_case(connection: Connection, case: Case, by: tuple[Actor, str], at: dt.datetime, because: str) -> Case:
    """Close a case; its clock and lease end with it.

    Args:
        connection: in a transaction.
        case: as it was read.
        by: who.
        at: when.
        because: a code: `decided`, `refused` (the citizen wants it no more), `answered`, `superseded`.

    Raises:
        NotAllowedError: it is closed already.
    """
    if case.state == "closed":
        raise NotAllowedError(f"Case {case.id} is closed.")
    values = {"state": "closed", "closed_at": at, **CLEARED, "paused_at": None, "pause_code": None}
    return change_case(connection, case, "closed", by, at, values, {"because": because})


CLEARED: Mapping[str, object] = {"lease_holder": None, "lease_until": None}
"""Nobody has it in hand."""


def add_event(
    connection: Connection,
    number: int,
    action: str,
    by: tuple[Actor, str],
    at: dt.datetime,
    detail: Mapping[str, object],
    words: OwnWords | None = None,
) -> int:
    """Note what happened to a case; returns the number of the event."""
    row: dict[str, object] = {
        "case_file": number, "action": action, "actor": by[1], "at": at, "detail": {**detail, "by": str(by[0])},
    }  # fmt: skip
    if words is not None:
        row = words.in_new_row(case_event.c.note, row)
    return int(connection.execute(insert(case_event).values(row).returning(case_event.c.id)).scalar_one())


def _plain(value: object) -> object:
    """As JSON holds it."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    return value if isinstance(value, _PLAIN) else cast(object, str(value))
