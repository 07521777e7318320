"""Facts of work: jobs, unemployment, insurance, businesses, skills; and the enterprises that employ people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.city.columns import Columns, Flags, Numbers
from features.city.households import ADULT, NOBODY
from features.city.identities import enterprise_ids
from features.city.margins import Margins
from features.city.people import DECADE, People

RETIREMENT = {True: 61, False: 56}
LOST_WORK = ("contract_ended", "dismissed_by_employer", "agreed_on_employers_proposal", "resigned")
STARTERS = ("none", "student_or_graduate", "returned_to_home_town", "registered_unemployed", "veteran")
QUALIFICATIONS = ("none", "vocational", "college", "bachelor", "master", "doctor")
PERSONS_PER_EMPLOYER = 14.0
FIRST_MONTH = 1970 * 12


@dataclass(slots=True)
class Work:
    """Who does what: flags over the persons of a partition, and the day on which that began."""

    employed: Flags
    flexible: Flags
    unemployed: Flags
    business: Flags
    conscript: Flags
    since: Numbers
    retired: Flags
    graduated: Numbers
    """Day number; 0 where they did not graduate within the last ten years."""


def find_work(people: People, facts: Columns, margins: Margins, rng: np.random.Generator) -> Work:
    """Say who works, who looks for work and who has retired."""
    n, age, alive = people.n, people.age, ~people.dead
    limit = np.where(people.male, RETIREMENT[True], RETIREMENT[False])
    student = facts.flags("is_student")
    of_age = alive & (age >= ADULT) & (age < limit) & ~student & ~facts.flags("imprisoned")
    share = rng.random(n)
    bounds = np.cumsum([margins.rates[k] for k in ("employed", "flexible", "unemployed", "business")])
    kind = np.where(of_age, np.searchsorted(bounds, share, side="right"), -1)
    conscript = (kind == 4) & people.male & (age < 24) & (rng.random(n) < 0.25)
    since_adult = np.minimum((age - ADULT) * 365 + 20, DECADE)
    since = people.today - 1 - (rng.random(n) ** 1.7 * np.maximum(since_adult - 5, 5)).astype(np.int64) - 3
    june = people.today - (people.today - 180) % 365
    graduate = of_age & (age >= 22) & (age <= 32) & (rng.random(n) < 0.5)
    graduated = np.where(graduate, june - (age - 22) * 365, 0)
    graduated = np.where(graduated > people.today, graduated - 365, graduated)
    return Work(kind == 0, kind == 1, kind == 2, kind == 3, conscript, since, alive & (age >= limit), graduated)


def live_working_life(people: People, facts: Columns, work: Work, rng: np.random.Generator) -> None:
    """Facts of everyone of working age."""
    n, age, today = people.n, people.age, people.today
    adult = ~people.dead & (age >= ADULT)
    retirement = people.birth + np.where(people.male, RETIREMENT[True], RETIREMENT[False]) * 365.2425
    facts.day("statutory_retirement_date", retirement, age >= 16)
    level = rng.choice(6, n, p=(0.4, 0.2, 0.2, 0.15, 0.045, 0.005))
    level = np.where(work.graduated > 0, np.maximum(level, 2), level)
    facts.code("highest_qualification", QUALIFICATIONS, np.where(adult & ~facts.flags("is_student"), level, 0))
    facts.day("graduated_on", work.graduated, work.graduated > 0)
    facts.code("work_capacity", ("none", "partial", "full"), np.select([~adult | (age >= 75), age >= 60], [0, 1], 2))
    wage = np.clip(rng.lognormal(8.85, 0.55, n), 2_500, 60_000)
    _employed(people, facts, work, wage, rng)
    _flexible(people, facts, work, wage, rng)
    _unemployed(people, facts, work, wage, rng)
    facts.yes("runs_enterprise", work.business)
    facts.yes("has_business_registration", work.business)
    facts.code("startup_category", STARTERS, rng.choice(5, n, p=(0.6, 0.1, 0.12, 0.1, 0.08)), work.business)
    facts.yes("startup_grant_received", work.business & (rng.random(n) < 0.4))
    earning = work.employed | work.flexible | work.business
    facts.yes("has_work_income", earning)
    facts.text("workplace_area", people.home, earning)
    income = np.select(
        [work.employed, work.flexible, work.business, work.unemployed], [wage, wage * 0.7, wage * 1.4, 300.0], 0
    )
    facts.number("income_average_12_months", np.rint(income) * 100)
    facts.number("own_stable_income_month", np.rint(income) * 100)
    facts.yes("has_livelihood_source", ~people.dead & ((age < 60) | (rng.random(n) < 0.985)))
    facts.yes("has_able_support_obligor", ~people.dead & ((age < 60) | (rng.random(n) < 0.96)) & ~facts.flags("orphan"))
    facts.yes("conscript", work.conscript)
    facts.day("enlistment_date", today - rng.integers(30, 700, n), work.conscript)
    facts.text("enlistment_area", people.hukou, work.conscript)
    held = (work.employed | work.unemployed) & (rng.random(n) < 0.08)
    facts.yes("skill_certificate_held", held)
    facts.code("skill_certificate_level", ("level_5", "level_4", "level_3"), rng.integers(0, 3, n), held)
    facts.day("skill_certificate_issued_on", today - rng.integers(10, 2_000, n), held)
    facts.yes("skill_certificate_paid", held & (rng.random(n) < 0.5))


def month_of(days: Numbers) -> Numbers:
    """Month numbers (year * 12 + month - 1) of day numbers."""
    months = np.asarray(days).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months + FIRST_MONTH


def _employed(people: People, facts: Columns, work: Work, wage: Numbers, rng: np.random.Generator) -> None:
    n, who, age = people.n, work.employed, people.age
    last = month_of(np.full(n, people.today)) - 1
    facts.yes("employed", who)
    facts.yes("has_employment_contract", who)
    facts.day("hired_on", work.since, who)
    facts.number("employment_contract_months", rng.choice((12, 36, 60, 1200), n), who)
    facts.yes("worked_before_this_job", who & (rng.random(n) < 0.7))
    for name in ("contributed_months", "current_employer_months"):
        facts.months(name, month_of(work.since), last, who)
    years = (people.today - work.since) / 365.25 + rng.random(n) * np.maximum(age - 24, 0)
    facts.number("pension_contribution_years", np.round(years, 1), who)
    facts.number("unemployment_insurance_months_total", np.floor(years * 12), who)
    facts.yes("insured_and_paying", who)
    facts.text("insured_area", np.full(n, "440100"), who | work.flexible | work.unemployed)
    facts.number("average_insured_wage_12_months", np.rint(wage) * 100, who | work.unemployed)
    facts.number("employer_average_wage_month", np.rint(wage * rng.uniform(0.8, 1.3, n)) * 100, who)
    facts.yes("maternity_insured", who)
    fund = who & (rng.random(n) < 0.65)
    facts.code("housing_fund_account_status", ("none", "normal"), fund.astype(int))
    facts.text("housing_fund_area", np.full(n, "440100"), fund)
    facts.months("housing_fund_months", np.maximum(month_of(work.since), last - 60), last, fund)
    facts.number("housing_fund_balance", np.rint(wage * rng.uniform(1, 30, n)) * 10, fund)


def _flexible(people: People, facts: Columns, work: Work, wage: Numbers, rng: np.random.Generator) -> None:
    n, who = people.n, work.flexible
    pays = who & (rng.random(n) < 0.7)
    used = np.where(pays & (rng.random(n) < 0.3), rng.choice((6, 12, 24), n), 0)
    facts.yes("flexible_employment_registered", who & (rng.random(n) < 0.6))
    facts.day("flexible_registered_on", work.since, who)
    hard = who & (people.age >= 45) & (rng.random(n) < 0.6)
    facts.yes("hardship_employment_recognised", hard)
    facts.yes("pays_flexible_pension", pays)
    facts.yes("pays_flexible_medical", pays & (rng.random(n) < 0.9))
    facts.number("social_insurance_paid_month", rng.integers(900, 1600, n) * 100, pays)
    facts.number("si_subsidy_months_used", used)
    facts.day("si_subsidy_first_granted_on", people.today - used * 31, used > 0)
    facts.number("pension_contribution_years", rng.integers(0, 20, n), who)


def _unemployed(people: People, facts: Columns, work: Work, wage: Numbers, rng: np.random.Generator) -> None:
    n, who = people.n, work.unemployed
    left = np.maximum(work.since, people.today - 500)
    work.since = np.where(who, left, work.since)
    months = (rng.random(n) * np.maximum(people.age - ADULT, 1) * 10).astype(np.int64)
    drawing = who & (months >= 12) & (rng.random(n) < 0.7)
    facts.code("termination_reason", ("none", *LOST_WORK), np.where(who, rng.integers(1, 5, n), 0))
    facts.yes("unemployment_registered", who & (rng.random(n) < 0.9))
    facts.yes("job_seeking_declared", who & (rng.random(n) < 0.9))
    facts.number("unemployment_insurance_months_total", months, who)
    facts.yes("drawing_unemployment_benefit", drawing)
    drawn = np.minimum((people.today - work.since) // 30, 20)
    facts.number("unemployment_benefit_months_drawn", drawn, drawing)
    facts.text("unemployment_payment_area", np.full(n, "440100"), who)
    facts.number("pension_contribution_years", np.round(months / 12, 1), who)


@dataclass(slots=True)
class Employers:
    """The enterprises of a partition.

    Attributes:
        facts: their facts.
        of: position of everybody's enterprise, NOBODY for none.
        founded: day numbers.
        closed: day numbers, 0 for those that still exist.
        founder: position of the person who runs it, NOBODY for none on record.
    """

    facts: Columns
    of: np.ndarray
    founded: Numbers
    closed: Numbers
    founder: np.ndarray


def found_enterprises(people: People, facts: Columns, work: Work, rng: np.random.Generator) -> Employers:
    """Employers for all who are employed, district by district, and one business for everyone who runs one."""
    of = np.full(people.n, NOBODY, dtype=np.int32)
    workers = np.flatnonzero(work.employed)
    workers = workers[np.lexsort((rng.random(len(workers)), people.home[workers]))]
    sizes = np.maximum(1, rng.exponential(PERSONS_PER_EMPLOYER, len(workers) + 1).astype(np.int64))
    ends = np.cumsum(sizes)
    count = int(np.searchsorted(ends, len(workers), side="left")) + 1 if len(workers) else 0
    of[workers] = np.searchsorted(ends, np.arange(len(workers)), side="right")
    owners = np.flatnonzero(work.business)
    of[owners] = count + np.arange(len(owners))
    total = count + len(owners)
    founder = np.full(total, NOBODY, dtype=np.int32)
    founder[count:] = owners
    facts.link("enterprise_id", of, ids := enterprise_ids(people.partition, total))
    enterprises = Columns(facts.vocabulary, "enterprise", ids)
    return _describe(people, facts, enterprises, of, founder, work, rng)


def _describe(
    people: People,
    persons: Columns,
    facts: Columns,
    of: np.ndarray,
    founder: np.ndarray,
    work: Work,
    rng: np.random.Generator,
) -> Employers:
    n, today, has = facts.n, people.today, of != NOBODY
    staff = np.bincount(of[has], minlength=n)
    first = np.full(n, today - 30, dtype=np.int64)
    np.minimum.at(first, of[has], work.since[has])
    founded = first - rng.integers(10, 900, n)
    home = np.full(n, people.home[0] if people.n else "440106")
    home[of[has]] = people.home[has]
    certified = np.bincount(
        of[has], weights=persons["disability_certificate_status"].eq("valid").to_numpy()[has], minlength=n
    )
    small = staff < 2
    kinds = ("enterprise", "individual_business", "social_organisation", "public_body")
    kind = np.where(small & (rng.random(n) < 0.6), 1, rng.choice(4, n, p=(0.86, 0.08, 0.03, 0.03)))
    facts.code("enterprise_type", kinds, kind)
    facts.text("registration_area", home)
    facts.day("enterprise_registered_on", founded)
    facts.code("enterprise_size", ("micro", "small", "medium"), np.select([staff < 10, staff < 100], [0, 1], 2))
    facts.number("insured_headcount", np.maximum(staff, 1))
    facts.number("average_headcount", np.maximum(staff, 1))
    facts.number("average_assets", np.rint(rng.lognormal(14, 1.5, n)) * 100)
    facts.number("taxable_income_year", np.rint(np.maximum(0, rng.normal(900_000, 900_000, n))) * 100)
    facts.number("disabled_employee_ratio", np.round(certified / np.maximum(staff, 1), 4))
    facts.number("staff_average_wage_year", rng.integers(60_000, 180_000, n) * 100)
    facts.number("layoff_rate_previous_year", rng.choice((0.0, 0.0, 0.02, 0.04, 0.08, 0.3), n))
    facts.number("unemployment_premium_months_paid", np.clip((today - founded) // 30, 0, 12))
    facts.number("unemployment_premium_previous_year", np.maximum(staff, 1) * rng.integers(400, 1200, n) * 100)
    facts.yes("vat_small_scale_taxpayer", staff < 10)
    facts.number("six_taxes_due", rng.integers(0, 9_000, n) * 100)
    period = np.asarray(np.full(n, today)).astype("datetime64[D]").astype("datetime64[M]").astype("datetime64[D]")
    facts.day("tax_period_end", period.astype(np.int64) - 32)
    hitech = (kind == 0) & (rng.random(n) < 0.08)
    facts.yes("hitech_certified", hitech)
    facts.day("hitech_certificate_valid_to", today + rng.integers(100, 1000, n), hitech)
    closed = (founder != NOBODY) & (rng.random(n) < 0.03)
    facts.yes("enterprise_deregistered", closed)
    facts.yes("labour_dispatch_company", (kind == 0) & (rng.random(n) < 0.02))
    facts.yes("on_abnormal_list", rng.random(n) < 0.02)
    last = month_of(np.full(n, today)) - 1
    facts.months("months_with_insured_employee", np.maximum(month_of(first), last - 36), last, staff > 0)
    closing = np.where(closed, np.maximum(today - rng.integers(2, 300, n), founded + 5), 0)
    return Employers(facts, of, founded, closing, founder)
