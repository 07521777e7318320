"""Caseworkers: their queues, and one case from its facts to its notes."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from sqlalchemy import select

from explain.audience import Audience
from explain.wording import Language
from serving.access.actions import Action
from serving.access.actors import EVERY_PROGRAMME, Target
from serving.access.roles import Role
from serving.api.case_files import READERS, as_read, case_for, sealing_for, shown, state_of, subject_of, target_of
from serving.api.own import entitlement_out, explained_out
from serving.api.pages import CursorQuery, LimitQuery, cursor_of, read_cursor
from serving.api.problems import ProblemError
from serving.api.revisions import IfMatch
from serving.api.routes.citizen_answers import LanguageQuery
from serving.api.routes.citizen_offers import Number
from serving.api.schemas.cases import CaseLine, CaseOut, CaseState, ClaimedOut, EventOut, PauseIn, QueueOut
from serving.api.schemas.words import NoteIn, NoteMade, NoteOut, NotesOut
from serving.api.visits import IdempotencyKey, Told, Visit, Visiting, serve
from serving.casework import leases, notes, queues, review
from serving.casework.cases import Case
from serving.casework.moves import read_entitlement
from serving.casework.queues import Desk, desk_in
from serving.casework.states import Actor
from serving.store.tables.casework import case_event

router = APIRouter(prefix="/cases", tags=["casework"])
FACTS: Final = ("case", "explanation", "entitlement", "history")
_QUEUES: Final = "`waiting`: to be taken; `second`: to be agreed to; `escalated`: past its limit."
_MOST_OFFSET = 10_000


@serve(router, "GET", "", QueueOut, personal=False)
def queue(
    visit: Visiting,
    which: Annotated[str, Query(pattern="^(waiting|second|escalated)$", description=_QUEUES)] = "waiting",
    limit: LimitQuery = 20,
    cursor: CursorQuery = None,
) -> QueueOut:
    """Cases of my work, in the order in which they are worked on; whose they are is told when one is opened."""
    place = read_cursor(cursor, int)
    offset = 0 if place is None else min(max(int(place[0]), 0), _MOST_OFFSET)
    found: dict[int, Case] = {}
    for desk in desks(visit):
        for case in _waiting(visit, desk, which, offset + limit + 1):
            found.setdefault(case.id, case)
    ordered = sorted(found.values(), key=lambda one: (not one.hardship, one.due_at, -(one.priority or 0.0), one.id))
    shown = ordered[offset : offset + limit]
    more = cursor_of(offset + limit) if len(ordered) > offset + limit else None
    return QueueOut(cases=[_line(visit, one) for one in shown], next=more)


@serve(router, "POST", "/next", ClaimedOut, personal=False)
def claim_next(visit: Visiting, key: IdempotencyKey) -> ClaimedOut:
    """Take the first case that nobody has in hand; two who ask at once get two cases."""
    if Role.CASEWORKER not in visit.actor.roles:
        raise ProblemError(403, "not_for_your_role")
    for desk in desks(visit):
        found = leases.claim_next(visit.connection, desk, visit.actor.account, visit.now)
        if found is not None:
            visit.allow(Action.CASE_CLAIM, target_of(found))
            return ClaimedOut(case=found.id, revision=found.revision)
    return ClaimedOut(case=None)


@serve(router, "GET", "/{number}", CaseOut, personal=True)
def one_case(visit: Visiting, number: Number, lang: LanguageQuery = Language.ZH) -> Told:
    """A case: facts, sources and law. What the engine would do is not in it: first comes one's own view."""
    case = case_for(visit, number, Action.CASE_READ)
    return case_told(visit, case, lang)


def case_told(visit: Visit, case: Case, lang: Language) -> Told:
    """The whole of a case for somebody whom the gate let: whoever opens it is noted as having seen it."""
    visit.show(subject_of(case), FACTS, case.id)
    rulebook = visit.parts.knowledge.rulebook(visit.connection, visit.now)
    explained = None
    if case.benefit in rulebook.benefits and rulebook.benefits[case.benefit].benefit.subject == case.subject_kind:
        explained = visit.parts.knowledge.explained(visit.connection, case.benefit, case.subject, visit.now)
    audience = Audience.AUDITOR if Role.AUDITOR in visit.actor.roles else Audience.CASEWORKER
    page = None if explained is None else explained_out(explained, audience, lang, "")
    of = None if case.entitlement is None else read_entitlement(visit.connection, case.entitlement)
    body = CaseOut.model_construct(
        case=case.id, kind=case.kind, subject=subject_of(case), benefit=case.benefit, district=case.district,
        state=case.state, why=case.why, due_at=case.due_at, paused=case.paused_at is not None, hardship=case.hardship,
        escalation=case.escalation, lease_holder=case.lease_holder, lease_until=case.lease_until,
        revision=case.revision, entitlement=None if of is None else entitlement_out(of, rulebook),
        heading=None if page is None else page.heading, sections=[] if page is None else page.sections,
        history=_history(visit, case.id), banners=[],
        own_view_recorded=review.has_view(visit.connection, case.id, visit.actor.account),
    )  # fmt: skip
    return Told(body, case.revision)


@serve(router, "POST", "/{number}/claim", CaseState, personal=True)
def claim(visit: Visiting, number: Number, key: IdempotencyKey, if_match: IfMatch = None) -> Told:
    """Take a case in hand for a quarter of an hour; whatever one does with it begins that anew."""
    case = as_read(visit, number, Action.CASE_CLAIM, if_match)
    return state_of(leases.claim(visit.connection, case, visit.actor.account, visit.now))


@serve(router, "POST", "/{number}/renew", CaseState, personal=True)
def renew(visit: Visiting, number: Number, key: IdempotencyKey) -> Told:
    """Keep a case in hand for another quarter of an hour."""
    shown(visit, number, Action.CASE_WORK)
    return state_of(leases.renew(visit.connection, number, visit.actor.account, visit.now))


@serve(router, "POST", "/{number}/release", CaseState, personal=True)
def release(visit: Visiting, number: Number, key: IdempotencyKey, if_match: IfMatch = None) -> Told:
    """Put a case back into its queue."""
    case = as_read(visit, number, Action.CASE_WORK, if_match)
    return state_of(leases.release(visit.connection, case, visit.actor.account, visit.now))


@serve(router, "POST", "/{number}/pause", CaseState, personal=True)
def pause(visit: Visiting, number: Number, body: PauseIn, key: IdempotencyKey, if_match: IfMatch = None) -> Told:
    """Stop the clock of a case, for one of the reasons there are."""
    case = as_read(visit, number, Action.CASE_WORK, if_match)
    return state_of(leases.pause(visit.connection, case, body.code, visit.actor.account, visit.now, visit.parts.clocks))


@serve(router, "POST", "/{number}/resume", CaseState, personal=True)
def resume(visit: Visiting, number: Number, key: IdempotencyKey, if_match: IfMatch = None) -> Told:
    """Let the clock of a case go on."""
    case = as_read(visit, number, Action.CASE_WORK, if_match)
    by = (Actor.OFFICER, visit.actor.account)
    return state_of(leases.resume(visit.connection, case, by, visit.now, visit.parts.clocks))


@serve(router, "GET", "/{number}/notes", NotesOut, personal=True)
def all_notes(visit: Visiting, number: Number) -> NotesOut:
    """Everything that was written on a case."""
    case = shown(visit, number, Action.CASE_READ)
    if not visit.actor.roles & READERS:
        raise ProblemError(403, "not_for_your_role")
    found = notes.notes_of(visit.connection, case.id, sealing_for(visit, case).unseal)
    return NotesOut(notes=[NoteOut(author=one.author, by=one.by, at=one.at, words=one.text) for one in found])


@serve(router, "POST", "/{number}/notes", NoteMade, personal=True)
def add_note(visit: Visiting, number: Number, body: NoteIn, key: IdempotencyKey) -> NoteMade:
    """Write on a case: two who write at once both have written."""
    case = shown(visit, number, Action.CASE_WORK)
    seal = sealing_for(visit, case).seal
    return NoteMade(note=notes.add_note(visit.connection, case.id, visit.actor.account, body.words, seal, visit.now))


def desks(visit: Visit) -> list[Desk]:
    """The queues that somebody may look at: of a caseworker those of their assignments, of a supervisor all there.

    Raises:
        ProblemError: 403, none.
    """
    areas = visit.parts.gate.areas
    found: list[Desk] = []
    if Role.CASEWORKER in visit.actor.roles:
        for work in sorted(visit.actor.assignments, key=lambda one: (one.district, one.programme)):
            if visit.may(Action.QUEUE_READ, Target(district=work.district, programme=work.programme)):
                visit.allow(Action.QUEUE_READ, Target(district=work.district, programme=work.programme))
                found.append(desk_in(areas, work.district, _benefits({work.programme})))
    if Role.SUPERVISOR in visit.actor.roles and visit.actor.district is not None:
        for programme in sorted(visit.actor.programmes):
            target = Target(district=visit.actor.district, programme=programme)
            if visit.may(Action.QUEUE_READ, target):
                visit.allow(Action.QUEUE_READ, target)
                found.append(desk_in(areas, visit.actor.district, _benefits({programme})))
    if not found:
        raise ProblemError(403, "not_allowed", more={"reason": "assigned"})
    return found


def _benefits(programmes: set[str]) -> frozenset[str] | None:
    return None if EVERY_PROGRAMME in programmes else frozenset(programmes)


def _waiting(visit: Visit, desk: Desk, which: str, limit: int) -> list[Case]:
    if which == "second":
        return queues.to_agree_to(visit.connection, desk, visit.actor.account, limit)
    if which == "escalated":
        return queues.overdue(visit.connection, desk, visit.now)[:limit]
    return queues.waiting(visit.connection, desk, limit)


def _line(visit: Visit, case: Case) -> CaseLine:
    hand = (
        "nobody" if not case.is_in_hand(visit.now) else "you" if case.lease_holder == visit.actor.account else "another"
    )
    return CaseLine.model_construct(
        case=case.id, kind=case.kind, benefit=case.benefit, district=case.district, state=case.state,
        opened_at=case.opened_at, due_at=case.due_at, paused=case.paused_at is not None, hardship=case.hardship,
        escalation=case.escalation, in_hand=hand, revision=case.revision,
    )  # fmt: skip


def _history(visit: Visit, number: int) -> list[EventOut]:
    columns = (case_event.c.at, case_event.c.action, case_event.c.actor)
    rows = visit.connection.execute(select(*columns).where(case_event.c.case_file == number).order_by(case_event.c.id))
    return [EventOut.model_construct(at=row.at, action=row.action, actor=row.actor) for row in rows]
