"""One partition of the city, complete: people, households, enterprises, their facts and how these came about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.city.civil_life import marry, mourn, raise_children, register
from features.city.columns import Columns
from features.city.courses import ENTERPRISE, HOUSEHOLD, recall
from features.city.households import NOBODY, Pool
from features.city.later_life import certify_disabilities, grow_old, keep_house
from features.city.margins import Margins
from features.city.past import Chronicle
from features.city.people import People, settle
from features.city.working_life import Employers, Work, find_work, found_enterprises, live_working_life
from features.facts.population import NONE
from features.facts.subjects import PERSON
from features.facts.vocabulary import Vocabulary


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
    past = recall(people, every, days, employers, work, rng)
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
