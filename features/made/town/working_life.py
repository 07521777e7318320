"""Facts of working age: jobs, insurance, losing work, starting a business, having a child while insured."""

from __future__ import annotations

import datetime as dt
import random

from features.made.town.people import ADULT, GUANGDONG, GUANGZHOU, Household, Person

RETIREMENT_AGE = {"male": 61, "female": 56}
LOST_WORK = ("contract_ended", "dismissed_by_employer", "agreed_on_employers_proposal", "resigned")
STARTERS = ("student_or_graduate", "returned_to_home_town", "registered_unemployed", "veteran", *("none",) * 5)
EMPLOYED, FLEXIBLE, UNEMPLOYED, BUSINESS, STUDENT, CONSCRIPT, AT_HOME = (
    "employed", "flexible", "unemployed", "business", "student", "conscript", "at_home",
)  # fmt: skip
AT_WORK = ((EMPLOYED, 0.7), (FLEXIBLE, 0.1), (UNEMPLOYED, 0.07), (BUSINESS, 0.04), (AT_HOME, 0.09))


def work_of(person: Person, rng: random.Random, today: dt.date) -> str | None:
    """What a person does; None below and above working age."""
    age = person.age(today)
    if age < ADULT or age >= RETIREMENT_AGE[person.sex]:
        return None
    if age < 23 and person.role != "graduate" and rng.random() < 0.45:
        return CONSCRIPT if person.sex == "male" and rng.random() < 0.08 else STUDENT
    (found,) = rng.choices([kind for kind, _ in AT_WORK], [share for _, share in AT_WORK])
    return found


def live_working_life(household: Household, rng: random.Random, today: dt.date) -> dict[str, str]:
    """Give everyone of working age their facts.

    Returns:
        What each does, by id.
    """
    doing: dict[str, str] = {}
    for person in household.members:
        kind = work_of(person, rng, today)
        if kind is None:
            continue
        doing[person.id] = kind
        person.facts["statutory_retirement_date"] = _add_years(person.birth, RETIREMENT_AGE[person.sex])
        person.facts |= {"work_capacity": "full", "has_livelihood_source": kind != AT_HOME}
        _education(person, kind, rng, today)
        if kind == EMPLOYED:
            _employed(person, rng, today)
        elif kind == FLEXIBLE:
            _flexible(person, rng, today)
        elif kind == UNEMPLOYED:
            _unemployed(person, rng, today)
        elif kind == BUSINESS:
            _business(person, rng)
        elif kind == CONSCRIPT:
            person.facts |= {"conscript": True, "enlistment_date": today - dt.timedelta(days=rng.randrange(30, 700))}
            person.facts["enlistment_area"] = person.hukou
        if kind == EMPLOYED and person.is_woman:
            _maternity(person, household, rng, today)
    return doing


def _education(person: Person, kind: str, rng: random.Random, today: dt.date) -> None:
    levels = ("vocational", "college", "bachelor", "bachelor", "master") if person.role == "graduate" else ()
    person.facts["highest_qualification"] = rng.choice(levels or ("none", "vocational", "college", "bachelor"))
    if kind == STUDENT:
        person.facts |= {
            "is_student": True,
            "education_stage": "higher",
            "school_kind": "ordinary",
            "school_area": person.home,
            "final_year_student": rng.random() < 0.25,
            "has_had_student_loan": rng.random() < 0.15,
            "medical_insurance_scheme": "resident",
        }
    elif person.role == "graduate":
        june = dt.date(today.year, 6, 30)
        person.facts["graduated_on"] = june.replace(year=today.year - rng.choice((0, 1, 1, 2)) - (june > today))
    person.facts |= {"skill_certificate_held": rng.random() < 0.08}
    if person.facts["skill_certificate_held"]:
        person.facts["skill_certificate_level"] = rng.choice(("level_5", "level_4", "level_3"))
        person.facts["skill_certificate_issued_on"] = today - dt.timedelta(days=rng.randrange(10, 600))


def _employed(person: Person, rng: random.Random, today: dt.date) -> None:
    wage = _wage(rng)
    limit = 30 if person.role == "graduate" else 140
    months = rng.randrange(1, max(2, min(limit, (person.age(today) - ADULT) * 12 + 2)))
    hired = _months_before(today, months)
    years = round(months / 12 + rng.random() * max(0, person.age(today) - 24), 1)
    person.facts |= {
        "employed": True,
        "has_employment_contract": True,
        "hired_on": hired,
        "employment_contract_months": rng.choice((12, 36, 36, 60, 1200)),
        "worked_before_this_job": person.role != "graduate" or rng.random() < 0.3,
        "employer_average_wage_month": round(wage * rng.uniform(0.8, 1.3), 2),
        "contributed_months": _span(hired, today),
        "current_employer_months": _span(hired, today),
        "pension_contribution_years": years,
        "unemployment_insurance_months_total": int(years * 12),
        "workplace_area": person.home,
        "maternity_insured": True,
    }
    _insured(person, wage, "employee")
    if rng.random() < 0.65:
        person.facts |= {
            "housing_fund_account_status": "normal",
            "housing_fund_area": person.home,
            "housing_fund_months": _span(hired, today),
            "housing_fund_balance": round(wage * 0.2 * months * rng.uniform(0.3, 1), 2),
        }
    if rng.random() < 0.02:  # was out of work until lately
        left = rng.randrange(1, 12)
        person.facts |= {"unemployment_benefit_months_left": left, "unemployment_benefit_granted_month": 2070.0}
        person.facts["unemployment_payment_area"] = person.home


def _flexible(person: Person, rng: random.Random, today: dt.date) -> None:
    wage = _wage(rng) * 0.7
    pays = rng.random() < 0.7
    used = rng.choice((0, 6, 12, 24, 36))
    person.facts |= {
        "has_work_income": True,
        "flexible_employment_registered": rng.random() < 0.6,
        "flexible_registered_on": today - dt.timedelta(days=rng.randrange(5, 900)),
        "hardship_employment_recognised": person.age(today) >= 45 and rng.random() < 0.6,
        "pays_flexible_pension": pays,
        "pays_flexible_medical": pays and rng.random() < 0.9,
        "social_insurance_paid_month": round(rng.uniform(900, 1600), 2) if pays else 0.0,
        "si_subsidy_months_used": used,
        "pension_contribution_years": float(rng.randrange(0, 20)),
        "workplace_area": person.home,
    }
    if used:
        person.facts["si_subsidy_first_granted_on"] = _months_before(today, used)
    _insured(person, wage, "employee" if pays else "resident")


def _unemployed(person: Person, rng: random.Random, today: dt.date) -> None:
    months = rng.randrange(0, max(2, (person.age(today) - ADULT) * 9 + 2))
    drawn = rng.randrange(0, 10)
    person.facts |= {
        "termination_reason": rng.choice(LOST_WORK),
        "unemployment_registered": rng.random() < 0.85,
        "job_seeking_declared": rng.random() < 0.9,
        "unemployment_insurance_months_total": months,
        "unemployment_benefit_months_drawn": drawn,
        "drawing_unemployment_benefit": drawn > 0,
        "unemployment_payment_area": person.home,
        "insured_area": person.home,
        "average_insured_wage_12_months": _wage(rng),
        "pension_contribution_years": round(months / 12, 1),
        "medical_insurance_scheme": rng.choice(("employee", "resident", "none")),
        "income_average_12_months": round(_wage(rng) * 0.3, 2),
    }


def _business(person: Person, rng: random.Random) -> None:
    person.facts |= {
        "runs_enterprise": True,
        "has_business_registration": True,
        "has_work_income": True,
        "startup_category": rng.choice(STARTERS),
        "startup_grant_received": rng.random() < 0.4,
        "workplace_area": person.home,
        "works_in_east_west_north_guangdong": person.home.startswith("4418"),
    }
    _insured(person, _wage(rng) * 1.4, "employee")


def _insured(person: Person, wage: float, scheme: str) -> None:
    person.facts |= {
        "insured_and_paying": scheme == "employee",
        "insured_area": person.home,
        "medical_insurance_scheme": scheme,
        "average_insured_wage_12_months": round(wage, 2),
        "income_average_12_months": round(wage, 2),
        "own_stable_income_month": round(wage, 2),
        "has_work_income": True,
    }
    if person.home.startswith(GUANGDONG[:2]) and not person.home.startswith(GUANGZHOU[:4]):
        person.facts["works_in_east_west_north_guangdong"] = person.home == "441800"


def _maternity(woman: Person, household: Household, rng: random.Random, today: dt.date) -> None:
    births = [m.birth for m in household.members if m.links.get("mother_id") == woman.id]
    if births and (today - max(births)).days < 400:
        woman.facts |= {
            "maternity_event": "dystocia" if rng.random() < 0.25 else "birth",
            "maternity_event_date": max(births),
            "babies_born": births.count(max(births)),
        }


def _wage(rng: random.Random) -> float:
    return round(min(60_000.0, max(2_500.0, rng.lognormvariate(8.85, 0.55))), 2)


def _months_before(day: dt.date, months: int) -> dt.date:
    number = day.year * 12 + day.month - 1 - months
    return dt.date(number // 12, number % 12 + 1, 1)


def _span(start: dt.date, today: dt.date) -> str:
    """The calendar months from a day to the last full month, as files write them."""
    last = _months_before(today, 1)
    return f"{start:%Y-%m}..{last:%Y-%m}" if start <= last else ""


def _add_years(day: dt.date, years: int) -> dt.date:
    return dt.date(day.year + years, day.month, min(day.day, 28))
