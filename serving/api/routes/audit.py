"""Auditors: the ledger, who read whose data, what was decided. They change nothing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import select, text, true

from serving.access.actions import Action
from serving.access.actors import Target
from serving.api.case_files import case_for, subject_of
from serving.api.pages import CursorQuery, LimitQuery, cursor_of, read_cursor
from serving.api.routes.citizen_offers import Number
from serving.api.routes.deciding import decision_out
from serving.api.schemas.audit import CheckpointOut, LedgerEventOut, LedgerEventsOut, LedgerOut, ReadOut, ReadsOut
from serving.api.schemas.deciding import DecisionsOut
from serving.api.visits import Visiting, serve
from serving.casework import decisions
from serving.ledger.intents import is_behind
from serving.ledger.stored import all_checkpoints, size_of
from serving.store.tables.access import read_record

router = APIRouter(prefix="/audit", tags=["audit"])
_SHOWN = 20
SubjectQuery = Annotated[
    str,
    Query(
        pattern=r"^(person|household|enterprise):[^\x00-\x20]{1,100}$",
        description="Whose data, as `kind:id`.",
        examples=["person:p1"],
    ),
]


@serve(router, "GET", "/ledger", LedgerOut, personal=False)
def ledger(visit: Visiting) -> LedgerOut:
    """How much is sealed, and the last checkpoints with their signatures: whoever keeps copies can compare."""
    visit.allow(Action.LEDGER_READ)
    found = all_checkpoints(visit.connection)[-_SHOWN:][::-1]
    checkpoints = [
        CheckpointOut(origin=one.origin, size=one.size, root=one.root.hex(), at=one.at, signature=one.signature.hex())
        for one in found
    ]
    behind = is_behind(visit.connection, visit.now)
    return LedgerOut(size=size_of(visit.connection), behind=behind, checkpoints=checkpoints)


@serve(router, "GET", "/ledger/events", LedgerEventsOut, personal=False)
def events(visit: Visiting, limit: LimitQuery = 20, cursor: CursorQuery = None) -> LedgerEventsOut:
    """What was sealed, in order: what was done and by whom, not about whom."""
    visit.allow(Action.LEDGER_READ)
    place = read_cursor(cursor, int)
    rows = visit.connection.execute(_EVENTS, {"after": -1 if place is None else place[0], "limit": limit}).all()
    told = [
        LedgerEventOut(
            index=row.leaf, action=row.action, actor_kind=row.actor_kind,
            # A citizen's id is nobody's but theirs; an officer acts in public office.
            actor=row.actor if row.actor_kind in ("officer", "system") else row.actor_kind, at=row.at,
        )
        for row in rows
    ]  # fmt: skip
    return LedgerEventsOut(events=told, next=cursor_of(told[-1].index) if len(told) == limit else None)


@serve(router, "GET", "/reads", ReadsOut, personal=True)
def reads(visit: Visiting, subject: SubjectQuery, limit: LimitQuery = 20, cursor: CursorQuery = None) -> ReadsOut:
    """Who read somebody's data, newest first; this look is among them."""
    kind, _, name = subject.partition(":")
    district = visit.parts.knowledge.district_of(visit.connection, kind, name, visit.now)
    visit.allow(Action.READS_SEARCH, Target(subject=subject, district=district))
    visit.show(subject, ("reads",))
    place = read_cursor(cursor, int)
    of = read_record.c
    older = true() if place is None else of.id < place[0]
    query = select(read_record).where(of.kind == kind, of.subject == name, older).order_by(of.id.desc())
    rows = visit.connection.execute(query.limit(limit)).mappings().all()
    told = [
        ReadOut(
            at=row["at"], account=row["account"], role=row["role"], purpose=row["purpose"], tie=row["tie"],
            fields=row["fields"], case=row["case_file"], route=row["route"],
        )
        for row in rows
    ]  # fmt: skip
    return ReadsOut(reads=told, next=cursor_of(rows[-1]["id"]) if len(rows) == limit else None)


@serve(router, "GET", "/cases/{number}/decisions", DecisionsOut, personal=True)
def case_decisions(visit: Visiting, number: Number) -> DecisionsOut:
    """What was decided on a case, with codes and clauses; nobody's own words."""
    case = case_for(visit, number, Action.REPLAY_RUN)
    visit.show(subject_of(case), ("decisions",), case.id)
    found = decisions.decisions_of(visit.connection, number, visit.actor.account)
    return DecisionsOut(decisions=[decision_out(one) for one in found])


_EVENTS = text("""
    SELECT l.index AS leaf, i.action, i.actor_kind, i.actor, i.at
    FROM ledger_leaf l JOIN audit_intent i ON i.id = l.intent
    WHERE l.index > :after ORDER BY l.index LIMIT :limit
""")
