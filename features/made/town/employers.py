"""The town's enterprises: employers of those who are employed, and the businesses that inhabitants run."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from features.facts.population import NONE
from features.made.town.people import Person
from features.made.town.working_life import BUSINESS, EMPLOYED

PERSONS_PER_EMPLOYER = 14
TYPES = ("enterprise", "enterprise", "enterprise", "individual_business", "social_organisation")


@dataclass(slots=True)
class Enterprise:
    """One enterprise and the inhabitants who work there."""

    id: str
    home: str
    facts: dict[str, object] = field(default_factory=dict)
    staff: list[Person] = field(default_factory=list)


def found_enterprises(
    people: Iterable[Person], doing: Mapping[str, str], rng: random.Random, today: dt.date
) -> list[Enterprise]:
    """Enterprises for everyone who works in one; writes the link `enterprise_id` of all persons."""
    by_home: dict[str, list[Person]] = {}
    found: list[Enterprise] = []
    for person in people:
        person.links["enterprise_id"] = NONE
        if doing.get(person.id) == EMPLOYED:
            by_home.setdefault(person.home, []).append(person)
        elif doing.get(person.id) == BUSINESS:
            found.append(_new(len(found), person.home, [person]))
    for home, workers in sorted(by_home.items()):
        rng.shuffle(workers)
        while workers:
            size = max(1, int(rng.expovariate(1 / PERSONS_PER_EMPLOYER)))
            found.append(_new(len(found), home, workers[:size]))
            del workers[:size]
    for enterprise in found:
        _register(enterprise, rng, today)
    return found


def _new(number: int, home: str, staff: list[Person]) -> Enterprise:
    enterprise = Enterprise(f"e{number + 1}", home, staff=staff)
    for person in staff:
        person.links["enterprise_id"] = enterprise.id
    return enterprise


def _register(enterprise: Enterprise, rng: random.Random, today: dt.date) -> None:
    staff = enterprise.staff
    hired = [person.facts["hired_on"] for person in staff if isinstance(person.facts.get("hired_on"), dt.date)]
    first = min((day for day in hired if isinstance(day, dt.date)), default=today - dt.timedelta(days=400))
    registered = first - dt.timedelta(days=rng.randrange(10, 900))
    kind = "individual_business" if len(staff) == 1 and rng.random() < 0.6 else rng.choice(TYPES)
    certified = sum(person.facts.get("disability_certificate_status") == "valid" for person in staff)
    hitech = kind == "enterprise" and rng.random() < 0.08
    enterprise.facts |= {
        "registration_area": enterprise.home,
        "enterprise_registered_on": registered,
        "enterprise_type": kind,
        "enterprise_size": "micro" if len(staff) < 10 else "small" if len(staff) < 100 else "medium",
        "insured_headcount": len(staff),
        "average_headcount": float(len(staff)),
        "average_assets": round(rng.lognormvariate(14, 1.5), 2),
        "taxable_income_year": round(max(0.0, rng.gauss(900_000, 900_000)), 2),
        "disabled_employee_ratio": round(certified / len(staff), 4),
        "staff_average_wage_year": round(rng.uniform(60_000, 180_000), 2),
        "layoff_rate_previous_year": round(rng.choice((0.0, 0.0, 0.02, 0.04, 0.08, 0.3)), 4),
        "unemployment_premium_months_paid": min(12, (today - registered).days // 30),
        "unemployment_premium_previous_year": round(len(staff) * rng.uniform(400, 1200), 2),
        "vat_small_scale_taxpayer": len(staff) < 10,
        "six_taxes_due": round(rng.uniform(0, 9_000), 2),
        "tax_period_end": dt.date(today.year, 1, 31) if today.month > 1 else dt.date(today.year - 1, 12, 31),
        "hitech_certified": hitech,
        "enterprise_deregistered": rng.random() < 0.01,
        "labour_dispatch_company": kind == "enterprise" and rng.random() < 0.02,
        "on_abnormal_list": rng.random() < 0.02,
        "months_with_insured_employee": f"{max(first, _years_back(today)):%Y-%m}..{_last_month(today):%Y-%m}",
    }
    if hitech:
        enterprise.facts["hitech_certificate_valid_to"] = dt.date(today.year + rng.randrange(0, 3), 11, 30)


def _last_month(day: dt.date) -> dt.date:
    return day.replace(day=1) - dt.timedelta(days=1)


def _years_back(day: dt.date) -> dt.date:
    return dt.date(day.year - 3, 1, 1)
