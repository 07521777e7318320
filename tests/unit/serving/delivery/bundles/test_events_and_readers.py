"""One life event, one confirmation; what others who live there need not know goes to the person alone."""

from __future__ import annotations

import datetime as dt

import pytest

from features.facts.population import Population
from rules.evaluate.reference import ReferenceEvaluator
from rules.reads import reads_of
from serving.delivery.bundles.disclosure import Disclosure, disclosures, gives_away
from serving.delivery.bundles.events import Addressee, Arising, Bundle, LifeEvent, Reader
from serving.delivery.bundles.household import Household
from serving.delivery.bundles.model import Item, Worth
from serving.delivery.bundles.offering import Offering, Offerings
from serving.views import event_kinds_of
from tests.unit.serving.delivery.bundles.families import (
    ALONE_IN_HARDSHIP,
    CHECKED,
    DAY,
    DISABLED,
    HARD_UP,
    HOME,
    WELL_OFF,
    Family,
    of_home,
    of_person,
    prepared,
    rulebook,
)

BIRTH = dt.date(2026, 1, 20)
NEWBORN = {
    **CHECKED, "birth_date": BIRTH, "birth_lawful": True, "adopted": False, "childcare_subsidy_claimed_before": False,
    "childcare_subsidy_paid_elsewhere": False, "childcare_subsidy_years_paid": 0,
}  # fmt: skip
MOTHER = {
    "sex": "female", "maternity_event": "birth", "maternity_event_date": BIRTH, "babies_born": 1,
    "maternity_insured": True, "medical_insurance_area": "440100",
}  # fmt: skip
BORN = LifeEvent("e1", "birth", {"child": "p1", "mother": "p2"}, BIRTH)


def _arising() -> Arising:
    return Arising(event_kinds_of(rulebook().vocabulary), reads_of(rulebook(), DAY))


def _offering(family: Family, *events: LifeEvent) -> Offering:
    return Offerings(prepared(), _arising()).of(family.household(), lambda: family.population, events)


def _bundles(family: Family, *events: LifeEvent) -> tuple[Bundle, ...]:
    return _offering(family, *events).bundles


def test_a_birth_gives_one_bundle_with_one_confirmation() -> None:
    bundles = _bundles(Family(WELL_OFF, NEWBORN, {}), BORN)
    (bundle,) = (b for b in bundles if b.event == BORN)
    assert bundle.addressee == Addressee(Reader.HOUSEHOLD.value, ("household", HOME))
    offered = {offer.item for offer in bundle.offers}
    assert {of_person("childcare_subsidy"), of_person("resident_medical_insurance_subsidy")} <= offered


def test_every_item_stands_in_one_bundle() -> None:
    family = Family(HARD_UP, {**DISABLED, **CHECKED}, NEWBORN)
    second = LifeEvent("e2", "birth", {"child": "p2"}, BIRTH)
    bundles = _bundles(family, second, BORN)
    offered = [offer.item for bundle in bundles for offer in bundle.offers]
    assert len(offered) == len(set(offered))
    assert len({(bundle.event.id if bundle.event else "", bundle.addressee) for bundle in bundles}) == len(bundles)


@pytest.mark.parametrize("order", [1, -1])
def test_the_latest_event_takes_what_arises_from_several(order: int) -> None:
    early = LifeEvent("e0", "birth", {"child": "p1"}, dt.date(2026, 1, 1))
    bundles = _bundles(Family(WELL_OFF, NEWBORN, {}), *[early, BORN][::order])
    assert {bundle.event.id for bundle in bundles if bundle.event} == {"e1"}


def test_disability_goes_to_the_person_alone_and_never_to_the_household() -> None:
    family = Family(HARD_UP, {**DISABLED, **CHECKED}, {})
    by_reader = {bundle.addressee: bundle for bundle in _bundles(family)}
    household = by_reader[Addressee(Reader.HOUSEHOLD.value, ("household", HOME))]
    person = by_reader[Addressee(Reader.PERSON.value, ("person", "p1"))]
    assert of_person("disability_nursing_subsidy") in {offer.item for offer in person.offers}
    named = {offer.item for offer in household.offers} | {i for c in household.cliffs for i in (c.accept, c.lose)}
    assert of_home("dibao") in named
    assert not any(item.benefit.startswith("disability") for item in named)


def test_a_cliff_between_the_persons_and_the_households_is_told_to_the_person_alone() -> None:
    bundles = _bundles(Family(HARD_UP, {**ALONE_IN_HARDSHIP, **DISABLED}))
    (bundle,) = (b for b in bundles if b.addressee.reader == Reader.PERSON.value)
    assert (of_person("tekun_support"), of_home("dibao")) in {(c.accept, c.lose) for c in bundle.cliffs}
    assert all(c.accept != of_person("tekun_support") for b in bundles if b != bundle for c in b.cliffs)


def test_a_sensitive_item_of_a_whole_household_goes_to_a_caseworker_first() -> None:
    assert disclosures(prepared().plans)["temporary_assistance"] is Disclosure.ALWAYS


def test_what_nearly_everybody_meets_gives_nothing_away() -> None:
    found = disclosures(prepared().plans)
    assert found["advanced_age_allowance"] is Disclosure.NEVER  # `unless imprisoned`
    assert found["disability_living_subsidy"] is Disclosure.ALWAYS
    assert found["maternity_allowance"] is Disclosure.ALWAYS


def test_of_alternatives_the_one_that_is_met_decides() -> None:
    """A lawful birth gives nothing away, an orphan's claim to the same subsidy does."""
    found = disclosures(prepared().plans)
    assert found["childcare_subsidy"] is Disclosure.DEPENDS
    orphan = {**NEWBORN, "birth_lawful": False, "orphan": True}
    for facts, tells in ((NEWBORN, False), (orphan, True)):
        family = Family(WELL_OFF, facts, {})
        evaluator = ReferenceEvaluator(rulebook(), family.population, DAY)
        assert gives_away(evaluator, "childcare_subsidy", family.population.listed["person"]["p1"]) is tells


def test_a_mothers_allowance_is_hers_to_read() -> None:
    """Whether she tells the household is her choice; the event is the same."""
    arising = _arising()
    assert arising.arises(Item("maternity_allowance", "person", "p2"), BORN, ["p1", "p2"])
    assert not arising.arises(Item("maternity_allowance", "person", "p3"), BORN, ["p1", "p2", "p3"])


def test_a_question_about_a_disability_is_put_to_the_person_alone() -> None:
    unsure = {**ALONE_IN_HARDSHIP, **DISABLED, "has_livelihood_source": None}
    (question,) = _offering(Family(HARD_UP, unsure)).questions
    assert question.addressee == Addressee(Reader.PERSON.value, ("person", "p1"))


def test_what_a_caseworker_looks_at_stands_in_no_bundle() -> None:
    offering = _offering(Family(HARD_UP, {**ALONE_IN_HARDSHIP, **DISABLED}, {}))
    (knot,) = offering.review
    assert not {offer.item for bundle in offering.bundles for offer in bundle.offers} & set(knot.items)


def test_an_enterprise_is_put_the_same_way_without_persons() -> None:
    firm = ("enterprise", "f1")
    owed = {Item(benefit, *firm): Worth(100, 100) for benefit in ("startup_jobs_subsidy", "job_stabilisation_refund")}
    offering = Offerings(prepared(), _arising()).of(Household(firm, frozenset(), owed), _unread)
    (bundle,) = offering.bundles
    assert {offer.item for offer in bundle.offers} == owed.keys()


def _unread() -> Population:
    raise AssertionError("the facts of an enterprise without ties are not read")
