"""Caseworkers and supervisors: queues, one case from its facts to its decision, the second person, taking over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from sqlalchemy import select, text

from explain.audience import Audience
from explain.wording import Language
from serving.access.actions import Action
from serving.access.actors import EVERY_PROGRAMME, Target
from serving.access.roles import Role
from serving.api.own import entitlement_out, explained_out
from serving.api.pages import CursorQuery, LimitQuery, cursor_of, read_cursor
from serving.api.problems import ProblemError, change_out, not_found
from serving.api.revisions import IfMatch, require_revision
from serving.api.routes.citizen_answers import LanguageQuery
from serving.api.routes.citizen_offers import Number
from serving.api.schemas.answers import Done, Wording
from serving.api.schemas.cases import CaseLine, CaseOut, CaseState, ClaimedOut, EventOut, PauseIn, QueueOut, TakeOverIn
from serving.api.schemas.deciding import (
    ContributionsOut,
    DecideIn,
    DecisionOut,
    ReasonOut,
    ReasonsOut,
    RecommendationOut,
    SecondIn,
    SimilarCasesOut,
    SimilarOut,
    ViewIn,
)
from serving.api.schemas.words import CaseDecisionsOut, DecisionWithWords, NoteIn, NoteMade, NoteOut, NotesOut
from serving.api.visits import IdempotencyKey, Told, Visit, Visiting, serve
from serving.api.words import Sealing
from serving.casework import decisions, leases, notes, queues, review
from serving.casework.cases import Case, changes_since, read_case
from serving.casework.errors import NotAllowedError, NotFoundError
from serving.casework.moves import read_entitlement
from serving.casework.queues import Desk, desk_in
from serving.casework.reasons import reasons
from serving.casework.states import Actor
from serving.store.tables.access import staff_account
from serving.store.tables.casework import case_event

router = APIRouter(prefix="/cases", tags=["casework"])
FACTS: Final = ("case", "explanation", "entitlement", "history")
_QUEUES: Final = "`waiting`: to be taken; `second`: to be agreed to; `escalated`: past its limit."
_MOST_OFFSET = 10_000
_READERS = {Role.CASEWORKER, Role.SUPERVISOR}


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


@serve(router, "GET", "/reasons", ReasonsOut, personal=False)
def reason_codes(visit: Visiting) -> ReasonsOut:
    """The codes for deciding otherwise than recommended, and what each asks for."""
    visit.allow(Action.CATALOGUE_READ)
    return ReasonsOut(
        reasons=[
            ReasonOut(
                code=one.code,
                name=Wording(zh=one.names.zh, en=one.names.en),
                needs_clause=one.needs_clause,
                least_characters=one.least_characters,
            )
            for one in reasons().values()
        ]
    )


@serve(router, "GET", "/{number}", CaseOut, personal=True)
def one_case(visit: Visiting, number: Number, lang: LanguageQuery = Language.ZH) -> Told:
    """A case: facts, sources and law. What the engine would do is not in it: first comes one's own view."""
    case = case_for(visit, number, Action.CASE_READ)
    visit.show(subject_of(case), FACTS, case.id)
    rulebook = visit.parts.knowledge.rulebook(visit.connection, visit.now)
    explained = None
    if case.benefit in rulebook.benefits and rulebook.benefits[case.benefit].benefit.subject == case.subject_kind:
        explained = visit.parts.knowledge.explained(visit.connection, case.benefit, case.subject, visit.now)
    audience = Audience.AUDITOR if Role.AUDITOR in visit.actor.roles else Audience.CASEWORKER
    shown = None if explained is None else explained_out(explained, audience, lang, "")
    of = None if case.entitlement is None else read_entitlement(visit.connection, case.entitlement)
    body = CaseOut.model_construct(
        case=case.id, kind=case.kind, subject=subject_of(case), benefit=case.benefit, district=case.district,
        state=case.state, why=case.why, due_at=case.due_at, paused=case.paused_at is not None, hardship=case.hardship,
        escalation=case.escalation, lease_holder=case.lease_holder, lease_until=case.lease_until,
        revision=case.revision, entitlement=None if of is None else entitlement_out(of, rulebook),
        heading=None if shown is None else shown.heading, sections=[] if shown is None else shown.sections,
        history=_history(visit, case.id), banners=[],
        own_view_recorded=review.has_view(visit.connection, case.id, visit.actor.account),
    )  # fmt: skip
    return Told(body, case.revision)


@serve(router, "POST", "/{number}/claim", CaseState, personal=True)
def claim(visit: Visiting, number: Number, key: IdempotencyKey, if_match: IfMatch = None) -> Told:
    """Take a case in hand for a quarter of an hour; whatever one does with it begins that anew."""
    case = _as_read(visit, number, Action.CASE_CLAIM, if_match)
    return _state(leases.claim(visit.connection, case, visit.actor.account, visit.now))


@serve(router, "POST", "/{number}/renew", CaseState, personal=True)
def renew(visit: Visiting, number: Number, key: IdempotencyKey) -> Told:
    """Keep a case in hand for another quarter of an hour."""
    _shown(visit, number, Action.CASE_WORK)
    return _state(leases.renew(visit.connection, number, visit.actor.account, visit.now))


@serve(router, "POST", "/{number}/release", CaseState, personal=True)
def release(visit: Visiting, number: Number, key: IdempotencyKey, if_match: IfMatch = None) -> Told:
    """Put a case back into its queue."""
    case = _as_read(visit, number, Action.CASE_WORK, if_match)
    return _state(leases.release(visit.connection, case, visit.actor.account, visit.now))


@serve(router, "POST", "/{number}/take-over", CaseState, personal=True)
def take_over(visit: Visiting, number: Number, body: TakeOverIn, key: IdempotencyKey, if_match: IfMatch = None) -> Told:
    """Take a case out of somebody's hands, into one's own or another officer's; the former holder is told."""
    case = _as_read(visit, number, Action.CASE_TAKE_OVER, if_match)
    if body.to is not None and not _is_caseworker(visit, body.to):
        raise ProblemError(422, "invalid", more={"errors": [{"at": "body.to", "why": "no_caseworker"}]})
    return _state(leases.take_over(visit.connection, case, visit.actor.account, visit.now, body.to))


@serve(router, "POST", "/{number}/pause", CaseState, personal=True)
def pause(visit: Visiting, number: Number, body: PauseIn, key: IdempotencyKey, if_match: IfMatch = None) -> Told:
    """Stop the clock of a case, for one of the reasons there are."""
    case = _as_read(visit, number, Action.CASE_WORK, if_match)
    return _state(leases.pause(visit.connection, case, body.code, visit.actor.account, visit.now, visit.parts.clocks))


@serve(router, "POST", "/{number}/resume", CaseState, personal=True)
def resume(visit: Visiting, number: Number, key: IdempotencyKey, if_match: IfMatch = None) -> Told:
    """Let the clock of a case go on."""
    case = _as_read(visit, number, Action.CASE_WORK, if_match)
    by = (Actor.OFFICER, visit.actor.account)
    return _state(leases.resume(visit.connection, case, by, visit.now, visit.parts.clocks))


@serve(router, "POST", "/{number}/view", Done, personal=True)
def record_view(visit: Visiting, number: Number, body: ViewIn, key: IdempotencyKey, if_match: IfMatch = None) -> Done:
    """Record what I think of the case, before the recommendation; it stays as it is."""
    case = _read_case(visit, number)
    action = Action.CASE_APPROVE if case.state == "proposed" else Action.CASE_WORK
    case = _as_read(visit, number, action, if_match)
    review.record_view(visit.connection, case, visit.actor.account, body.view, visit.now)
    return Done(done="view_recorded")


@serve(router, "GET", "/{number}/recommendation", RecommendationOut, personal=True)
def recommendation(visit: Visiting, number: Number) -> RecommendationOut:
    """What the engine would do, for whoever has recorded their own view; that it was looked at is noted."""
    case = _shown(visit, number, Action.CASE_READ)
    found = review.show_recommendation(visit.connection, case, visit.actor.account, visit.now)
    return RecommendationOut(verdict=found.verdict, reasons=found.reasons)


@serve(router, "GET", "/{number}/similar", SimilarCasesOut, personal=True)
def similar(visit: Visiting, number: Number) -> SimilarCasesOut:
    """Similar cases that humans decided: three as the engine would have, three otherwise; nobody is named."""
    case = _shown(visit, number, Action.CASE_READ)
    return review.show_part(
        visit.connection, case, visit.actor.account, "similar", visit.now, lambda: _similar(visit, case)
    )


@serve(router, "GET", "/{number}/contributions", ContributionsOut, personal=True)
def contributions(visit: Visiting, number: Number) -> ContributionsOut:
    """What the model that ordered the queue looked at; not why the law says so. Off until it is asked for."""
    case = _shown(visit, number, Action.CASE_READ)
    find = visit.parts.contributions

    def found() -> ContributionsOut:
        told = None if find is None else find(visit.connection, case)
        if told is None:
            raise ProblemError(404, "no_model", "No model had a part in this case.")
        return told

    return review.show_part(visit.connection, case, visit.actor.account, "contributions", visit.now, found)


@serve(router, "POST", "/{number}/decision", DecisionOut, personal=True)
def decide(visit: Visiting, number: Number, body: DecideIn, key: IdempotencyKey, if_match: IfMatch = None) -> Told:
    """Decide a case: in force at once, or once a second person agrees (above a cap, and to take anything away)."""
    case = _as_read(visit, number, Action.CASE_DECIDE, if_match)
    judgement = decisions.Judgement(body.verdict, body.reason_code, body.words, body.clause, body.amount_minor)
    made = decisions.decide(
        visit.connection,
        case,
        visit.actor.account,
        judgement,
        _sealing(visit, case).seal,
        visit.parts.clocks,
        visit.now,
    )
    return _decided(visit, made)


@serve(router, "GET", "/{number}/proposal", DecisionOut, personal=True)
def proposal(visit: Visiting, number: Number) -> Told:
    """What a colleague proposes: shown to whoever has recorded their own view."""
    case = _shown(visit, number, Action.CASE_READ)
    return _decided(visit, decisions.proposal_of(visit.connection, case, visit.actor.account))


@serve(router, "POST", "/{number}/second", DecisionOut, personal=True)
def second(visit: Visiting, number: Number, body: SecondIn, key: IdempotencyKey, if_match: IfMatch = None) -> Told:
    """Agree to a colleague's proposal, which is then in force; or send it back with words."""
    case = _as_read(visit, number, Action.CASE_APPROVE, if_match)
    of = decisions.proposal_of(visit.connection, case, visit.actor.account)
    if body.agree:
        return _decided(visit, decisions.agree_as_second(visit.connection, case, of, visit.actor.account, visit.now))
    seal = _sealing(visit, case).seal
    words = body.words or ""
    done = decisions.return_to_author(visit.connection, case, of, visit.actor.account, words, seal, visit.now)
    return _decided(visit, done)


@serve(router, "GET", "/{number}/notes", NotesOut, personal=True)
def all_notes(visit: Visiting, number: Number) -> NotesOut:
    """Everything that was written on a case."""
    case = _shown(visit, number, Action.CASE_READ)
    if not visit.actor.roles & _READERS:
        raise ProblemError(403, "not_for_your_role")
    found = notes.notes_of(visit.connection, case.id, _sealing(visit, case).unseal)
    return NotesOut(notes=[NoteOut(author=one.author, by=one.by, at=one.at, words=one.text) for one in found])


@serve(router, "GET", "/{number}/decisions", CaseDecisionsOut, personal=True)
def all_decisions(visit: Visiting, number: Number) -> CaseDecisionsOut:
    """What was decided and why, in the officers' words; what is only proposed for whoever recorded their own view."""
    case = _shown(visit, number, Action.CASE_READ)
    if not visit.actor.roles & _READERS:
        raise ProblemError(403, "not_for_your_role")
    found = decisions.decisions_of(visit.connection, case.id, visit.actor.account)
    return CaseDecisionsOut(decisions=[_explained(visit, case, one) for one in found])


@serve(router, "POST", "/{number}/notes", NoteMade, personal=True)
def add_note(visit: Visiting, number: Number, body: NoteIn, key: IdempotencyKey) -> NoteMade:
    """Write on a case: two who write at once both have written."""
    case = _shown(visit, number, Action.CASE_WORK)
    seal = _sealing(visit, case).seal
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


def _read_case(visit: Visit, number: int) -> Case:
    try:
        return read_case(visit.connection, number)
    except NotFoundError:
        raise not_found() from None


def case_for(visit: Visit, number: int, action: Action) -> Case:
    """A case that somebody may do something with.

    Raises:
        ProblemError: 404, there is none for them; 403, not as it stands.
    """
    if not visit.actor.is_staff:
        raise ProblemError(403, "not_for_your_role")
    case = _read_case(visit, number)
    hands: frozenset[str] = frozenset()
    if action is Action.CASE_APPROVE:
        proposed = decisions.decisions_of(visit.connection, number, visit.actor.account)
        row = visit.connection.execute(_PROPOSER, {"number": number}).scalar_one_or_none()
        hands = frozenset(one.officer for one in proposed if one.state == "proposed") | ({row} if row else set())
    visit.allow(action, target_of(case, hands))
    return case


_PROPOSER = text("SELECT officer FROM decision WHERE case_file = :number AND state = 'proposed'")


def target_of(case: Case, hands: frozenset[str] = frozenset()) -> Target:
    """A case, as the gate sees it."""
    return Target(
        subject=subject_of(case), district=case.district, programme=case.benefit, is_open=case.state != "closed",
        lease_holder=case.lease_holder, lease_until=case.lease_until, hands=hands,
    )  # fmt: skip


def subject_of(case: Case) -> str:
    """Whose a case is."""
    return f"{case.subject_kind}:{case.subject}"


def _shown(visit: Visit, number: int, action: Action) -> Case:
    case = case_for(visit, number, action)
    visit.show(subject_of(case), ("case",), case.id)
    return case


def _as_read(visit: Visit, number: int, action: Action, if_match: str | None) -> Case:
    case = _shown(visit, number, action)
    require_revision(if_match, case.revision, _changes(visit, number))
    return case


def _changes(visit: Visit, number: int) -> Callable[[int], list[dict[str, Any]]]:
    return lambda since: [change_out(one) for one in changes_since(visit.connection, number, since)]


def _state(case: Case) -> Told:
    body = CaseState(
        case=case.id, state=case.state, revision=case.revision, lease_holder=case.lease_holder,
        lease_until=case.lease_until, due_at=case.due_at,
    )  # fmt: skip
    return Told(body, case.revision)


def _decided(visit: Visit, of: decisions.Decision) -> Told:
    case = read_case(visit.connection, of.case)
    return Told(decision_out(of, case.revision), case.revision)


def decision_out(of: decisions.Decision, revision: int | None = None) -> DecisionOut:
    """A decision, without anybody's words."""
    return DecisionOut(
        decision=of.id, case=of.case, officer=of.officer, verdict=of.verdict, overrides=of.overrides,
        reason_code=of.reason_code, clause=of.clause, amount_minor=of.amount_minor, needs_second=of.needs_second,
        state=of.state, second=of.second, revision=revision,
    )  # fmt: skip


def _explained(visit: Visit, case: Case, of: decisions.Decision) -> DecisionWithWords:
    """A decision with its words. Those that protect somebody: for its two people, who may sign it, and supervisors."""
    may = visit.actor.account in (of.officer, of.second) or Role.SUPERVISOR in visit.actor.roles
    may = may or of.state == "proposed"
    try:
        words = decisions.words_of(of, _sealing(visit, case).unseal, may_read_restricted=may)
    except NotAllowedError:
        return DecisionWithWords(decision=decision_out(of), words=None, withheld=True)
    return DecisionWithWords(decision=decision_out(of), words=words)


def _history(visit: Visit, number: int) -> list[EventOut]:
    columns = (case_event.c.at, case_event.c.action, case_event.c.actor)
    rows = visit.connection.execute(select(*columns).where(case_event.c.case_file == number).order_by(case_event.c.id))
    return [EventOut.model_construct(at=row.at, action=row.action, actor=row.actor) for row in rows]


def _sealing(visit: Visit, case: Case) -> Sealing:
    return Sealing(visit.parts.cipher, visit.connection, subject_of(case))


def _is_caseworker(visit: Visit, account: str) -> bool:
    where = (staff_account.c.id == account, staff_account.c.state == "active")
    found = visit.connection.execute(select(staff_account.c.roles).where(*where)).scalar_one_or_none()
    return found is not None and bool(set(found) & {role.value for role in _READERS})


def _similar(visit: Visit, case: Case) -> SimilarCasesOut:
    codes = [str(one.get("code")) for one in case.why]
    rows = visit.connection.execute(_SIMILAR, {"benefit": case.benefit, "case": case.id, "codes": codes}).all()
    found = {
        overrides: [
            SimilarOut(month=row.month, verdict=row.verdict, reason_code=row.reason_code, same_reasons=row.same)
            for row in rows
            if row.overrides is overrides
        ][:3]
        for overrides in (False, True)
    }
    return SimilarCasesOut(alike=found[False], otherwise=found[True])


_SIMILAR = text("""
    SELECT d.verdict, d.overrides, d.reason_code, to_char(d.settled_at, 'YYYY-MM') AS month,
           (SELECT count(DISTINCT w ->> 'code') FROM jsonb_array_elements(c.why) w
            WHERE w ->> 'code' = ANY(:codes)) AS same
    FROM decision d JOIN case_file c ON c.id = d.case_file
    WHERE c.benefit = :benefit AND c.id <> :case AND d.state = 'in_force' AND d.bulk_act IS NULL
    ORDER BY same DESC, d.settled_at DESC LIMIT 200
""")
