"""No case unread: what is late goes up by itself, level by level, each with a new clock, and at last to its citizen.

Run it often (every few minutes). It needs no memory: what is due stands in the rows, and a case that was raised has a
new day, so running it twice raises nothing twice.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, and_, insert, or_, select

from serving import log
from serving.casework.cases import Case, Subject, case_of, change_case, open_case
from serving.casework.clocks import Clocks, Kind
from serving.casework.leases import resume, tell_officer
from serving.casework.states import Actor
from serving.store.tables.casework import case_file, outbox

SYSTEM = (Actor.SYSTEM, "escalation")
NO_BENEFIT = "any"
"""In the outbox, of a case that is about no benefit."""
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Raised:
    """A case that went up.

    Attributes:
        case: its number.
        level: where it is now; one more than the last level: its citizen was told.
        told_citizen: that it is late, and that they may complain.
        hearing: the case that was opened to hear them, where one was.
    """

    case: int
    level: int
    told_citizen: bool = False
    hearing: int | None = None


def escalate(engine: Engine, clocks: Clocks, now: dt.datetime) -> list[Raised]:
    """Raise every case that is late, each in a transaction of its own.

    A clock that has stood for longer than its reason allows goes on first. Two who run this at once share the work.

    Args:
        engine: with the rights of the application.
        clocks: the limits.
        now: the moment.
    """
    raised: list[Raised] = []
    for number in _numbers(engine, _stands_too_long(now)):
        with engine.begin() as connection:
            case = _held(connection, number)
            if case is not None and _is_forgotten(case, clocks, now):
                resume(connection, case, SYSTEM, now, clocks)
    for number in _numbers(engine, _is_late(now)):
        with engine.begin() as connection:
            case = _held(connection, number)
            if case is not None and _late(case, now):
                raised.append(_raise(connection, case, clocks, now))
    if raised:
        log.info("cases_escalated", looked_at=len(raised))
    return raised


def _numbers(engine: Engine, condition: object) -> Iterator[int]:
    last = 0
    while True:
        with engine.begin() as connection:
            query = select(case_file.c.id).where(condition, case_file.c.id > last)  # type: ignore[arg-type]
            found = connection.execute(query.order_by(case_file.c.id).limit(_BATCH)).scalars().all()
        yield from found
        if len(found) < _BATCH:
            return
        last = found[-1]


def _is_late(now: dt.datetime) -> object:
    untouched = and_(
        case_file.c.first_touch_at.is_(None), case_file.c.escalation == 0, case_file.c.first_touch_due_at < now
    )
    return and_(
        case_file.c.state != "closed", case_file.c.paused_at.is_(None), or_(case_file.c.due_at < now, untouched)
    )


def _late(case: Case, now: dt.datetime) -> bool:
    if case.state == "closed" or case.paused_at is not None:
        return False
    untouched = case.first_touch_at is None and case.escalation == 0 and case.first_touch_due_at is not None
    return case.due_at < now or (untouched and case.first_touch_due_at is not None and case.first_touch_due_at < now)


def _stands_too_long(now: dt.datetime) -> object:
    return and_(case_file.c.state != "closed", case_file.c.paused_at < now)


def _is_forgotten(case: Case, clocks: Clocks, now: dt.datetime) -> bool:
    if case.state == "closed" or case.paused_at is None or case.pause_code is None:
        return False
    pause = clocks.pauses.get(case.pause_code)
    # A reason that has since been taken out of the file holds nothing up.
    return pause is None or clocks.in_working_days(case.paused_at, pause.most_working_days) < now


def _held(connection: Connection, number: int) -> Case | None:
    row = (
        connection.execute(select(case_file).where(case_file.c.id == number).with_for_update(skip_locked=True))
        .mappings()
        .one_or_none()
    )
    return None if row is None else case_of(row)


def _raise(connection: Connection, case: Case, clocks: Clocks, now: dt.datetime) -> Raised:
    clock, top = clocks.kinds[case.kind], len(clocks.levels)
    level = min(case.escalation + 1, top)
    # Where nobody took it up in time, the day of the decision stands.
    overdue = case.due_at < now
    due = clocks.in_working_days(now, clock.escalated[min(level, top - 1) - 1]) if overdue else case.due_at
    found = change_case(
        connection, case, "escalated", SYSTEM, now, {"escalation": level, "due_at": due}, {"level": level}
    )
    if case.lease_holder is not None:
        tell_officer(connection, case.lease_holder, case.id, "escalated", SYSTEM[1], now)
    if level < top or not clock.citizen_waits:
        return Raised(case.id, level)
    _tell_citizen(connection, found, now)
    return Raised(case.id, level, True, _hear(connection, found, clocks, now))


def _tell_citizen(connection: Connection, case: Case, now: dt.datetime) -> None:
    """It is late, this is its new day, and they may complain: the words are the notice's."""
    key = hashlib.sha256(f"case|{case.id}|delay|{case.revision}".encode()).hexdigest()
    connection.execute(
        insert(outbox).values(
            delivery_key=key, entitlement=case.entitlement, case_file=case.id, kind="delay", channel="notice",
            benefit=case.benefit or NO_BENEFIT, created_at=now,
            payload={"kind": case.kind, "due": case.due_at.isoformat(), "may_complain": True},
        )
    )  # fmt: skip


def _hear(connection: Connection, case: Case, clocks: Clocks, now: dt.datetime) -> int | None:
    """Open a hearing, unless this is one, or one is open for the same case."""
    if case.kind is Kind.HEARING:
        return None
    for_it = case_file.c.why.contains([{"case": case.id}])
    open_one = select(case_file.c.id).where(
        case_file.c.kind == Kind.HEARING, case_file.c.state != "closed", case_file.c.subject == case.subject, for_it
    )
    if connection.execute(open_one).first() is not None:
        return None
    of = Subject(case.subject_kind, case.subject, case.district, case.benefit, case.entitlement)
    why = [{"code": "not_decided_in_time", "case": case.id}]
    return open_case(connection, Kind.HEARING, of, why, SYSTEM, now, clocks, hardship=case.hardship).id
