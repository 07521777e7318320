"""Facts of households and of all their members alike: registration, home, income, hardship."""

from __future__ import annotations

import datetime as dt
import random

from features.made.town.people import ADULT, Household, Person

SHARE_CHECKED = 0.25
"""Households whose means a department has checked: those that ever asked for social assistance or housing."""


def keep_house(household: Household, rng: random.Random, today: dt.date) -> None:
    """Give a household and its members the facts of living where they live."""
    rents = rng.random() < (0.75 if household.kind in ("young_graduate", "single_worker") else 0.3)
    rent = round(rng.uniform(900, 5_500), 2)
    for person in household.members:
        _registered(person, rng, today)
        if person.age(today) >= ADULT:
            person.facts |= {
                "rents_home_in_city": rents,
                "owns_home_in_city": not rents,
                "rent_paid_month": rent if rents else 0.0,
                "lease_registered": rents and rng.random() < 0.5,
            }
    _means(household, rng, today, 0.0 if rents else round(rng.uniform(8, 45), 2))


def _registered(person: Person, rng: random.Random, today: dt.date) -> None:
    local = person.hukou[:4] == person.home[:4]
    permit = not local and person.age(today) >= 16 and rng.random() < 0.8
    person.facts |= {
        "birth_date": person.birth,
        "sex": person.sex,
        "hukou_area": person.hukou,
        "hukou_type": rng.choices(("urban", "rural"), (0.75, 0.25) if local else (0.4, 0.6))[0],
        "residence_area": person.home,
        "residence_years": min(person.age(today), rng.randrange(0, 30) if local else rng.randrange(0, 12)),
        "holds_residence_permit": permit,
        "bank_account_held": rng.random() < 0.85,
        "consent_given": rng.random() < 0.5,
    }
    person.facts.setdefault("has_livelihood_source", True)
    person.facts.setdefault("has_able_support_obligor", True)
    if permit:
        person.facts["residence_permit_area"] = person.home
    scheme = person.facts.setdefault("medical_insurance_scheme", "resident" if rng.random() < 0.94 else "none")
    if scheme != "none":
        person.facts |= {
            "medical_insurance_area": person.home,
            "medical_enrolled_in_time": rng.random() < 0.93,
            "medical_enrolled_on": today - dt.timedelta(days=rng.randrange(20, 2000)),
            "medical_gap_years": 0 if rng.random() < 0.92 else rng.randrange(1, 5),
        }


def _means(household: Household, rng: random.Random, today: dt.date, floor_area: float) -> None:
    people = household.members
    earned = sum(float(str(person.facts.get("income_average_12_months", 0.0))) for person in people)
    poor = rng.random() < 0.06
    income = round(earned * (rng.uniform(0.05, 0.3) if poor else rng.uniform(0.85, 1.1)), 2)
    size = len(people)
    household.facts |= {
        "household_area": people[0].hukou if rng.random() < 0.9 else household.home,
        "household_size": size,
        "household_income_month": income,
        "household_income_year": round(income * 12, 2),
        "household_members_over_60": sum(person.age(today) >= 60 for person in people),
        "household_assets_within_limit": poor or rng.random() < 0.1,
        "housing_income_12_months": round(income * 12, 2),
        "housing_assets_within_limit": poor or rng.random() < 0.5,
        "housing_protected_members": size,
        "owned_floor_area_per_head": floor_area,
        "rent_subsidy_area_coefficient": rng.choice((0.8, 1.0, 1.2)),
        "rent_subsidy_income_coefficient": rng.choice((0.5, 0.8, 1.0)),
    }
    if poor:
        _assistance(household, income / size, rng, today)
    if rng.random() < 0.02:
        household.facts |= {
            "hardship_cause": rng.choice(("expenditure", "emergency")),
            "hardship_event_date": today - dt.timedelta(days=rng.randrange(2, 300)),
            "hardship_spending": round(rng.uniform(2_000, 60_000), 2),
            "temporary_assistance_year": rng.choice((0.0, 0.0, 3_000.0)),
        }


def _assistance(household: Household, per_head: float, rng: random.Random, today: dt.date) -> None:
    """What a household in need already receives."""
    dibao = per_head < 1_200 and rng.random() < 0.7
    margin = not dibao and rng.random() < 0.5
    for person in household.members:
        person.facts |= {"receives_dibao": dibao, "receives_dibao_margin": margin}
        if dibao:
            person.facts["own_assistance_month"] = round(rng.uniform(200, 1_000), 2)
            person.facts["economic_check_date"] = today - dt.timedelta(days=rng.randrange(5, 300))
        if person.age(today) >= 60 and rng.random() < 0.3:
            person.facts |= {"has_livelihood_source": False, "has_able_support_obligor": False, "work_capacity": "none"}
        if rng.random() < 0.15:
            person.facts |= {
                "inpatient_own_payment_year": round(rng.uniform(500, 40_000), 2),
                "outpatient_own_payment_year": round(rng.uniform(100, 5_000), 2),
                "seriously_ill": rng.random() < 0.3,
            }
