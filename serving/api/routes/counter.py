"""Officers at a counter or on the telephone: live help with a code, answers without a telephone, the glass."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Path
from sqlalchemy import select, update

from explain.audience import Audience
from explain.wording import Language
from serving.access.actions import Action, Purpose
from serving.access.actors import Target
from serving.access.errors import NobodyToTellError, ReasonTooShortError
from serving.access.glasses import break_glass
from serving.access.limits import CHECK_CODE
from serving.api.knowledge import standings_of
from serving.api.own import benefits_out, explained_out
from serving.api.problems import ProblemError, not_found
from serving.api.routes.citizen_answers import ANSWER_FIELDS, BenefitPath, LanguageQuery
from serving.api.routes.citizen_offers import FIELDS, Number
from serving.api.routes.citizen_wishes import code_hash
from serving.api.routing import IdempotencyKey, Told, Visiting, serve
from serving.api.schemas.citizens import BenefitsOut, EntitlementAnswer, ExplainedOut
from serving.api.schemas.counter import CounterIn, GlassIn, GlassOut, HelpIn, HelpOut, ProxyIn, ProxyMade
from serving.api.visits import Visit
from serving.api.words import Sealing
from serving.casework.citizen import offers, proxies
from serving.casework.citizen.speaking import How, TakenDown
from serving.casework.errors import NotFoundError
from serving.casework.moves import entitlements_of, read_entitlement
from serving.store.tables.access import broken_glass
from serving.store.tables.api import help_code

router = APIRouter(tags=["counter"])
_NUMBER_SIGNS: Final = 32
Help = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", examples=["0" * 32])]


@serve(router, "POST", "/live-help", HelpOut, personal=True)
def take_code(visit: Visiting, body: HelpIn, key: IdempotencyKey) -> HelpOut:
    """Type the code that a citizen told: one sees what they see, read-only, until it ends. It is noted."""
    verdict = visit.parts.limiter.hit(CHECK_CODE, visit.actor.account)
    if not verdict.allowed:
        raise ProblemError(429, "too_many", headers={"Retry-After": str(verdict.retry_after_seconds)})
    if not visit.actor.is_staff:
        raise ProblemError(403, "not_for_your_role")
    hashed = code_hash(body.code)
    # The one statement takes it or finds nothing: a wrong code and one that another officer took read the same.
    free = (help_code.c.code_hash == hashed, help_code.c.until_at > visit.now)
    row = visit.connection.execute(
        update(help_code)
        .where(*free, help_code.c.officer.is_(None))
        .values(officer=visit.actor.account, taken_at=visit.now)
        .returning(help_code.c.kind, help_code.c.subject, help_code.c.until_at)
    ).one_or_none()
    if row is None:
        raise not_found()
    visit.learn_grants()
    subject = f"{row.kind}:{row.subject}"
    visit.allow(Action.HELP_GIVE, Target(subject=subject))
    visit.show(subject, ("help_code",))
    return HelpOut(help=hashed.hex()[:_NUMBER_SIGNS], until=row.until_at)


@serve(router, "GET", "/live-help/{number}/benefits", BenefitsOut, personal=True)
def helped_benefits(visit: Visiting, number: Help) -> BenefitsOut:
    """The citizen's page of benefits, as they see it."""
    kind, name = _helped(visit, number)
    visit.show(f"{kind}:{name}", ANSWER_FIELDS)
    rulebook = visit.parts.knowledge.rulebook(visit.connection, visit.now)
    owed = entitlements_of(visit.connection, [(kind, name)])
    told = benefits_out(kind, standings_of(visit.connection, kind, name), owed, rulebook)
    return BenefitsOut.model_construct(benefits=told, banners=[])


@serve(router, "GET", "/live-help/{number}/benefits/{benefit}", ExplainedOut, personal=True)
def helped_benefit(
    visit: Visiting, number: Help, benefit: BenefitPath, lang: LanguageQuery = Language.ZH
) -> ExplainedOut:
    """The citizen's page of one benefit, as they see it: the same sentences, cut to what they may see."""
    kind, name = _helped(visit, number)
    rulebook = visit.parts.knowledge.rulebook(visit.connection, visit.now)
    if benefit not in rulebook.benefits or rulebook.benefits[benefit].benefit.subject != kind:
        raise not_found()
    found = visit.parts.knowledge.explained(visit.connection, benefit, name, visit.now)
    if found is None:
        raise not_found()
    visit.show(f"{kind}:{name}", ("explanation",))
    return explained_out(found, Audience.CITIZEN, lang, name)


@serve(router, "POST", "/counter/offers/{number}/answer", EntitlementAnswer, personal=True)
def said_elsewhere(visit: Visiting, number: Number, body: CounterIn, key: IdempotencyKey) -> Told:
    """Take down what somebody said on paper, at a counter, at home or by telephone: the yes is theirs, not mine."""
    if not visit.actor.is_staff:
        raise ProblemError(403, "not_for_your_role")
    try:
        found = read_entitlement(visit.connection, number)
    except NotFoundError:
        raise not_found() from None
    subject = f"{found.kind}:{found.subject}"
    visit.allow(Action.COUNTER_ACT, Target(subject=subject, district=found.district, programme=found.benefit))
    visit.show(subject, FIELDS)
    if body.how == "paper" and body.document is None:
        raise ProblemError(422, "invalid", more={"errors": [{"at": "body.document", "why": "missing"}]})
    sealing = Sealing(visit.parts.cipher, visit.connection, subject)
    document = None if body.document is None else sealing.words(body.document)
    voice = TakenDown(visit.actor.account, (found.kind, found.subject), How(body.how), document)
    if body.said == "person":
        said = offers.ask_for_person(visit.connection, voice, number, key, visit.now)
    else:
        act = offers.confirm if body.said == "yes" else offers.refuse
        said = act(visit.connection, voice, number, found.revision, key, visit.now)
    return Told(EntitlementAnswer(**cast(dict[str, Any], said)), cast(int, said["revision"]))


@serve(router, "POST", "/counter/proxies", ProxyMade, personal=True)
def establish(visit: Visiting, body: ProxyIn, key: IdempotencyKey) -> ProxyMade:
    """Let somebody speak for somebody else, both present: about what, and until when."""
    if not visit.actor.is_staff:
        raise ProblemError(403, "not_for_your_role")
    kind, _, name = body.elder.partition(":")
    district = visit.parts.knowledge.district_of(visit.connection, kind, name, visit.now)
    programme = body.benefits[0] if body.benefits else None
    visit.allow(Action.COUNTER_ACT, Target(subject=body.elder, district=district, programme=programme))
    for number in body.entitlements:
        found = _theirs(visit, number, kind, name)
        visit.allow(Action.COUNTER_ACT, Target(subject=body.elder, district=district, programme=found))
    for benefit in body.benefits:
        visit.allow(Action.COUNTER_ACT, Target(subject=body.elder, district=district, programme=benefit))
    if body.until.tzinfo is None or body.until <= visit.now:
        raise ProblemError(422, "invalid", more={"errors": [{"at": "body.until", "why": "not_in_the_future"}]})
    wanted = proxies.Proxy(
        (kind, name), body.helper, visit.now, body.until, proxies.Established(body.how), tuple(body.benefits),
        tuple(body.entitlements),
    )  # fmt: skip
    visit.show(body.elder, ("proxies",))
    return ProxyMade(proxy=proxies.establish(visit.connection, wanted, visit.actor.account, visit.now))


@serve(router, "POST", "/glass", GlassOut, personal=False, always=True)
def glass(visit: Visiting, body: GlassIn, key: IdempotencyKey) -> GlassOut:
    """Open one file against the rules, for a quarter of an hour, with a reason; supervisors are told at once."""
    visit.allow(Action.GLASS_BREAK, Target(subject=body.subject))
    sealing = Sealing(visit.parts.cipher, visit.connection, body.subject)

    def seal(words: str, number: uuid.UUID) -> bytes:
        return sealing.seal(words, broken_glass.c.reason, {"id": number})

    moment = visit.parts.gate.moment(visit.now, visit.on_date)
    try:
        number = break_glass(visit.connection, visit.actor, body.subject, body.reason, seal, moment)
    except ReasonTooShortError as error:
        raise ProblemError(422, "reason_too_short", str(error)) from error
    except NobodyToTellError as error:
        raise ProblemError(409, "nobody_to_tell", str(error)) from error
    return GlassOut(glass=str(number))


def _helped(visit: Visit, number: str) -> tuple[str, str]:
    if not visit.actor.is_staff:
        raise ProblemError(403, "not_for_your_role")
    visit.purpose = visit.purpose or Purpose.HELP
    mine = (help_code.c.officer == visit.actor.account, help_code.c.until_at > visit.now)
    rows = visit.connection.execute(
        select(help_code.c.code_hash, help_code.c.kind, help_code.c.subject).where(*mine)
    ).all()
    row = next((one for one in rows if bytes(one.code_hash).hex().startswith(number)), None)
    if row is None:
        visit.allow(Action.HELP_GIVE, Target(subject="person:"))
        raise not_found()
    visit.allow(Action.HELP_GIVE, Target(subject=f"{row.kind}:{row.subject}"))
    return row.kind, row.subject


def _theirs(visit: Visit, number: int, kind: str, name: str) -> str:
    try:
        found = read_entitlement(visit.connection, number)
    except NotFoundError:
        raise not_found() from None
    if (found.kind, found.subject) != (kind, name):
        raise not_found()
    return found.benefit
