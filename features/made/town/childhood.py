"""Facts of children: birth, school, childcare subsidy, and of the few whose parents cannot raise them."""

from __future__ import annotations

import datetime as dt
import random

from features.made.town.people import ADULT, Household, Person

UNABLE = ("imprisoned", "lost_contact", "drug_rehabilitation", "severe_disability", "declared_missing")
STAGES = ((6, "none"), (12, "primary"), (15, "junior"), (18, "senior"))


def raise_children(household: Household, rng: random.Random, today: dt.date) -> None:
    """Give every child of a household its facts."""
    for person in household.members:
        age = person.age(today)
        if age < ADULT:
            _school(person, age, rng)
            _parents(person, rng)
            if age <= 3:
                _early_years(person, age, rng, today)


def _school(child: Person, age: int, rng: random.Random) -> None:
    stage = next(name for limit, name in STAGES if age < limit)
    child.facts |= {
        "education_stage": stage,
        "is_student": stage != "none",
        "school_kind": "none" if stage == "none" else "ordinary",
        "boards_at_school": stage in ("junior", "senior") and rng.random() < 0.15,
        "work_capacity": "none",
    }
    if stage != "none":
        child.facts["school_area"] = child.home


def _parents(child: Person, rng: random.Random) -> None:
    child.facts |= {"mother_status": "able", "father_status": "able", "birth_lawful": True}
    if child.role != "left_behind":
        return
    fate = rng.random()
    if fate < 0.25:
        child.facts |= {"mother_status": "dead", "father_status": "dead", "orphan": rng.random() < 0.8}
        child.facts |= {"has_able_support_obligor": False, "has_livelihood_source": False}
    elif fate < 0.65:
        child.facts |= {"mother_status": rng.choice(UNABLE), "father_status": rng.choice((*UNABLE, "dead"))}
        child.facts["de_facto_unattended"] = rng.random() < 0.7


def _early_years(child: Person, age: int, rng: random.Random, today: dt.date) -> None:
    claimed = rng.random() < 0.7 and child.birth.year < today.year
    paid = min(max(age, 1), today.year - 2025) if claimed else 0
    child.facts |= {"childcare_subsidy_claimed_before": claimed, "childcare_subsidy_years_paid": max(paid, 0)}
    child.facts |= {"medical_insurance_scheme": "resident" if age or rng.random() < 0.8 else "none"}
