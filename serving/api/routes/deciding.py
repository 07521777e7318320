"""Deciding a case: one's own view, then the engine's, then a decision, and the second person."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import text

from serving.access.actions import Action
from serving.access.roles import Role
from serving.api.case_files import READERS, as_read, case_numbered, sealing_for, shown
from serving.api.problems import ProblemError
from serving.api.revisions import IfMatch
from serving.api.routes.citizen_offers import Number
from serving.api.schemas.answers import Done, Wording
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
from serving.api.schemas.words import CaseDecisionsOut, DecisionWithWords
from serving.api.visits import IdempotencyKey, Told, Visit, Visiting, serve
from serving.casework import decisions, review
from serving.casework.cases import Case, read_case
from serving.casework.errors import NotAllowedError
from serving.casework.reasons import reasons

router = APIRouter(prefix="/cases", tags=["casework"])


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


@serve(router, "POST", "/{number}/view", Done, personal=True)
def record_view(visit: Visiting, number: Number, body: ViewIn, key: IdempotencyKey, if_match: IfMatch = None) -> Done:
    """Record what I think of the case, before the recommendation; it stays as it is."""
    case = case_numbered(visit, number)
    action = Action.CASE_APPROVE if case.state == "proposed" else Action.CASE_WORK
    case = as_read(visit, number, action, if_match)
    review.record_view(visit.connection, case, visit.actor.account, body.view, visit.now)
    return Done(done="view_recorded")


@serve(router, "GET", "/{number}/recommendation", RecommendationOut, personal=True)
def recommendation(visit: Visiting, number: Number) -> RecommendationOut:
    """What the engine would do, for whoever has recorded their own view; that it was looked at is noted."""
    case = shown(visit, number, Action.CASE_READ)
    found = review.show_recommendation(visit.connection, case, visit.actor.account, visit.now)
    return RecommendationOut(verdict=found.verdict, reasons=found.reasons)


@serve(router, "GET", "/{number}/similar", SimilarCasesOut, personal=True)
def similar(visit: Visiting, number: Number) -> SimilarCasesOut:
    """Similar cases that humans decided: three as the engine would have, three otherwise; nobody is named."""
    case = shown(visit, number, Action.CASE_READ)
    return review.show_part(
        visit.connection, case, visit.actor.account, "similar", visit.now, lambda: _similar(visit, case)
    )


@serve(router, "GET", "/{number}/contributions", ContributionsOut, personal=True)
def contributions(visit: Visiting, number: Number) -> ContributionsOut:
    """What the model that ordered the queue looked at; not why the law says so. Off until it is asked for."""
    case = shown(visit, number, Action.CASE_READ)
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
    case = as_read(visit, number, Action.CASE_DECIDE, if_match)
    judgement = decisions.Judgement(body.verdict, body.reason_code, body.words, body.clause, body.amount_minor)
    made = decisions.decide(
        visit.connection,
        case,
        visit.actor.account,
        judgement,
        sealing_for(visit, case).seal,
        visit.parts.clocks,
        visit.now,
    )
    return _decided(visit, made)


@serve(router, "GET", "/{number}/proposal", DecisionOut, personal=True)
def proposal(visit: Visiting, number: Number) -> Told:
    """What a colleague proposes: shown to whoever has recorded their own view."""
    case = shown(visit, number, Action.CASE_READ)
    return _decided(visit, decisions.proposal_of(visit.connection, case, visit.actor.account))


@serve(router, "POST", "/{number}/second", DecisionOut, personal=True)
def second(visit: Visiting, number: Number, body: SecondIn, key: IdempotencyKey, if_match: IfMatch = None) -> Told:
    """Agree to a colleague's proposal, which is then in force; or send it back with words."""
    case = as_read(visit, number, Action.CASE_APPROVE, if_match)
    of = decisions.proposal_of(visit.connection, case, visit.actor.account)
    if body.agree:
        return _decided(visit, decisions.agree_as_second(visit.connection, case, of, visit.actor.account, visit.now))
    seal = sealing_for(visit, case).seal
    words = body.words or ""
    done = decisions.return_to_author(visit.connection, case, of, visit.actor.account, words, seal, visit.now)
    return _decided(visit, done)


@serve(router, "GET", "/{number}/decisions", CaseDecisionsOut, personal=True)
def all_decisions(visit: Visiting, number: Number) -> CaseDecisionsOut:
    """What was decided and why, in the officers' words; what is only proposed for whoever recorded their own view."""
    case = shown(visit, number, Action.CASE_READ)
    if not visit.actor.roles & READERS:
        raise ProblemError(403, "not_for_your_role")
    found = decisions.decisions_of(visit.connection, case.id, visit.actor.account)
    return CaseDecisionsOut(decisions=[_explained(visit, case, one) for one in found])


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
        words = decisions.words_of(of, sealing_for(visit, case).unseal, may_read_restricted=may)
    except NotAllowedError:
        return DecisionWithWords(decision=decision_out(of), words=None, withheld=True)
    return DecisionWithWords(decision=decision_out(of), words=words)


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
