"""Made households of Guangzhou and Beijing with the facts that the shipped catalogue reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache

from features.facts.population import NONE, Population, Subject
from features.facts.values import Holding, Known, Unknown, Value
from rules.answers import determine
from rules.catalogue import load_catalogue
from rules.determination import Determination
from rules.evaluate.reference import ReferenceEvaluator
from rules.rulebook import Rulebook
from serving.catalogues import CHINA, shipped_catalogues
from serving.delivery.bundles.household import Household, household_of
from serving.delivery.bundles.model import Item, Worth
from serving.delivery.bundles.preparation import Prepared, prepare

DAY = dt.date(2026, 3, 1)
HOME = "h1"
GUANGZHOU = "440100"


@cache
def rulebook() -> Rulebook:
    found = load_catalogue(shipped_catalogues() / CHINA).rulebook
    assert found is not None
    return found


@cache
def prepared(day: dt.date = DAY) -> Prepared:
    return prepare(rulebook(), day)


def yuan(amount: int) -> Decimal:
    """A sum as facts hold it."""
    return Decimal(amount * 100)


ADULT: Mapping[str, Value] = {
    "birth_date": dt.date(1985, 4, 10), "deceased": False, "declared_missing": False, "imprisoned": False,
    "hukou_area": GUANGZHOU, "residence_area": GUANGZHOU, "hukou_type": "urban",
    "disability_certificate_status": "none", "seriously_ill": False, "work_capacity": "full", "is_student": False,
    "receives_dibao": False, "receives_dibao_margin": False, "receives_tekun": False, "orphan": False,
    "receives_low_income_aid": False, "de_facto_unattended": False, "has_able_support_obligor": True,
    "has_livelihood_source": True, "receives_work_injury_nursing_fee": False, "receives_elder_nursing_subsidy": False,
    "pension_in_payment": False, "receives_other_nursing_aid": False, "resident_pension_in_payment": False,
    "employed": False, "conscript": False,
}  # fmt: skip
"""An adult of Guangzhou to whom nothing is owed."""

DISABLED: Mapping[str, Value] = {
    "disability_certificate_status": "valid", "disability_grade": 1, "disability_category": "physical",
    "disability_certificate_area": GUANGZHOU, "disability_certificate_valid_to": dt.date(2034, 1, 1),
    "disability_intellectual_or_mental": False, "disability_multiple": False, "disabled_soldier_grade": "none",
    "disabled_police_grade": "none", "retired_cadre": False,
}  # fmt: skip
"""A certificate of the first grade, of Guangzhou."""

ALONE_IN_HARDSHIP: Mapping[str, Value] = {
    "work_capacity": "none", "has_livelihood_source": False, "has_able_support_obligor": False,
}  # fmt: skip

HARD_UP: Mapping[str, Value] = {
    "household_area": GUANGZHOU, "household_income_month": yuan(0), "household_assets_within_limit": True,
}  # fmt: skip

OUT_OF_WORK: Mapping[str, Value] = {
    "unemployment_payment_area": GUANGZHOU, "unemployment_insurance_months_total": 60,
    "unemployment_benefit_months_carried": 0, "unemployment_benefit_months_drawn": 0, "job_refusals": 0,
    "termination_reason": "contract_ended", "unemployment_registered": True, "job_seeking_declared": True,
    "in_compulsory_rehabilitation": False, "has_business_registration": False, "settled_abroad": False,
    "statutory_retirement_date": dt.date(2048, 4, 10),
}  # fmt: skip
"""Five years insured, out of work since today."""


class Family:
    """A household with its persons: each as :data:`ADULT`, with what is said differently (None: not known)."""

    def __init__(
        self, home: Mapping[str, Value | None], *persons: Mapping[str, Value | None], day: dt.date = DAY
    ) -> None:
        facts: dict[str, Value | None] = {"household_size": len(persons), **home}
        members = [
            Subject("person", f"p{n}", _known({**ADULT, **person}), {"household_id": HOME, "spouse_id": NONE})
            for n, person in enumerate(persons, 1)
        ]
        self.population = Population(
            rulebook().vocabulary.subjects, [Subject("household", HOME, _known(facts)), *members]
        )
        self.persons = [member.id for member in members]
        self.day = day
        self._found: list[Determination] = []

    def household(self, held: Mapping[Item, Worth] | None = None) -> Household:
        """As a sweep finds it."""
        if not self._found:
            self._found = list(self._determinations())
        return household_of(prepared(self.day), ("household", HOME), self.persons, self._found, held)

    def _determinations(self) -> Iterator[Determination]:
        evaluator = ReferenceEvaluator(rulebook(), self.population, self.day)
        for kind, ids in (("household", [HOME]), ("person", self.persons)):
            for benefit, plan in evaluator.plans.items():
                if plan.benefit.subject == kind and plan.variants:
                    yield from (determine(evaluator, benefit, self.population.listed[kind][one]) for one in ids)


def _known(facts: Mapping[str, Value | None]) -> dict[str, Holding]:
    return {name: Unknown() if value is None else Known(value) for name, value in facts.items()}


def of_home(benefit: str) -> Item:
    return Item(benefit, "household", HOME)


def of_person(benefit: str, number: int = 1) -> Item:
    return Item(benefit, "person", f"p{number}")


CHECKED: Mapping[str, Value] = {
    "economic_check_date": dt.date(2025, 12, 1), "sex": "male", "income_average_12_months": yuan(0),
    "own_stable_income_month": yuan(0), "medical_insurance_scheme": "resident",
}  # fmt: skip
"""What the living subsidy and the medical insurance ask."""

UNATTENDED: Mapping[str, Value] = {
    "birth_date": dt.date(2016, 5, 1), "is_student": True, "father_status": "imprisoned",
    "mother_status": "serious_illness", "raised_by_other_guardian": False, "own_assistance_month": yuan(0),
    "adopted": False, "unattended_allowance_in_full": False,
}  # fmt: skip
ORPHAN: Mapping[str, Value] = {
    "orphan": True, "birth_date": dt.date(2016, 5, 1), "is_student": True, "adopted": False,
}  # fmt: skip
DEAD: Mapping[str, Value] = {
    "deceased": True, "death_date": dt.date(2026, 2, 1), "drew_unemployment_benefit_at_death": True,
    "death_grant_chosen": "not_yet", "death_work_related": False, "pension_contribution_years": 12,
    "death_grant_income_base": yuan(4500), "death_grant_average_wage": yuan(11000),
}  # fmt: skip
FLEXIBLE: Mapping[str, Value] = {
    "insured_area": "440300", "flexible_employment_registered": True, "flexible_registered_on": dt.date(2026, 1, 5),
    "highest_qualification": "bachelor", "graduated_on": dt.date(2025, 7, 1), "pays_flexible_pension": True,
    "pays_flexible_medical": True, "pays_flexible_unemployment": False, "si_subsidy_months_used": 0,
    "hardship_employment_recognised": True, "has_employment_contract": False, "has_work_income": True,
    "social_insurance_paid_month": yuan(900), "statutory_retirement_date": dt.date(2048, 1, 1),
    "si_subsidy_first_granted_on": dt.date(2026, 1, 5), "has_business_registration": False,
}  # fmt: skip
WORKS_AGAIN: Mapping[str, Value] = {
    **OUT_OF_WORK, "employed": True, "unemployment_benefit_months_left": 5, "employment_contract_months": 24,
    "current_employer_months": frozenset(range(2026 * 12 - 12, 2026 * 12 + 2)), "reemployment_lump_sum_paid": False,
    "unemployment_benefit_granted_month": yuan(2250),
}  # fmt: skip
OF_PENSION_AGE: Mapping[str, Value] = {
    "birth_date": dt.date(1960, 1, 1), "resident_pension_contribution_years": 15,
    "resident_pension_account_balance": yuan(20000), "statutory_retirement_date": dt.date(2027, 4, 10),
}  # fmt: skip
WELL_OFF: Mapping[str, Value] = {**HARD_UP, "household_income_month": yuan(9000)}
