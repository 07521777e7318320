"""How today's facts came to be: homes, marriages, jobs, certificates, studies, births, deaths of the last ten years."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from features.city.columns import Columns, Numbers
from features.city.households import NOBODY
from features.city.past import Chronicle
from features.city.people import DECADE, People
from features.city.working_life import Employers, Work
from features.facts.population import NONE
from features.facts.subjects import PERSON

HOUSEHOLD, ENTERPRISE = "household", "enterprise"
HOME = ("residence_area", "residence_years", "holds_residence_permit", "residence_permit_area")
MARRIAGE = ("marital_status", "spouse_id")
WORK = ("enterprise_id", "employed", "has_employment_contract", "hired_on", "has_work_income")
UNEMPLOYMENT = ("unemployment_registered", "job_seeking_declared", "termination_reason", "drawing_unemployment_benefit")
SKILL = ("skill_certificate_held", "skill_certificate_level", "skill_certificate_issued_on")
STUDY = ("is_student", "education_stage", "school_kind", "final_year_student")
MOTHERHOOD = ("maternity_event", "maternity_event_date", "babies_born")
DEATH = ("deceased", "death_date")
CERTIFICATE = (
    "disability_certificate_status", "disability_certificate_valid_to", "disability_certificate_area",
    "disability_grade", "disability_category", "disability_multiple", "disability_intellectual_or_mental",
)  # fmt: skip


def recall(
    people: People,
    facts: Mapping[str, Columns],
    days: Mapping[str, Numbers],
    employers: Employers,
    work: Work,
    rng: np.random.Generator,
) -> Mapping[str, Chronicle]:
    """The past of everyone, by kind of subject."""
    of_persons = _Persons(people, facts[PERSON], days, rng)
    of_persons.homes()
    of_persons.marriages()
    of_persons.jobs(employers, work)
    of_persons.certificates()
    of_persons.studies_births_and_deaths()
    head = np.unique(people.household, return_index=True)[1]
    moved_in = np.maximum(people.birth[head], people.today - rng.integers(60, DECADE, people.households))
    households = Chronicle(facts[HOUSEHOLD], moved_in)
    return {PERSON: of_persons.past, HOUSEHOLD: households, ENTERPRISE: _enterprises(employers)}


class _Persons:
    """Adds the courses of persons to their chronicle."""

    def __init__(self, people: People, facts: Columns, days: Mapping[str, Numbers], rng: np.random.Generator) -> None:
        self.people, self.facts, self.days, self.rng = people, facts, days, rng
        on_record = people.today - DECADE - rng.integers(0, 3 * DECADE, people.n)
        self.past = Chronicle(facts, np.maximum(people.birth, on_record))
        self.never = np.zeros(people.n, dtype=np.int64)

    def same(self, **values: object) -> dict[str, pl.Series | None]:
        """Columns that say the same of everybody (None: nothing is known)."""
        return {name: None if value is None else self.past.constant(value, name) for name, value in values.items()}

    def homes(self) -> None:
        n, moved = self.people.n, self.days["moved"]
        neighbour = pl.Series(self.rng.integers(0, max(n, 1), n).astype(np.uint32))
        before = self.same(residence_years=3, holds_residence_permit=False, residence_permit_area=None)
        before["residence_area"] = self.facts["residence_area"].gather(neighbour)
        self.past.course(HOME, moved, (before, moved > 0, self.never))

    def marriages(self) -> None:
        n, wed, ended = self.people.n, self.days["married"], self.days["ended"]
        former = former_spouses(self.people)
        bereaved = former != NOBODY
        lost = np.where(bereaved, self.people.death[np.maximum(former, 0)], 0)
        began = np.max([wed, ended, lost], axis=0)
        single = self.same(marital_status="single", spouse_id=NONE)
        married = self.same(marital_status="married")
        named = self.people.ids.gather(pl.Series(np.maximum(former, 0).astype(np.uint32)))
        nothing = pl.Series([None], dtype=pl.String).new_from_index(0, n)
        married["spouse_id"] = named.zip_with(pl.Series(bereaved), nothing)
        once = began - self.rng.integers(800, 3_000, n)
        over = (ended > 0) | bereaved
        earlier = once - self.rng.integers(300, 3_000, n)
        self.past.course(MARRIAGE, began, (single, wed > 0, self.never), (married, over, once), (single, over, earlier))

    def jobs(self, employers: Employers, work: Work) -> None:
        n, ids = self.people.n, employers.facts.ids
        changed = np.where(work.employed | work.unemployed, work.since, 0)
        job_before = changed - self.rng.integers(60, 1_500, n)
        jobless = self.same(
            enterprise_id=NONE, employed=False, has_employment_contract=False, hired_on=None, has_work_income=False
        )
        other = self.same(enterprise_id=NONE, employed=True, has_employment_contract=True, has_work_income=True)
        if ids.len():
            other["enterprise_id"] = ids.gather(pl.Series(self.rng.integers(0, ids.len(), n).astype(np.uint32)))
        hired = np.maximum(job_before, self.past.first).astype(np.int32)
        other["hired_on"] = pl.Series(hired).cast(pl.Date)
        had_job = self.facts.flags("worked_before_this_job") | work.unemployed
        self.past.course(WORK, changed, (other, had_job, job_before), (jobless, changed > 0, self.never))
        at_work = self.same(
            unemployment_registered=False,
            job_seeking_declared=False,
            termination_reason=NONE,
            drawing_unemployment_benefit=False,
        )
        self.past.course(UNEMPLOYMENT, self.days["lost_work"], (at_work, work.unemployed, self.never))

    def certificates(self) -> None:
        issued = self.days["certified"]
        none = self.same(
            disability_certificate_status=NONE,
            disability_certificate_valid_to=None,
            disability_certificate_area=None,
            disability_grade=None,
            disability_category=None,
            disability_multiple=False,
            disability_intellectual_or_mental=False,
        )
        self.past.course(CERTIFICATE, issued, (none, issued > 0, self.never))
        skilled = self.facts["skill_certificate_issued_on"].cast(pl.Int32).fill_null(0).to_numpy()
        unskilled = self.same(
            skill_certificate_held=False, skill_certificate_level=None, skill_certificate_issued_on=None
        )
        self.past.course(SKILL, skilled, (unskilled, skilled > 0, self.never))

    def studies_births_and_deaths(self) -> None:
        graduated, gave_birth = self.days["graduated"], self.days["gave_birth"]
        studying = self.same(is_student=True, education_stage="higher", school_kind="ordinary", final_year_student=True)
        self.past.course(STUDY, graduated, (studying, graduated > 0, graduated - 4 * 365))
        childless = self.same(maternity_event=NONE, maternity_event_date=None, babies_born=0)
        self.past.course(MOTHERHOOD, gave_birth, (childless, gave_birth > 0, self.never))
        alive = self.same(deceased=False, death_date=None)
        self.past.course(DEATH, self.people.death, (alive, self.people.dead, self.never))


def former_spouses(people: People) -> Numbers:
    """Position of the dead spouse of everyone who is widowed and lived with them; NOBODY for all others."""
    dead_adults = np.flatnonzero(people.dead & (people.age >= 20))
    by_household = np.full(people.households, NOBODY, dtype=np.int64)
    by_household[people.household[dead_adults]] = dead_adults
    return np.where(people.widowed, by_household[people.household], NOBODY)


def _enterprises(employers: Employers) -> Chronicle:
    past = Chronicle(employers.facts, employers.founded)
    closed = employers.closed
    still = {"enterprise_deregistered": past.constant(False, "enterprise_deregistered")}
    past.course(("enterprise_deregistered",), closed, (still, closed > 0, np.zeros(len(closed), dtype=np.int64)))
    return past
