"""Facts of old age, illness and disability, of homes and of a household's means."""

from __future__ import annotations

import numpy as np

from features.city.columns import Columns, Flags
from features.city.margins import Margins
from features.city.people import DECADE, People
from features.city.working_life import Work

CATEGORIES = ("physical", "visual", "hearing", "intellectual", "mental", "speech")
LTC_LEVELS = ("none", "level_1", "level_2", "level_3")
FOREVER = 65_743
"""2149-12-31: the last day of a certificate that has no end."""


def certify_disabilities(people: People, facts: Columns, margins: Margins, rng: np.random.Generator) -> np.ndarray:
    """Disability certificates.

    Returns:
        The day of issue; 0 where there is none.
    """
    n, age = people.n, people.age
    rates = margins.rates
    share = np.where(
        age < 60, rates["holds_disability_certificate_under_60"], rates["holds_disability_certificate_from_60"]
    )
    holds = ~people.dead & (age >= 1) & (rng.random(n) < share)  # nobody is examined before
    expired = holds & (rng.random(n) < 0.05)
    facts.code("disability_certificate_status", ("none", "valid", "expired"), np.where(expired, 2, holds.astype(int)))
    facts.text("disability_certificate_area", people.hukou, holds)
    valid_to = np.where(rng.random(n) < 0.3, FOREVER, people.today + rng.integers(30, 3_000, n))
    facts.day(
        "disability_certificate_valid_to", np.where(expired, people.today - rng.integers(1, 300, n), valid_to), holds
    )
    grade = rng.choice((1, 2, 3, 4), n, p=(0.15, 0.25, 0.3, 0.3))
    facts.number("disability_grade", grade, holds)
    category = rng.choice(6, n, p=(0.45, 0.11, 0.16, 0.1, 0.15, 0.03))
    facts.code("disability_category", CATEGORIES, category, holds)
    facts.yes("disability_intellectual_or_mental", holds & ((category == 3) | (category == 4)))
    facts.yes("disability_multiple", holds & (rng.random(n) < 0.1))
    facts.yes("receives_work_injury_nursing_fee", holds & (rng.random(n) < 0.02))
    issued = people.today - rng.integers(20, int(DECADE * 1.4), n)
    return np.where(holds, np.maximum(issued, people.birth + 200), 0)


def grow_old(people: People, facts: Columns, work: Work, rng: np.random.Generator) -> None:
    """Pensions, cards, care, medical insurance."""
    n, age, today, alive = people.n, people.age, people.today, ~people.dead
    old = work.retired
    employee = old & (rng.random(n) < 0.62)
    facts.yes("pension_in_payment", employee)
    pension = np.where(employee, rng.integers(2_200, 6_500, n), rng.integers(200, 900, n)) * 100
    facts.number("own_stable_income_month", pension, old)
    facts.number("income_average_12_months", pension, old)
    facts.number("pension_contribution_years", rng.integers(15, 42, n), employee)
    paid = old & ~employee & (rng.random(n) < 0.85)
    facts.number("resident_pension_contribution_years", np.where(paid, 18, 8), old & ~employee)
    facts.number("resident_pension_account_balance", rng.integers(3_000, 60_000, n) * 100, old & ~employee)
    facts.yes("resident_pension_in_payment", paid & (age >= 60) & (rng.random(n) < 0.8))
    card = alive & (age >= 60) & (rng.random(n) < 0.8)
    facts.yes("senior_card_held", card)
    facts.day("senior_card_valid_to", today + rng.integers(-60, 1_500, n), card)
    insured_by_work = work.employed | employee | (work.flexible & facts.flags("pays_flexible_medical"))
    resident = ~insured_by_work & alive & (rng.random(n) < 0.93)
    scheme = np.select([insured_by_work, resident], [1, 2], 0)
    facts.code("medical_insurance_scheme", ("none", "employee", "resident"), scheme)
    facts.text("medical_insurance_area", np.full(n, "440100"), scheme > 0)
    in_time = (scheme > 0) & (rng.random(n) < 0.93)
    facts.yes("medical_enrolled_in_time", in_time)
    enrolled = np.maximum(today - rng.integers(20, 2_000, n), people.birth + 5)
    facts.day("medical_enrolled_on", enrolled, scheme > 0)
    facts.number("medical_gap_years", np.where(in_time | (age < 2), 0, rng.integers(0, 4, n)), scheme > 0)
    _care(people, facts, rng)
    veteran = alive & people.male & (age >= 30) & (rng.random(n) < 0.0005)
    grades = tuple(f"grade_{k}" for k in range(1, 11))
    facts.code("disabled_soldier_grade", ("none", *grades), np.where(veteran, rng.integers(1, 11, n), 0))


def _care(people: People, facts: Columns, rng: np.random.Generator) -> None:
    n, today = people.n, people.today
    frail = ~people.dead & (people.age >= 70) & (rng.random(n) < np.where(people.age < 80, 0.06, 0.2))
    facts.code("ability_level", ("intact", "mild", "moderate", "severe"), np.where(frail, rng.integers(1, 4, n), 0))
    facts.number("disability_state_months", rng.integers(1, 60, n), frail)
    level = np.where(frail, rng.integers(0, 4, n), 0)
    facts.code("ltc_level", LTC_LEVELS, level)
    facts.code("ltc_care_mode", ("none", "home", "institution"), np.where(level > 0, 1 + (rng.random(n) < 0.3), 0))
    facts.day("ltc_assessment_valid_to", today + rng.integers(-90, 700, n), level > 0)
    facts.number("ltc_months_received", rng.integers(0, 14, n), level > 0)
    facts.yes("in_hospital", frail & (rng.random(n) < 0.05))
    facts.yes("receives_elder_nursing_subsidy", frail & (rng.random(n) < 0.1))


def keep_house(people: People, persons: Columns, margins: Margins, rng: np.random.Generator) -> Columns:
    """Homes and a household's means.

    Returns:
        The facts of the households.
    """
    h, alive = people.households, ~people.dead
    rents_home = rng.random(h) < 0.45
    owned_area = np.where(rents_home, 0, np.round(rng.uniform(8, 45, h), 2))
    rent = rng.integers(900, 5_500, h) * 100
    adult = alive & (people.age >= 18)
    rents = rents_home[people.household] & adult
    persons.yes("rents_home_in_city", rents)
    persons.yes("owns_home_in_city", ~rents_home[people.household] & adult)
    persons.number("rent_paid_month", rent[people.household], rents)
    persons.yes("lease_registered", rents & (rng.random(h) < 0.5)[people.household])
    size = people.sum_by_household(alive)
    households = Columns(persons.vocabulary, "household", people.household_ids)
    poor = _need(people, persons, margins, rng)
    earned = people.sum_by_household(persons["income_average_12_months"].to_numpy() * alive)
    counted = np.rint(earned * np.where(poor, rng.uniform(0.02, 0.1, h), rng.uniform(0.85, 1.1, h)) / 100) * 100
    head = np.unique(people.household, return_index=True)[1]
    households.text("household_area", np.where(people.local, people.hukou, people.home)[head])
    households.number("household_size", np.maximum(size, 1))
    households.number("household_income_month", counted)
    households.number("household_income_year", counted * 12)
    households.number("household_members_over_60", people.sum_by_household(alive & (people.age >= 60)))
    households.yes("household_assets_within_limit", poor | (rng.random(h) < 0.1))
    households.number("housing_income_12_months", counted * 12)
    households.yes("housing_assets_within_limit", poor | (rng.random(h) < 0.5))
    households.number("owned_floor_area_per_head", owned_area)
    households.number("housing_protected_members", np.maximum(size, 1))
    households.number("rent_subsidy_area_coefficient", rng.choice((0.8, 1.0, 1.2), h))
    households.number("rent_subsidy_income_coefficient", rng.choice((0.5, 0.8, 1.0), h))
    _hardship(people, households, rng)
    return households


def _need(people: People, persons: Columns, margins: Margins, rng: np.random.Generator) -> Flags:
    """Which households are poor, and who of their members already receives what."""
    alive = ~people.dead
    disabled = people.sum_by_household((persons["disability_certificate_status"] == "valid").to_numpy()) > 0
    share = rng.random(people.households) * np.where(disabled, 0.1, 1)
    local = people.sum_by_household(people.local) > 0
    dibao = local & (share < margins.rates["receives_dibao"])
    margin = local & ~dibao & (share < margins.rates["receives_dibao"] + margins.rates["dibao_margin"])
    poor = share < 2.5 * (margins.rates["receives_dibao"] + margins.rates["dibao_margin"])
    on_dibao = dibao[people.household] & alive
    persons.yes("receives_dibao", on_dibao)
    persons.yes("receives_dibao_margin", margin[people.household] & alive)
    persons.number("own_assistance_month", rng.integers(200, 1_200, people.n) * 100, on_dibao)
    persons.day("economic_check_date", people.today - rng.integers(5, 300, people.n), on_dibao)
    ill = alive & poor[people.household] & (rng.random(people.n) < 0.15)
    persons.number("inpatient_own_payment_year", rng.integers(500, 40_000, people.n) * 100, ill)
    persons.number("outpatient_own_payment_year", rng.integers(100, 5_000, people.n) * 100, ill)
    persons.yes("seriously_ill", ill & (rng.random(people.n) < 0.3))
    return poor


def _hardship(people: People, households: Columns, rng: np.random.Generator) -> None:
    h = people.households
    hit = rng.random(h) < 0.015
    households.code("hardship_cause", ("none", "expenditure", "emergency"), np.where(hit, rng.integers(1, 3, h), 0))
    households.day("hardship_event_date", people.today - rng.integers(2, 80, h), hit)
    households.number("hardship_spending", rng.integers(2_000, 60_000, h) * 100, hit)
