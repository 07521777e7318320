"""One partition of the city, complete: people, households, enterprises, their facts and how these came about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.city.civil_life import marry, mourn, raise_children, register
from features.city.columns import Columns
from features.city.households import NOBODY, Pool
from features.city.later_life import certify_disabilities, grow_old, keep_house
from features.city.margins import Margins
from features.city.past import Chronicle
from features.city.people import DECADE, People, settle
from features.city.working_life import Employers, Work, find_work, found_enterprises, live_working_life
from features.facts.population import NONE
from features.facts.subjects import PERSON
from features.facts.vocabulary import Vocabulary

HOUSEHOLD, ENTERPRISE = "household", "enterprise"
CERTIFICATE = (
    "disability_certificate_status", "disability_certificate_valid_to", "disability_certificate_area", "disability_grade",
    "disability_category", "disability_multiple", "disability_intellectual_or_mental",
)  # fmt: skip
WORK = ("enterprise_id", "employed", "has_employment_contract", "hired_on", "has_work_income")
UNEMPLOYMENT = ("unemployment_registered", "job_seeking_declared", "termination_reason", "drawing_unemployment_benefit")
SKILL = ("skill_certificate_held", "skill_certificate_level", "skill_certificate_issued_on")
STUDY = ("is_student", "education_stage", "school_kind", "final_year_student")
MOTHERHOOD = ("maternity_event", "maternity_event_date", "babies_born")


@dataclass(frozen=True, slots=True)
class Quarter:
    """A partition: no relation leaves it.

    Attributes:
        people: who lives there.
        facts: true facts by kind of subject.
        past: how they came about, by kind of subject.
        listed: which subjects there still are on any record (a household whose last member died is not).
    days: by what happened, the day on which it happened to each person (day number, 0: it did not).
        employers: the enterprises.
        work: what people do.
    """

    people: People
    facts: Mapping[str, Columns]
    past: Mapping[str, Chronicle]
    listed: Mapping[str, np.ndarray]
    days: Mapping[str, np.ndarray]
    employers: Employers
    work: Work


def make_quarter(
    vocabulary: Vocabulary, margins: Margins, pool: Pool, persons: int, partition: int, seed: int, today: dt.date
) -> Quarter:
    """Make one partition; the same arguments make the same one."""
    rng = np.random.default_rng([seed, partition])
    people = settle(pool, margins, persons, partition, today, rng)
    facts = Columns(vocabulary, PERSON, people.ids)
    days = {**register(people, facts, margins, rng), **marry(people, facts, margins, rng)}
    raise_children(people, facts, rng)
    work = find_work(people, facts, margins, rng)
    live_working_life(people, facts, work, rng)
    mourn(people, facts, rng)
    days["certified"] = certify_disabilities(people, facts, margins, rng)
    employers = found_enterprises(people, facts, work, rng)
    grow_old(people, facts, work, rng)
    days["gave_birth"] = _motherhood(people, facts, rng)
    households = keep_house(people, facts, margins, rng)
    days |= {"graduated": work.graduated, "died": people.death, "at_work": np.where(work.employed, work.since, 0),
             "lost_work": np.where(work.unemployed, work.since, 0)}  # fmt: skip
    every = {PERSON: facts, HOUSEHOLD: households, ENTERPRISE: employers.facts}
    past = _past(people, every, days, employers, work, rng)
    members = people.sum_by_household((facts["household_id"] != NONE).to_numpy())
    listed = {kind: np.ones(columns.n, dtype=bool) for kind, columns in every.items()} | {HOUSEHOLD: members > 0}
    return Quarter(people, every, past, listed, days, employers, work)


def _motherhood(people: People, facts: Columns, rng: np.random.Generator) -> np.ndarray:
    """Births within the last 400 days, on their mothers' record."""
    latest = np.zeros(people.n + 1, dtype=np.int64)
    babies = (people.mother != NOBODY) & (people.birth > people.today - 400)
    np.maximum.at(latest, people.mother[babies], people.birth[babies])
    day = latest[:-1]
    mother = (day > 0) & ~people.dead
    facts.code("maternity_event", ("none", "birth", "dystocia"), np.where(mother, 1 + (rng.random(people.n) < 0.25), 0))
    facts.day("maternity_event_date", day, mother)
    facts.number("babies_born", np.ones(people.n), mother)
    return np.where(mother, day, 0)


def _past(
    people: People, facts: Mapping[str, Columns], days: Mapping[str, np.ndarray], employers: Employers, work: Work,
    rng: np.random.Generator,
) -> Mapping[str, Chronicle]:  # fmt: skip
    n, persons = people.n, facts[PERSON]
    first = np.maximum(people.birth, people.today - DECADE - rng.integers(0, 3 * DECADE, n))
    past = Chronicle(persons, first)
    same, none = past.constant, np.zeros(n)
    always = np.ones(n, dtype=bool)
    moved = days["moved"]
    elsewhere = persons["residence_area"].gather(pl.Series(rng.integers(0, max(n, 1), n).astype(np.uint32)))
    before = {"residence_area": elsewhere, "residence_years": same(3, "residence_years"),
              "holds_residence_permit": same(False, "holds_residence_permit"), "residence_permit_area": None}  # fmt: skip
    past.course(tuple(before), moved, (before, moved > 0, none))
    wed, ended, lost = days["married"], days["ended"], _spouse_died(people)
    single = {"marital_status": same("single", "marital_status"), "spouse_id": same("none", "spouse_id")}
    married = {"marital_status": same("married", "marital_status"), "spouse_id": _former_spouse(people)}
    began = np.max([wed, ended, lost], axis=0)
    once = began - rng.integers(800, 3_000, n)
    past.course(
        ("marital_status", "spouse_id"), began, (single, wed > 0, none), (married, (ended > 0) | (lost > 0), once),
        (single, (ended > 0) | (lost > 0), once - rng.integers(300, 3_000, n)),
    )  # fmt: skip
    changed = np.where(work.employed | work.unemployed, work.since, 0)
    earlier_job = rng.integers(0, max(employers.facts.n, 1), n).astype(np.int32)
    ids = employers.facts.ids
    job_before = changed - rng.integers(60, 1_500, n)
    other = {
        "enterprise_id": ids.gather(pl.Series(earlier_job.astype(np.uint32))) if ids.len() else same("none", "enterprise_id"),
        "employed": same(True, "employed"), "has_employment_contract": same(True, "has_employment_contract"),
        "hired_on": pl.Series(np.maximum(job_before, first).astype(np.int32)).cast(pl.Date),
        "has_work_income": same(True, "has_work_income"),
    }  # fmt: skip
    jobless = {"enterprise_id": same("none", "enterprise_id"), "employed": same(False, "employed"), "hired_on": None,
               "has_employment_contract": same(False, "has_employment_contract"),
               "has_work_income": same(False, "has_work_income")}  # fmt: skip
    had_job = persons.flags("worked_before_this_job") | work.unemployed
    past.course(WORK, changed, (other, had_job, job_before), (jobless, changed > 0, none))
    at_work = {name: same("none" if name == "termination_reason" else False, name) for name in UNEMPLOYMENT}
    past.course(UNEMPLOYMENT, days["lost_work"], (at_work, work.unemployed, none))
    uncertified = {name: None for name in CERTIFICATE} | {
        name: same(False, name) for name in ("disability_multiple", "disability_intellectual_or_mental")
    }
    uncertified["disability_certificate_status"] = same("none", "disability_certificate_status")
    past.course(CERTIFICATE, days["certified"], (uncertified, days["certified"] > 0, none))
    issued = _days(persons["skill_certificate_issued_on"])
    unskilled = {"skill_certificate_held": same(False, "skill_certificate_held"),
                 "skill_certificate_level": None, "skill_certificate_issued_on": None}  # fmt: skip
    past.course(SKILL, issued, (unskilled, issued > 0, none))
    graduated = days["graduated"]
    studying = {"is_student": same(True, "is_student"), "education_stage": same("higher", "education_stage"),
                "school_kind": same("ordinary", "school_kind"), "final_year_student": same(True, "final_year_student")}  # fmt: skip
    past.course(STUDY, graduated, (studying, graduated > 0, graduated - 4 * 365))
    alive = {"deceased": same(False, "deceased"), "death_date": None}
    past.course(("deceased", "death_date"), people.death, (alive, people.dead, none))
    childless = {"maternity_event": same("none", "maternity_event"), "maternity_event_date": None,
                 "babies_born": same(0, "babies_born")}  # fmt: skip
    past.course(MOTHERHOOD, days["gave_birth"], (childless, always, none))
    return {PERSON: past, HOUSEHOLD: _households(people, facts[HOUSEHOLD], rng), ENTERPRISE: _enterprises(employers)}


def _households(people: People, facts: Columns, rng: np.random.Generator) -> Chronicle:
    head = np.unique(people.household, return_index=True)[1]
    first = np.maximum(people.birth[head], people.today - rng.integers(60, DECADE, people.households))
    return Chronicle(facts, first)


def _enterprises(employers: Employers) -> Chronicle:
    past = Chronicle(employers.facts, employers.founded)
    closed = employers.closed
    still = {"enterprise_deregistered": past.constant(False, "enterprise_deregistered")}
    past.course(("enterprise_deregistered",), closed, (still, closed > 0, np.zeros(len(closed))))
    return past


def _spouse_died(people: People) -> np.ndarray:
    """The day on which a spouse died who lived here; 0 for all others."""
    former = _former(people)
    return np.where(people.widowed & (former != NOBODY), people.death[np.maximum(former, 0)], 0)


def _former(people: People) -> np.ndarray:
    """The dead spouse of everyone who is widowed: the other dead adult of the household who is nobody's child there."""
    dead_adult = np.flatnonzero(people.dead & (people.age >= 20))
    by_household = np.full(people.households, NOBODY, dtype=np.int64)
    by_household[people.household[dead_adult]] = dead_adult
    return np.where(people.widowed, by_household[people.household], NOBODY)


def _former_spouse(people: People) -> pl.Series:
    former = _former(people)
    named = people.ids.gather(pl.Series(np.maximum(former, 0).astype(np.uint32)))
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, people.n)
    return named.zip_with(pl.Series(former != NOBODY), nothing)


def _days(column: pl.Series) -> np.ndarray:
    return column.cast(pl.Int32).fill_null(0).to_numpy().astype(np.int64)
