"""What citizens and enterprises do with their offers: yes, no, asking for a person, objecting; alone or for another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, cast

from fastapi import APIRouter, Path
from sqlalchemy import Connection

from serving.access.actions import Action
from serving.access.actors import Target
from serving.api.own import entitlement_out, speaker
from serving.api.problems import not_found
from serving.api.revisions import IfMatch, read_revision, require_revision
from serving.api.routes.citizen_answers import own_subjects, subject_for
from serving.api.routing import IdempotencyKey, Told, Visiting, serve
from serving.api.schemas.citizens import (
    AnswerObjectionIn,
    AskIn,
    BundleAnswer,
    BundleIn,
    BundleOut,
    CaseMade,
    EntitlementAnswer,
    EntitlementOut,
    HelpedOut,
    ObjectionIn,
    OffersOut,
    PersonIn,
)
from serving.api.visits import Visit
from serving.api.words import Sealing
from serving.casework.citizen import bundles, objections, offers
from serving.casework.citizen.requests import Answer as Said
from serving.casework.citizen.speaking import Speaker, seen_by
from serving.casework.errors import NotFoundError
from serving.casework.moves import Entitlement, entitlements_of, moves_since, read_entitlement
from serving.casework.sealing import OwnWords
from serving.casework.states import State

router = APIRouter(tags=["citizens and enterprises"])
MOST_OFFERS = 3
"""Source: acceptance.md, row 2: few, and the right ones."""
NO_DISTRICT = "unassigned"
_TO_ANSWER = (State.OFFERED, State.ASK)
_OPEN = (*_TO_ANSWER, State.SILENT, State.REFUSED)
Number = Annotated[int, Path(ge=1, le=2**62, examples=[17])]
FIELDS = ("benefit", "period", "amount", "tier", "state")
Act = Callable[[Connection, Speaker, int, int, str, Any], Said]


@serve(router, "GET", "/me/offers", OffersOut, personal=True)
def my_offers(visit: Visiting) -> OffersOut:
    """What I may answer now, the soonest first: three at most, and how many others can be claimed."""
    rulebook = visit.parts.knowledge.rulebook(visit.connection, visit.now)
    open_ones: list[Entitlement] = []
    for subject in own_subjects(visit):
        visit.allow(Action.OFFER_READ, Target(subject=subject))
        visit.show(subject, FIELDS)
        kind, _, name = subject.partition(":")
        open_ones += [one for one in entitlements_of(visit.connection, [(kind, name)]) if one.state in _OPEN]
    first = sorted((one for one in open_ones if one.state in _TO_ANSWER), key=_pressing)
    shown = [entitlement_out(one, rulebook) for one in first[:MOST_OFFERS]]
    return OffersOut.model_construct(offers=shown, more=len(open_ones) - len(shown), banners=[])


@serve(router, "GET", "/me/offers/{number}", EntitlementOut, personal=True)
def one_offer(visit: Visiting, number: Number) -> Told:
    """One entitlement of mine, or of somebody whom I help; its ETag is needed to answer it."""
    found = entitlement_for(visit, number, Action.OFFER_READ)
    visit.show(_subject(found), FIELDS)
    rulebook = visit.parts.knowledge.rulebook(visit.connection, visit.now)
    return Told(entitlement_out(found, rulebook), found.revision)


@serve(router, "POST", "/me/offers/{number}/confirm", EntitlementAnswer, personal=True)
def confirm(visit: Visiting, number: Number, key: IdempotencyKey, if_match: IfMatch = None) -> Told:
    """Say yes. Also to what ran out, or what I refused before."""
    return _answer(visit, number, key, if_match, offers.confirm)


@serve(router, "POST", "/me/offers/{number}/refuse", EntitlementAnswer, personal=True)
def refuse(visit: Visiting, number: Number, key: IdempotencyKey, if_match: IfMatch = None) -> Told:
    """Say no; no reason is asked, and I may change my mind."""
    return _answer(visit, number, key, if_match, offers.refuse)


@serve(router, "POST", "/me/offers/{number}/person", EntitlementAnswer, personal=True, always=True)
def ask_for_person(visit: Visiting, number: Number, body: PersonIn, key: IdempotencyKey) -> Told:
    """Ask for a person: always possible, and it costs nothing."""
    found = entitlement_for(visit, number, Action.PERSON_REQUEST)
    visit.show(_subject(found), FIELDS)
    words = None if body.words is None else _words(visit, _subject(found), body.words)
    said = offers.ask_for_person(visit.connection, me(visit), number, key, visit.now, decide=body.decide, words=words)
    return _told(said)


@serve(router, "POST", "/me/offers/{number}/objection", EntitlementAnswer, personal=True, always=True)
def object_to(
    visit: Visiting, number: Number, body: ObjectionIn, key: IdempotencyKey, if_match: IfMatch = None
) -> Told:
    """Object to how it stands; against a refusal, a suspension or an end it is an appeal. A person looks at it."""
    found = entitlement_for(visit, number, Action.OBJECTION_RAISE)
    visit.show(_subject(found), FIELDS)
    require_revision(if_match, found.revision, _changes(visit, number))
    words = _words(visit, _subject(found), body.words)
    said = objections.object_to(visit.connection, me(visit), number, found.revision, words, key, visit.now)
    return _told(said)


@serve(router, "POST", "/me/objections", CaseMade, personal=True, always=True)
def object_to_answer(visit: Visiting, body: AnswerObjectionIn, key: IdempotencyKey) -> CaseMade:
    """Object to an answer that gave nothing: a no, or an open one."""
    subject = subject_for(visit, body.benefit)
    visit.allow(Action.OBJECTION_RAISE, Target(subject=subject))
    visit.show(subject, ("objection",))
    kind, _, name = subject.partition(":")
    words = _words(visit, subject, body.words)
    said = objections.object_to_answer(
        visit.connection, me(visit), (kind, name), body.benefit, district_of(visit, subject), words, key, visit.now
    )
    return CaseMade(case=cast(int, said["case"]))


@serve(router, "POST", "/me/person", CaseMade, personal=True, always=True)
def ask_without_offer(visit: Visiting, body: AskIn, key: IdempotencyKey) -> CaseMade:
    """Ask for a person about a benefit that I was never offered, or about nothing in particular."""
    subject = visit.own if body.benefit is None else subject_for(visit, body.benefit)
    visit.allow(Action.PERSON_REQUEST, Target(subject=subject))
    visit.show(subject, ("human_request",))
    kind, _, name = subject.partition(":")
    words = None if body.words is None else _words(visit, subject, body.words)
    said = offers.ask_for_person_without_offer(
        visit.connection, me(visit), (kind, name), body.benefit, district_of(visit, subject), key, visit.now, words
    )
    return CaseMade(case=cast(int, said["case"]))


@serve(router, "POST", "/public-notices/{number}/objection", CaseMade, personal=False, always=True)
def object_to_notice(visit: Visiting, number: Number, body: ObjectionIn, key: IdempotencyKey) -> CaseMade:
    """Object, as anybody, to what is put up for that; nothing is told of whom it is about."""
    own = visit.own
    visit.allow(Action.OBJECTION_RAISE, Target(subject=own))
    try:
        found = read_entitlement(visit.connection, number)
    except NotFoundError:
        raise not_found() from None
    words = _words(visit, _subject(found), body.words)
    objector = own.partition(":")[2]
    said = objections.object_to_notice(visit.connection, objector, number, words, key, visit.now)
    return CaseMade(case=cast(int, said["case"]))


@serve(router, "GET", "/me/bundles/{number}", BundleOut, personal=True)
def one_bundle(visit: Visiting, number: Number) -> BundleOut:
    """Open offers of one life event, to be answered together."""
    found = bundles.open_offers(visit.connection, me(visit), number, visit.now)
    rulebook = visit.parts.knowledge.rulebook(visit.connection, visit.now)
    visit.allow(Action.OFFER_READ, Target(subject=visit.own))
    _show_all(visit, found, Action.OFFER_READ)
    return BundleOut(bundle=number, offers=[entitlement_out(one, rulebook) for one in found])


@serve(router, "POST", "/me/bundles/{number}/confirm", BundleAnswer, personal=True)
def confirm_bundle(visit: Visiting, number: Number, body: BundleIn, key: IdempotencyKey) -> BundleAnswer:
    """Say yes to every open offer of a bundle at once: all, or none."""
    return _answer_bundle(visit, number, body.seen, key, bundles.confirm_bundle)


@serve(router, "POST", "/me/bundles/{number}/refuse", BundleAnswer, personal=True)
def refuse_bundle(visit: Visiting, number: Number, body: BundleIn, key: IdempotencyKey) -> BundleAnswer:
    """Say no to every open offer of a bundle at once."""
    return _answer_bundle(visit, number, body.seen, key, bundles.refuse_bundle)


@serve(router, "GET", "/helping", HelpedOut, personal=True)
def whom_i_help(visit: Visiting) -> HelpedOut:
    """Offers of others that I was let answer: those, and nothing else of theirs."""
    own = visit.own
    visit.allow(Action.OWN_READ, Target(subject=own))
    rulebook = visit.parts.knowledge.rulebook(visit.connection, visit.now)
    found = [read_entitlement(visit.connection, one) for one in seen_by(visit.connection, me(visit), visit.now)]
    others = [one for one in found if _subject(one) not in visit.actor.subjects]
    _show_all(visit, others, Action.OFFER_READ)
    visit.show(own, ("helping",))
    return HelpedOut(offers=[entitlement_out(one, rulebook) for one in others])


def me(visit: Visit) -> Speaker:
    """Whoever is logged in, as casework knows them."""
    return speaker(visit.own, visit.actor.subjects)


def district_of(visit: Visit, subject: str) -> str:
    """Whose caseworkers look after somebody."""
    kind, _, name = subject.partition(":")
    return visit.parts.knowledge.district_of(visit.connection, kind, name, visit.now) or NO_DISTRICT


def entitlement_for(visit: Visit, number: int, action: Action) -> Entitlement:
    """An entitlement that somebody may do something with.

    Raises:
        ProblemError: 404, there is none for them.
    """
    visit.own  # noqa: B018 (staff are refused before anything is looked for)
    try:
        found = read_entitlement(visit.connection, number)
    except NotFoundError:
        raise not_found() from None
    visit.allow(action, Target(subject=_subject(found), programme=found.benefit, offer=str(number)))
    return found


def _answer(visit: Visit, number: int, key: str, if_match: str | None, act: Act) -> Told:
    found = entitlement_for(visit, number, Action.OFFER_ANSWER)
    visit.show(_subject(found), FIELDS)
    require_revision(if_match, found.revision, _changes(visit, number))
    return _told(act(visit.connection, me(visit), number, read_revision(if_match), key, visit.now))


def _answer_bundle(
    visit: Visit, number: int, seen: Mapping[int, int], key: str, act: Callable[..., Said]
) -> BundleAnswer:
    found = bundles.open_offers(visit.connection, me(visit), number, visit.now)
    visit.allow(Action.OFFER_ANSWER, Target(subject=visit.own))
    _show_all(visit, found, Action.OFFER_ANSWER)
    said = act(visit.connection, me(visit), number, seen, key, visit.now)
    each = cast(list[dict[str, Any]], said["entitlements"])
    return BundleAnswer(bundle=number, entitlements=[EntitlementAnswer(**one) for one in each])


def _show_all(visit: Visit, found: list[Entitlement], action: Action) -> None:
    """Note each, for whose it is: somebody's own, or whom they help."""
    for one in found:
        visit.allow(action, Target(subject=_subject(one), programme=one.benefit, offer=str(one.id)))
        visit.show(_subject(one), FIELDS)
    if not found:
        visit.nothing_there()


def _told(said: Said) -> Told:
    return Told(EntitlementAnswer(**cast(dict[str, Any], said)), cast(int, said["revision"]))


def _changes(visit: Visit, number: int) -> Callable[[int], list[dict[str, Any]]]:
    # Who moved it is the office's affair: a citizen reads what and when.
    return lambda since: [
        {"revision": one.revision, "at": one.at.isoformat(), "action": one.action}
        for one in moves_since(visit.connection, number, since)
    ]


def _words(visit: Visit, subject: str, words: str) -> OwnWords:
    return Sealing(visit.parts.cipher, visit.connection, subject).words(words)


def _subject(of: Entitlement) -> str:
    return f"{of.kind}:{of.subject}"


def _pressing(of: Entitlement) -> tuple[object, ...]:
    """The soonest to end first, then the greatest."""
    ends = of.next_step_at
    return (ends is None, ends.timestamp() if ends is not None else 0.0, -(of.amount_minor or 0), of.id)
