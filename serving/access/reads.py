"""Who read whose data: written with each response that holds any, shown to its subject, counted for an alarm."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, bindparam, distinct, func, insert, select, true, tuple_

from serving.access.actions import Purpose
from serving.access.policy import Tie
from serving.access.roles import Role
from serving.store.tables.access import read_alarm, read_record, staff_account

MOST_STRANGERS: Final = 200
ALARM_WINDOW: Final = dt.timedelta(minutes=10)
"""Whoever reads more strangers than this in so long raises an alarm. Source: acceptance.md, row 22."""

_OFFICE = select(staff_account.c.office).where(staff_account.c.id == bindparam("reader")).scalar_subquery()
_RECORD: Final = insert(read_record).values(office=_OFFICE)


@dataclass(frozen=True, slots=True)
class Reading:
    """One response with personal data.

    Attributes:
        account: who was answered.
        role: under which role they were let in.
        purpose: what for.
        fields: the names of what was shown, never a value.
        route: its pattern, like `/cases/{case}`, so that it names nobody.
        request: the id of the request.
        at: when.
        case_file: within which case, if any.
    """

    account: str
    role: Role
    purpose: Purpose
    fields: frozenset[str]
    route: str
    request: uuid.UUID
    at: dt.datetime
    case_file: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One look at somebody's data, as they may see it: the office and the role, not the officer's name."""

    number: int
    at: dt.datetime
    role: Role
    office: str | None
    subject: str
    fields: tuple[str, ...]
    purpose: Purpose
    tie: Tie
    case_file: int | None


def record_reads(connection: Connection, reading: Reading, subjects: Mapping[str, Tie]) -> bool:
    """Write down a response, in the transaction of the request: an answer that is not recorded is not given.

    Args:
        connection: in the transaction that read the data.
        reading: the response.
        subjects: whose data it held, `kind:id`, each with what binds the reader to them (the gate's decision says it).

    Returns:
        Whether it raised an alarm.
    """
    if not subjects:
        return False
    rows = [
        {
            "at": reading.at, "account": reading.account, "reader": reading.account, "role": str(reading.role),
            "kind": subject.partition(":")[0], "subject": subject.partition(":")[2],
            "fields": sorted(reading.fields), "purpose": str(reading.purpose), "tie": str(tie),
            "case_file": reading.case_file, "route": reading.route, "request": reading.request,
        }
        for subject, tie in subjects.items()
    ]  # fmt: skip
    connection.execute(_RECORD, rows)
    return Tie.STRANGER in subjects.values() and _raise_alarm(connection, reading.account, reading.at)


def looks_at(
    connection: Connection, subjects: Collection[str], *, limit: int = 100, before: int | None = None
) -> list[Look]:
    """Who looked at somebody's data, newest first.

    Args:
        connection: row-level security shows a citizen their own rows alone; this asks for no others either.
        subjects: `kind:id`, of the session.
        limit: at most so many.
        before: go on after the look with this number.
    """
    columns = read_record.c
    found = connection.execute(
        select(
            columns.id, columns.at, columns.role, columns.office, columns.kind, columns.subject, columns.fields,
            columns.purpose, columns.tie, columns.case_file,
        )
        .where(_of_subjects(subjects), true() if before is None else columns.id < before)
        .order_by(columns.id.desc())
        .limit(limit)
    )  # fmt: skip
    return [
        Look(row.id, row.at, Role(row.role), row.office, f"{row.kind}:{row.subject}", tuple(row.fields),
             Purpose(row.purpose), Tie(row.tie), row.case_file)
        for row in found
    ]  # fmt: skip


def raise_alarms(connection: Connection, now: dt.datetime) -> list[str]:
    """Look at everybody who read strangers of late, for a regular run: two requests at once may each have seen half."""
    recent = (read_record.c.tie == str(Tie.STRANGER), read_record.c.at > now - ALARM_WINDOW, read_record.c.at <= now)
    accounts = connection.execute(select(read_record.c.account).where(*recent).distinct()).scalars().all()
    return [account for account in sorted(accounts) if _raise_alarm(connection, account, now)]


def _raise_alarm(connection: Connection, account: str, now: dt.datetime) -> bool:
    """One alarm for as long as it goes on: none was raised for the account within the window."""
    strangers = connection.execute(
        select(func.count(distinct(tuple_(read_record.c.kind, read_record.c.subject)))).where(
            read_record.c.account == account,
            read_record.c.tie == str(Tie.STRANGER),
            read_record.c.at > now - ALARM_WINDOW,
            read_record.c.at <= now,
        )
    ).scalar_one()
    if strangers <= MOST_STRANGERS:
        return False
    raised = select(read_alarm.c.id).where(read_alarm.c.account == account, read_alarm.c.raised_at > now - ALARM_WINDOW)
    if connection.execute(raised.limit(1)).first() is not None:
        return False
    connection.execute(insert(read_alarm).values(account=account, strangers=strangers, raised_at=now))
    return True


def _of_subjects(subjects: Collection[str]) -> ColumnElement[bool]:
    pairs = [tuple(subject.split(":", 1)) for subject in subjects]
    return tuple_(read_record.c.kind, read_record.c.subject).in_(pairs)
