"""Small families under the shipped Chinese rules, for tests of explanations."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import cache

from explain.compose import Explainer
from explain.explanation import Explanation
from features.facts.population import Population, Subject
from features.facts.values import Gap, Holding, Known, Unknown, Value
from tests.sweep_world import cn_catalogue, cn_rulebook

ON_DATE = dt.date(2026, 3, 1)
SINCE = dt.date(2025, 12, 1)

HOME: dict[str, Value] = {
    "household_area": "440100",
    "household_size": 3,
    "household_income_month": Decimal(400_000),
    "household_assets_within_limit": True,
}
PERSON: dict[str, Value] = {
    "birth_date": dt.date(1985, 4, 10),
    "disability_certificate_status": "none",
    "seriously_ill": False,
    "work_capacity": "full",
    "is_student": False,
    "deceased": False,
    "declared_missing": False,
    "imprisoned": False,
}


@cache
def explainer() -> Explainer:
    """Explains the shipped Chinese benefits."""
    return Explainer(cn_catalogue(), cn_rulebook())


def holdings(values: dict[str, Value | Gap]) -> dict[str, Holding]:
    """Facts as a register told them; a gap in place of a value."""
    return {
        name: Unknown(value) if isinstance(value, Gap) else Known(value, "", SINCE) for name, value in values.items()
    }


def family(home: dict[str, Value | Gap] | None = None, *members: dict[str, Value | Gap]) -> Population:
    """The household `h` with its persons `p0`, `p1`, …; what is given replaces what is usual."""
    people = [
        Subject("person", f"p{number}", holdings({**PERSON, **own}), {"household_id": "h"})
        for number, own in enumerate(members or ({}, {}, {}))
    ]
    subjects = explainer().rulebook.vocabulary.subjects
    return Population(subjects, [Subject("household", "h", holdings({**HOME, **(home or {})}), {}), *people])


def explained(population: Population, benefit: str, subject: str = "h", on_date: dt.date = ON_DATE) -> Explanation:
    """One answer of the family."""
    kind = explainer().rulebook.benefits[benefit].benefit.subject
    return explainer().explain(population, benefit, population.listed[kind][subject], on_date)
