"""Acts on many cases: seen, proposed, opened one by one where drawn, agreed to by another, undone; never to take away.

Whoever reads an act is its author, or may be the second to it: for each of its cases. Where one of them is not for them
there is no such act for them: a colleague's verdict is not seen before one's own view (review.md).
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Query

from explain.wording import Language
from serving.access.actions import Action
from serving.api.bulk_pictures import bulk_out, preview_out, state_out
from serving.api.case_files import READERS, case_for, subject_of, target_of
from serving.api.problems import ProblemError, not_found
from serving.api.routes.cases import case_told, desks
from serving.api.routes.citizen_answers import LanguageQuery
from serving.api.routes.citizen_offers import Number
from serving.api.schemas.bulk import (
    AgreeIn,
    BulkActsOut,
    BulkOut,
    BulkState,
    CaseNumber,
    ForMany,
    PreviewOut,
    ProposeIn,
)
from serving.api.schemas.cases import CaseOut
from serving.api.visits import IdempotencyKey, Told, Visit, Visiting, serve
from serving.casework import bulk
from serving.casework.bulk_acts import Bulk, live_acts, look_again, read_bulk
from serving.casework.bulk_preview import MOST_CASES, preview
from serving.casework.cases import Case, cases_numbered, check_revision
from serving.casework.errors import NotFoundError
from serving.casework.review import Verdict

router = APIRouter(prefix="/bulk-acts", tags=["casework"])
FIELDS: Final = ("case", "benefit", "period", "amount")
VerdictQuery = Annotated[ForMany, Query(description="Of all of them: nothing is taken away from many at once.")]
CasesQuery = Annotated[
    list[CaseNumber],
    Query(alias="case", min_length=1, max_length=MOST_CASES, description="Their numbers; 200 at most."),
]
WhichQuery = Annotated[
    str,
    Query(
        pattern="^(waiting|all)$",
        description="`waiting`: for me, to open what was drawn or to agree; `all`: also for others or for time.",
    ),
]
_CHANGED: Final = "What was seen is no longer so: look at it again, then do it if it is still right."
_DRAW: Final = random.SystemRandom()


@serve(router, "GET", "", BulkActsOut, personal=False)
def acts(visit: Visiting, which: WhichQuery = "waiting") -> BulkActsOut:
    """Acts that are not settled: those that wait for me, or all that I may see; nobody's data."""
    me = visit.actor.account
    found = live_acts(visit.connection, me, desks(visit))
    cases = {case.id: case for case in cases_numbered(visit.connection, [one for act in found for one in act.cases])}
    return BulkActsOut(
        acts=[
            state_out(act)
            for act in found
            if (which == "all" or _waits_for(act, me)) and _may(visit, act, [cases[one] for one in act.cases])
        ]
    )


@serve(router, "GET", "/preview", PreviewOut, personal=True)
def look(visit: Visiting, verdict: VerdictQuery, case: CasesQuery) -> PreviewOut:
    """What an act on some cases would do: totals, outliers, and who is left out and why. Nothing is done."""
    found = _cases_for(visit, case)
    if not found:
        raise not_found()
    for one in found:
        visit.allow(Action.CASE_BULK, target_of(one))
        visit.show(subject_of(one), FIELDS)
    numbers = [one.id for one in found]
    return preview_out(preview(visit.connection, numbers, Verdict(verdict), visit.now), set(case) - set(numbers))


@serve(router, "POST", "", BulkState, personal=False, status=201)
def propose(visit: Visiting, body: ProposeIn, key: IdempotencyKey) -> BulkState:
    """Propose an act on the cases of a preview, as they were seen; if anything is otherwise by now, nothing is done."""
    said = {one.case: one.revision for one in body.cases}
    found = _cases_for(visit, said)
    if len(found) != len(said):
        raise not_found()
    for one in found:
        visit.allow(Action.CASE_BULK, target_of(one))
    if len(said) != len(body.cases):
        raise _invalid("body.cases", "named_twice")
    _check_size(body.size, len(said))
    for one in found:
        check_revision(visit.connection, replace(one, revision=said[one.id]))
    seen = preview(visit.connection, list(said), Verdict(body.verdict), visit.now)
    if seen.left_out or seen.fingerprint != body.seen:
        raise ProblemError(409, "changed_since", _CHANGED)
    return state_out(bulk.propose_bulk(visit.connection, seen, visit.actor.account, _DRAW, visit.now))


@serve(router, "GET", "/{number}", BulkOut, personal=True)
def one_act(visit: Visiting, number: Number) -> BulkOut:
    """One act; while it can still be agreed to or undone, with its cases as they stand now."""
    act, cases = _act(visit, number)
    if not act.is_live:
        visit.nothing_there()
        return bulk_out(act, None)
    for case in cases:
        visit.allow(_action(visit, act), target_of(case, _hands(visit, act)))
        visit.show(subject_of(case), FIELDS)
    return bulk_out(act, look_again(visit.connection, act))


@serve(router, "POST", "/{number}/cases/{case}/open", CaseOut, personal=True)
def open_one(
    visit: Visiting, number: Number, case: Number, key: IdempotencyKey, lang: LanguageQuery = Language.ZH
) -> Told:
    """Open a case of my act by itself: all of it is shown, and that I saw it is noted."""
    act, _ = _act(visit, number)
    if act.officer != visit.actor.account:
        raise ProblemError(403, "not_the_author", "Whoever proposes opens what was drawn.")
    if case not in act.cases:
        raise not_found()
    case_for(visit, case, Action.CASE_READ)
    return case_told(visit, bulk.open_singly(visit.connection, act, case, act.officer, visit.now), lang)


@serve(router, "POST", "/{number}/agree", BulkState, personal=False)
def agree(visit: Visiting, number: Number, body: AgreeIn, key: IdempotencyKey) -> BulkState:
    """Agree to a colleague's act as I saw it: half an hour later it is carried out."""
    act, _ = _act(visit, number)
    if act.officer == visit.actor.account:
        raise ProblemError(403, "another_person", "Whoever proposes does not agree to it: ask a colleague.")
    _check_size(body.size, act.size)
    if act.unopened:
        raise ProblemError(409, "not_opened", "Its author has not yet opened every case that was drawn.")
    if look_again(visit.connection, act).fingerprint != body.seen:
        raise ProblemError(409, "changed_since", _CHANGED)
    return state_out(bulk.agree_to_bulk(visit.connection, act, visit.actor.account, visit.now))


@serve(router, "POST", "/{number}/return", BulkState, personal=False)
def send_back(visit: Visiting, number: Number, key: IdempotencyKey) -> BulkState:
    """Say no to a colleague's act, or take mine back: its cases are open again."""
    act, _ = _act(visit, number)
    return state_out(bulk.return_bulk(visit.connection, act, visit.actor.account, visit.now))


@serve(router, "POST", "/{number}/undo", BulkState, personal=False)
def undo(visit: Visiting, number: Number, key: IdempotencyKey) -> BulkState:
    """Undo an act within half an hour of the agreement: its cases are open again, and nothing was delivered."""
    act, _ = _act(visit, number)
    return state_out(bulk.undo_bulk(visit.connection, act, visit.actor.account, visit.now))


def _cases_for(visit: Visit, numbers: Iterable[int]) -> list[Case]:
    """Those of some cases that somebody may open, and put into an act."""
    _check_role(visit)
    return [
        case
        for case in cases_numbered(visit.connection, set(numbers))
        if visit.may(Action.CASE_READ, target_of(case)) and visit.may(Action.CASE_BULK, target_of(case))
    ]


def _act(visit: Visit, number: int) -> tuple[Bulk, list[Case]]:
    """An act with its cases, for its author or whoever may be the second to it."""
    _check_role(visit)
    try:
        act = read_bulk(visit.connection, number)
    except NotFoundError:
        raise not_found() from None
    cases = cases_numbered(visit.connection, act.cases)
    if not _may(visit, act, cases):
        raise not_found()
    visit.allow(_action(visit, act), target_of(cases[0], _hands(visit, act)))
    return act, cases


def _may(visit: Visit, act: Bulk, cases: Iterable[Case]) -> bool:
    return all(visit.may(_action(visit, act), target_of(case, _hands(visit, act))) for case in cases)


def _action(visit: Visit, act: Bulk) -> Action:
    return Action.CASE_BULK if act.officer == visit.actor.account else Action.CASE_BULK_APPROVE


def _hands(visit: Visit, act: Bulk) -> frozenset[str]:
    return frozenset() if act.officer == visit.actor.account else frozenset({act.officer})


def _waits_for(act: Bulk, account: str) -> bool:
    return act.state == "proposed" and (act.officer == account) == bool(act.unopened)


def _check_role(visit: Visit) -> None:
    if not visit.actor.roles & READERS:
        raise ProblemError(403, "not_for_your_role")


def _check_size(said: int, size: int) -> None:
    if said != size:
        raise _invalid("body.size", "not_the_number_of_cases")


def _invalid(at: str, why: str) -> ProblemError:
    return ProblemError(422, "invalid", more={"errors": [{"at": at, "why": why}]})
