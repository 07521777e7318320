"""The inhabitants of one partition: who they are, with whom they live, where, and since when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from features.city.households import MALE, NOBODY, Pool, died_in_decade
from features.city.identities import household_ids, person_ids
from features.city.margins import Margins

Ints = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

CITY = "440100"
YEAR = 365.2425
EPOCH = dt.date(1970, 1, 1)
DECADE = 3652


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01, as date columns count."""
    return (day - EPOCH).days


@dataclass(slots=True)
class People:
    """One partition's persons, column by column; who is named by position is in the same partition.

    Attributes:
        partition: its number.
        today: the day on which the city is looked at (day number).
        ids: of the persons.
        household_ids: of the households.
        birth: day numbers.
        age: completed years, for the dead those they would have.
        male: sex.
        household: position of the household.
        mother: position of the mother, NOBODY where none is on record.
        father: as mother.
        spouse: position of a living spouse.
        guardian: position of a guardian who is no parent.
        dead: has died by today.
        death: day number; 0 for the living.
        widowed: lost a spouse who lived here.
        home: code of the district.
        hukou: code of the area of registration.
        local: is registered in the city.
        collective: lives in a dormitory.
    """

    partition: int
    today: int
    ids: pl.Series
    household_ids: pl.Series
    birth: Ints
    age: Ints
    male: Flags
    household: Ints
    mother: Ints
    father: Ints
    spouse: Ints
    guardian: Ints
    dead: Flags
    death: Ints
    widowed: Flags
    home: npt.NDArray[np.str_]
    hukou: npt.NDArray[np.str_]
    local: Flags
    collective: Flags

    @property
    def n(self) -> int:
        """How many."""
        return len(self.birth)

    @property
    def households(self) -> int:
        """How many households."""
        return self.household_ids.len()

    def sum_by_household(self, values: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
        """A sum over the persons of each household."""
        weights = values.astype(np.float64)
        return np.bincount(self.household, weights, self.households).astype(np.float64)

    def children_of(self, chosen: Flags) -> npt.NDArray[np.int64]:
        """For everybody: how many of the chosen persons are their children."""
        counts = np.zeros(self.n + 1, dtype=np.int64)
        for parent in (self.mother, self.father):
            np.add.at(counts, parent[chosen & (parent != NOBODY)], 1)
        return counts[:-1]


def settle(
    pool: Pool, margins: Margins, persons: int, partition: int, today: dt.date, rng: np.random.Generator
) -> People:
    """Draw exactly so many persons with their households, homes and deaths."""
    patterns = _patterns(pool, persons, rng)
    age_grid = pool.age[patterns]
    there = age_grid >= 0
    first = np.concatenate([[0], np.cumsum(there.sum(axis=1))])[:-1].astype(np.int32)
    n = int(there.sum())

    def link(column: Ints) -> Ints:
        slots = column[patterns]
        return np.where(slots == NOBODY, NOBODY, first[:, None] + slots)[there].astype(np.int32)

    age, male = age_grid[there].astype(np.int32), pool.sex[patterns][there] == MALE
    now = day_number(today)
    birth = (now - np.floor(age * YEAR) - rng.integers(1, 364, n)).astype(np.int32)
    household = np.repeat(np.arange(len(patterns)), there.sum(axis=1)).astype(np.int32)
    dead = rng.random(n) < died_in_decade(age)
    death = np.where(dead, np.maximum(now - rng.integers(1, DECADE, n), birth + 1), 0).astype(np.int32)
    home, hukou = _places(margins, len(patterns), rng)
    spouse = link(pool.spouse)
    partner_dead = (spouse != NOBODY) & dead[np.where(spouse == NOBODY, 0, spouse)]
    return People(
        partition, now, person_ids(partition, birth, male), household_ids(partition, len(patterns)), birth, age, male,
        household, link(pool.mother), link(pool.father), np.where(partner_dead | dead, NOBODY, spouse).astype(np.int32),
        link(pool.guardian), dead, death, partner_dead & ~dead, home[household], hukou[household],
        np.char.startswith(hukou, CITY[:4])[household], pool.collective[patterns][household],
    )  # fmt: skip


def _patterns(pool: Pool, persons: int, rng: np.random.Generator) -> Ints:
    """Households until the number is met; what is left over is filled with persons who live alone."""
    size = pool.size
    mean = float(pool.weight @ size)
    drawn = rng.choice(len(size), int(persons / mean * 1.2) + 50, p=pool.weight)
    kept = drawn[: int(np.searchsorted(np.cumsum(size[drawn]), persons, side="right"))]
    rest = persons - int(size[kept].sum())
    alone = np.where(size == 1, pool.weight, 0)
    fill = rng.choice(len(size), rest, p=alone / alone.sum())
    return np.concatenate([kept, fill]).astype(np.int32)


def _places(
    margins: Margins, count: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.str_]]:
    """Where households live, and where they are registered."""
    persons = np.array([district.persons for district in margins.districts], dtype=np.float64)
    codes = np.array([district.code for district in margins.districts])
    where = rng.choice(len(codes), count, p=persons / persons.sum())
    floating = np.array([district.floating for district in margins.districts])[where]
    origins, shares = np.array(list(margins.origins)), np.array(list(margins.origins.values()))
    elsewhere = origins[rng.choice(len(origins), count, p=shares / shares.sum())]
    other_district = codes[rng.choice(len(codes), count, p=persons / persons.sum())]
    registered = np.where(rng.random(count) < 0.23, other_district, codes[where])
    return codes[where], np.where(rng.random(count) < floating, elsewhere, registered)
