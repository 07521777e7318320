"""Queues: which cases an officer may take, in which order, and how old the oldest is."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select, text

from features.facts.areas import Areas
from serving.casework.cases import Case, case_of
from serving.casework.clocks import Kind
from serving.store.tables.casework import case_file

UNASSIGNED = "unassigned"
"""The district of whoever no register places: whoever looks after a whole city looks after them too."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Which cases stand before somebody.

    Attributes:
        districts: those, and no others.
        benefits: those; None: all, and cases that are about none.
        kinds: those; None: all.
        least_level: only what has been escalated so far.
    """

    districts: frozenset[str]
    benefits: frozenset[str] | None = None
    kinds: frozenset[Kind] | None = None
    least_level: int = 0

    def holds(self) -> ColumnElement[bool]:
        """As a condition on `case_file`."""
        conditions: list[ColumnElement[bool]] = [case_file.c.district.in_(sorted(self.districts))]
        if self.benefits is not None:
            conditions.append(case_file.c.benefit.in_(sorted(self.benefits)))
        if self.kinds is not None:
            conditions.append(case_file.c.kind.in_(sorted(self.kinds)))
        if self.least_level:
            conditions.append(case_file.c.escalation >= self.least_level)
        return and_(*conditions)


def desk_in(
    areas: Areas,
    district: str,
    benefits: frozenset[str] | None = None,
    kinds: frozenset[Kind] | None = None,
    least_level: int = 0,
) -> Desk:
    """The desk of somebody who is posted in a district: it and all that lies in it."""
    below = frozenset(areas.below(district)) | {district}
    area = areas.by_code.get(district)
    whole = area is not None and area.parent is None
    return Desk(below | {UNASSIGNED} if whole else below, benefits, kinds, least_level)


def in_order(query: Select[Any]) -> Select[Any]:
    """Need first, then the day it is due, then a model's priority: it can change an order and nothing else."""
    return query.order_by(
        case_file.c.hardship.desc(), case_file.c.due_at, case_file.c.priority.desc().nulls_last(), case_file.c.id
    )


def waiting(connection: Connection, desk: Desk, limit: int = 50, offset: int = 0) -> list[Case]:
    """What is not closed, in the order in which it is worked on; who has a case in hand stands on it."""
    query = select(case_file).where(desk.holds(), case_file.c.state != "closed")
    rows = connection.execute(in_order(query).limit(limit).offset(offset)).mappings()
    return [case_of(row) for row in rows]


def to_agree_to(connection: Connection, desk: Desk, officer: str, limit: int = 50) -> list[Case]:
    """What a second person is to agree to, case by case: never one's own proposals, nor one of many (`bulk`)."""
    others = text(
        "EXISTS (SELECT FROM decision d WHERE d.case_file = case_file.id AND d.state = 'proposed' "
        "AND d.officer <> :officer)"
    ).bindparams(officer=officer)
    query = select(case_file).where(desk.holds(), case_file.c.state == "proposed", others)
    return [case_of(row) for row in connection.execute(in_order(query).limit(limit)).mappings()]


@dataclass(frozen=True, slots=True)
class Oldest:
    """How old the work of a queue is: counts and moments, nothing about anybody."""

    kind: str
    district: str
    benefit: str | None
    escalation: int
    cases: int
    paused: int
    oldest_opened_at: dt.datetime
    earliest_due_at: dt.datetime | None


def oldest(connection: Connection) -> list[Oldest]:
    """Of each queue and level; an operator may ask this too."""
    rows = connection.execute(
        text("SELECT * FROM case_health ORDER BY oldest_opened_at, kind, district, benefit, escalation")
    ).mappings()
    return [Oldest(**row) for row in rows]


def overdue(connection: Connection, desk: Desk, at: dt.datetime) -> list[Case]:
    """监察: what is past its limit, or had to be escalated, the worst first."""
    late = and_(case_file.c.paused_at.is_(None), case_file.c.due_at < at)
    query = select(case_file).where(desk.holds(), case_file.c.state != "closed", or_(late, case_file.c.escalation > 0))
    rows = connection.execute(
        query.order_by(case_file.c.escalation.desc(), case_file.c.opened_at, case_file.c.id)
    ).mappings()
    return [case_of(row) for row in rows]
