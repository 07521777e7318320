"""Facts of old age, illness, disability and death."""

from __future__ import annotations

import datetime as dt
import random

from features.made.town.people import BEIJING, GUANGZHOU, Household, Person
from features.made.town.working_life import RETIREMENT_AGE

CATEGORIES = ("physical", "physical", "visual", "hearing", "intellectual", "mental", "speech")
CHILD_OF_THE_OLD = ("none", "grade_1", "grade_2", "grade_3")


def grow_old(household: Household, rng: random.Random, today: dt.date) -> None:
    """Give everyone past working age, and everyone who is disabled or has died, their facts."""
    for person in household.members:
        age = person.age(today)
        if age >= RETIREMENT_AGE[person.sex]:
            _pension(person, age, rng)
            _cards(person, age, rng, today)
        if rng.random() < (0.02 if age < 60 else 0.08):
            _disability(person, age, rng, today)
        if age >= 70 and rng.random() < (0.06 if age < 80 else 0.2):
            _care(person, rng, today)
        if rng.random() < (0.0008 if age < 60 else 0.012):
            _death(person, rng, today)


def _pension(person: Person, age: int, rng: random.Random) -> None:
    employee = rng.random() < 0.62
    person.facts |= {
        "pension_in_payment": employee,
        "has_livelihood_source": employee or rng.random() < 0.9,
        "has_able_support_obligor": rng.random() < 0.93,
        "medical_insurance_scheme": "employee" if employee else "resident",
        "statutory_retirement_date": dt.date(person.birth.year + RETIREMENT_AGE[person.sex], person.birth.month, 1),
        "living_children": rng.choice((0, 1, 1, 2, 3)),
        "work_capacity": "none" if age >= 75 else "partial",
        "own_stable_income_month": round(rng.uniform(2200, 6500), 2) if employee else round(rng.uniform(200, 900), 2),
        "income_average_12_months": round(rng.uniform(2200, 6500), 2) if employee else round(rng.uniform(200, 900), 2),
    }
    if not employee:
        paid = rng.random() < 0.85
        person.facts |= {
            "resident_pension_contribution_years": float(rng.randrange(15, 25))
            if paid
            else float(rng.randrange(0, 14)),
            "resident_pension_account_balance": round(rng.uniform(3_000, 60_000), 2),
            "resident_pension_in_payment": paid and rng.random() < 0.8,
        }
    if person.home == BEIJING and person.birth.year >= 1933 and person.facts["living_children"] == 0:
        person.facts |= {"only_child_certificate": rng.random() < 0.4}
    elif person.facts["living_children"] == 1 and rng.random() < 0.5:
        person.facts |= {"only_child_certificate": True, "only_child_disability": rng.choice(CHILD_OF_THE_OLD)}


def _cards(person: Person, age: int, rng: random.Random, today: dt.date) -> None:
    if age >= 60 and rng.random() < 0.8:
        valid = today + dt.timedelta(days=rng.randrange(-60, 1500))
        person.facts |= {"senior_card_held": True, "senior_card_valid_to": valid}


def _disability(person: Person, age: int, rng: random.Random, today: dt.date) -> None:
    grade = rng.choices((1, 2, 3, 4), (0.15, 0.25, 0.3, 0.3))[0]
    category = rng.choice(CATEGORIES)
    person.facts |= {
        "disability_certificate_status": rng.choices(("valid", "expired", "none"), (0.85, 0.05, 0.1))[0],
        "disability_certificate_area": person.hukou,
        "disability_certificate_valid_to": today + dt.timedelta(days=rng.randrange(30, 3000)),
        "disability_grade": grade,
        "disability_category": category,
        "disability_intellectual_or_mental": category in ("intellectual", "mental"),
        "disability_multiple": rng.random() < 0.1,
        "receives_work_injury_nursing_fee": rng.random() < 0.03,
    }
    if grade <= 2:
        person.facts |= {"work_capacity": "none", "disability_state_months": rng.randrange(1, 240)}
        if age >= 18:
            person.facts["has_livelihood_source"] = rng.random() < 0.75


def _care(person: Person, rng: random.Random, today: dt.date) -> None:
    person.facts |= {
        "ability_level": rng.choice(("mild", "moderate", "severe")),
        "disability_state_months": rng.randrange(1, 60),
        "ltc_level": rng.choice(("none", "level_1", "level_2", "level_3")),
        "ltc_care_mode": rng.choice(("home", "home", "institution")),
        "ltc_assessment_valid_to": today + dt.timedelta(days=rng.randrange(-90, 700)),
        "ltc_months_received": rng.randrange(0, 14),
        "in_hospital": rng.random() < 0.05,
        "receives_elder_nursing_subsidy": rng.random() < 0.1,
    }


def _death(person: Person, rng: random.Random, today: dt.date) -> None:
    person.facts |= {
        "deceased": True,
        "death_date": today - dt.timedelta(days=rng.randrange(1, 300)),
        "death_work_related": rng.random() < 0.03,
        "death_grant_chosen": rng.choice(("not_yet", "not_yet", "pension")),
        "drew_unemployment_benefit_at_death": bool(person.facts.get("drawing_unemployment_benefit", False)),
        "senior_card_held": False,
    }
    if person.home.startswith(GUANGZHOU[:2]):
        person.facts |= {"death_grant_average_wage": 10_650.0, "death_grant_income_base": 4_941.0}
