"""What citizens and enterprises read: every answer, why, what they could get, who looked at their data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from explain.audience import HIDDEN, Audience, seen_by
from explain.explanation import Evidence, Explanation
from explain.wording import Language
from rules.rulebook import Rulebook
from serving.access.actions import Action
from serving.access.actors import Target
from serving.access.reads import looks_at
from serving.api.knowledge import Standing, standings_of
from serving.api.own import amount_out, benefits_out, entitlement_out, explained_out, name_of
from serving.api.pages import CursorQuery, LimitQuery, cursor_of, read_cursor
from serving.api.problems import not_found
from serving.api.routing import Visiting, serve
from serving.api.schemas.answers import Wording
from serving.api.schemas.citizens import (
    BenefitsOut,
    DataOut,
    ExplainedOut,
    FactOut,
    LookOut,
    LooksOut,
    PossibilitiesOut,
    PossibilityOut,
)
from serving.api.visits import Visit
from serving.casework.moves import entitlements_of

router = APIRouter(prefix="/me", tags=["citizens and enterprises"])
ANSWER_FIELDS = ("benefit", "outcome", "amount", "tier", "unmet", "missing", "next_change", "entitlements")
BenefitPath = Annotated[
    str, Path(min_length=1, max_length=100, pattern=r"^[a-z0-9_]+$", examples=["advanced_age_allowance"])
]
LanguageQuery = Annotated[Language, Query(description="Of the sentences.")]


@serve(router, "GET", "/benefits", BenefitsOut, personal=True)
def my_benefits(visit: Visiting) -> BenefitsOut:
    """Every benefit that was weighed for me and mine, with what is owed and where it stands; each no too."""
    rulebook = visit.parts.knowledge.rulebook(visit.connection, visit.now)
    told = []
    for subject in own_subjects(visit):
        kind, _, name = subject.partition(":")
        visit.allow(Action.OWN_READ, Target(subject=subject))
        visit.show(subject, ANSWER_FIELDS)
        owed = entitlements_of(visit.connection, [(kind, name)])
        told += benefits_out(kind, standings_of(visit.connection, kind, name), owed, rulebook)
    return BenefitsOut.model_construct(benefits=told, banners=[])


@serve(router, "GET", "/benefits/{benefit}", ExplainedOut, personal=True)
def my_benefit(visit: Visiting, benefit: BenefitPath, lang: LanguageQuery = Language.ZH) -> ExplainedOut:
    """Why one benefit is as it is for me: clauses with their facts and law, what is missing, what would alter it."""
    found, subject = _explained(visit, benefit)
    visit.show(subject, ("explanation", "entitlements"))
    kind, _, name = subject.partition(":")
    rulebook = visit.parts.knowledge.rulebook(visit.connection, visit.now)
    owed = [one for one in entitlements_of(visit.connection, [(kind, name)]) if one.benefit == benefit]
    shown = [entitlement_out(one, rulebook) for one in owed]
    reader = visit.own.partition(":")[2]
    return explained_out(found, Audience.CITIZEN, lang, reader, shown)


@serve(router, "GET", "/possibilities", PossibilitiesOut, personal=True)
def my_possibilities(visit: Visiting) -> PossibilitiesOut:
    """What could I get? The same answers that the engine itself acts upon: whoever asks learns no less and no more."""
    rulebook = visit.parts.knowledge.rulebook(visit.connection, visit.now)
    found: dict[str, list[PossibilityOut]] = {"eligible": [], "open": [], "later": []}
    for subject in own_subjects(visit):
        kind, _, name = subject.partition(":")
        visit.allow(Action.OWN_READ, Target(subject=subject))
        visit.show(subject, ("benefit", "outcome", "amount", "missing", "next_change"))
        for standing in standings_of(visit.connection, kind, name):
            if (place := _place(standing)) is not None:
                found[place].append(_possibility(kind, standing, rulebook))
    return PossibilitiesOut.model_construct(
        eligible=found["eligible"], open=found["open"], later=found["later"], banners=[]
    )


@serve(router, "GET", "/reads", LooksOut, personal=True)
def who_looked(visit: Visiting, limit: LimitQuery = 20, cursor: CursorQuery = None) -> LooksOut:
    """Who looked at my data: when, from which office, for what, and what bound them to me. My own looks too."""
    subjects = own_subjects(visit)
    place = read_cursor(cursor, int)
    for subject in subjects:
        visit.allow(Action.READS_LIST, Target(subject=subject))
        visit.show(subject, ("reads",))
    before = None if place is None else int(place[0])
    found = looks_at(visit.connection, subjects, limit=limit, before=before)
    looks = [
        LookOut(
            at=one.at, role=one.role.value, office=one.office, purpose=one.purpose.value, tie=one.tie.value,
            fields=list(one.fields), case=one.case_file, of=_kind(one.subject),
        )
        for one in found
    ]  # fmt: skip
    more = cursor_of(found[-1].number) if len(found) == limit else None
    return LooksOut(looks=looks, next=more)


@serve(router, "GET", "/data", DataOut, personal=True)
def my_data(visit: Visiting) -> DataOut:
    """What is held of me and used for benefits, with the registers that say so; of others only what I may see."""
    facts: dict[tuple[str, str], FactOut] = {}
    reader = visit.own.partition(":")[2]
    for subject in own_subjects(visit):
        kind, _, name = subject.partition(":")
        visit.allow(Action.OWN_READ, Target(subject=subject))
        visit.show(subject, ("facts",))
        for standing in standings_of(visit.connection, kind, name):
            found = visit.parts.knowledge.explained(visit.connection, standing.benefit, name, visit.now)
            for fact in () if found is None else _facts(seen_by(Audience.CITIZEN, found, reader)):
                if fact.kind == kind and fact.id == "own" and fact.gap != HIDDEN:
                    facts.setdefault((kind, fact.fact), _fact(fact))
    return DataOut(facts=[facts[key] for key in sorted(facts)])


def own_subjects(visit: Visit) -> list[str]:
    """Whose affairs the account's are: its own person or enterprise first, then the households."""
    own = visit.own
    return [own, *sorted(visit.actor.subjects - {own})]


def subject_for(visit: Visit, benefit: str) -> str:
    """Which of the account's subjects a benefit is for.

    Raises:
        ProblemError: 404, there is no such benefit, or it is for none of them.
    """
    rulebook = visit.parts.knowledge.rulebook(visit.connection, visit.now)
    if benefit not in rulebook.benefits:
        raise not_found()
    kind = rulebook.benefits[benefit].benefit.subject
    found = next((one for one in own_subjects(visit) if one.startswith(f"{kind}:")), None)
    if found is None:
        raise not_found()
    return found


def _explained(visit: Visit, benefit: str) -> tuple[Explanation, str]:
    visit.own  # noqa: B018 (staff are refused before anything is looked for)
    subject = subject_for(visit, benefit)
    visit.allow(Action.OWN_READ, Target(subject=subject))
    found = visit.parts.knowledge.explained(visit.connection, benefit, subject.partition(":")[2], visit.now)
    if found is None:
        raise not_found()
    return found, subject


def _place(found: Standing) -> str | None:
    if found.outcome == "eligible":
        return "eligible"
    if found.outcome == "undetermined":
        return "open"
    return "later" if found.next_change is not None else None


def _possibility(kind: str, found: Standing, rulebook: Rulebook) -> PossibilityOut:
    return PossibilityOut.model_construct(
        benefit=found.benefit, name=name_of(rulebook, found.benefit), of=kind, outcome=found.outcome,
        amount=amount_out(found), missing=found.missing, next_change=found.next_change,
    )  # fmt: skip


def _facts(found: Explanation) -> Iterator[Evidence]:
    for clause in found.clauses:
        yield from clause.facts
    yield from found.amount_facts


def _fact(fact: Evidence) -> FactOut:
    value = None if fact.value is None else Wording(zh=fact.value.zh, en=fact.value.en)
    registers = list(dict.fromkeys(one.register for one in fact.said_by)) or [fact.register]
    name = Wording(zh=fact.label.zh, en=fact.label.en)
    return FactOut(
        fact=fact.fact, name=name, value=value, gap=fact.gap or None, registers=registers, of=_kind(fact.kind)
    )


def _kind(subject: str) -> Literal["person", "household", "enterprise"]:
    kind = subject.partition(":")[0]
    return "household" if kind == "household" else "enterprise" if kind == "enterprise" else "person"
