"""What the departments do not hold. Gaps follow the ways of registers, not chance alone."""

from __future__ import annotations

import datetime as dt
import random

from features.made.town.homes import SHARE_CHECKED
from features.made.town.people import Household, Person

FROM_ELSEWHERE = (
    "hukou_type", "disability_certificate_status", "disability_grade", "only_child_certificate", "marital_status",
    "mother_status", "father_status", "pension_contribution_years", "birth_order",
)  # fmt: skip
"""Held where somebody is registered, and often not passed on to where they live."""
AFTER_A_CHECK = (
    "household_income_month", "household_income_year", "household_assets_within_limit", "housing_income_12_months",
    "housing_assets_within_limit",
)  # fmt: skip
"""Known only once a household's means were checked."""
FROM_AN_ASSESSMENT = ("disability_state_months", "ability_level", "ltc_level", "ltc_assessment_valid_to")
LATE_BIRTH_DAYS = 45
SHARE_NOT_PASSED_ON = 0.5
SHARE_NOT_ASSESSED = 0.35
SHARE_MISLAID = 0.002
NEVER_MISLAID = ("birth_date", "sex", "hukou_area", "residence_area")


def open_gaps(household: Household, rng: random.Random, today: dt.date) -> None:
    """Take away what no register would hold of a household and its members."""
    checked = rng.random() < SHARE_CHECKED or any(person.facts.get("receives_dibao") for person in household.members)
    if not checked:
        _forget(household.facts, AFTER_A_CHECK)
    for person in household.members:
        _of_person(person, rng, today)
    _mislay(household.facts, rng)


def _of_person(person: Person, rng: random.Random, today: dt.date) -> None:
    if person.hukou[:2] != person.home[:2] and rng.random() < SHARE_NOT_PASSED_ON:
        _forget(person.facts, FROM_ELSEWHERE)
    if person.age(today) >= 70 and rng.random() < SHARE_NOT_ASSESSED:
        _forget(person.facts, FROM_AN_ASSESSMENT)
    if (today - person.birth).days < LATE_BIRTH_DAYS:
        _forget(person.facts, ("birth_lawful", "birth_order", "medical_insurance_scheme"))
    if person.facts.get("rents_home_in_city") and not person.facts.get("lease_registered"):
        _forget(person.facts, ("rent_paid_month", "lease_registered"))
    _mislay(person.facts, rng)


def _forget(facts: dict[str, object], names: tuple[str, ...]) -> None:
    for name in names:
        facts[name] = None


def _mislay(facts: dict[str, object], rng: random.Random) -> None:
    for name in facts:
        if name not in NEVER_MISLAID and rng.random() < SHARE_MISLAID:
            facts[name] = None
