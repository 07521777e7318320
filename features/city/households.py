"""Households that can be, and how often each kind occurs so that the census margins are met.

A pool of household patterns (ages, sexes, who is whose parent and spouse) is drawn once; raking gives every pattern a
weight so that the persons fit the published ages and sexes and the households the published sizes. Partitions draw from
the pool: same margins, other people.

Source:
    Iterative proportional updating: Ye, Konduri, Pendyala, Sana, Waddell, TRB 88th Annual Meeting (2009).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from features.city.margins import Margins

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

SLOTS = 6
NOBODY = -1
IMPOSSIBLE = -99
FEMALE, MALE = 0, 1
ADULT = 18
OLDEST = 99
GENERATION = 20
"""Completed years that lie between parent and child at least."""
OLDEST_MOTHER = 44
KINDS = ("sharing", "lone_parent", "elder_with_grown_child", "grandparent_with_child")
POOL = 24_000
ROUNDS = 50
DECADE_DEATHS = ((0, 0.001), (40, 0.008), (60, 0.05), (70, 0.16), (80, 0.42))
"""By age (that they would have today): the share of persons on record who died within the last ten years."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Household patterns. Arrays are of shape (patterns, SLOTS); positions name slots of the same row.

    Attributes:
        age: completed years; NOBODY where the slot is empty.
        sex: FEMALE or MALE.
        mother: slot of the mother.
        father: slot of the father.
        spouse: slot of the spouse.
        guardian: slot of a guardian who is no parent.
        weight: the share of all households that are like this.
        collective: the pattern is a place in a dormitory.
        kind: position in `KINDS`; NOBODY for couples and persons who live alone.
    """

    age: Ints
    sex: Ints
    mother: Ints
    father: Ints
    spouse: Ints
    guardian: Ints
    weight: Floats
    collective: npt.NDArray[np.bool_]
    kind: Ints

    @property
    def size(self) -> Ints:
        """Persons of each pattern."""
        sizes: Ints = (self.age >= 0).sum(axis=1).astype(np.int32)
        return sizes


def died_in_decade(age: Ints) -> Floats:
    """The probability of having died within the last ten years, by the age one would have."""
    bounds = [bound for bound, _ in DECADE_DEATHS]
    return np.array([share for _, share in DECADE_DEATHS])[np.searchsorted(bounds, age, side="right") - 1]


def make_pool(margins: Margins, rng: np.random.Generator) -> Pool:
    """Draw patterns and rake them to the margins."""
    maker = _Maker(rng)
    pool = maker.pool()
    return _raked(pool, margins)


class _Maker:
    """Draws patterns of several kinds, column by column."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.parts: list[tuple[Ints, ...]] = []

    def pool(self) -> Pool:
        n = POOL // 12
        adult = self.rng.integers(ADULT, 60, 3 * n).astype(np.int32)
        self._add(self._empty(3 * n), [(adult, self._sex(3 * n))], collective=True)
        self._add(self._empty(2 * n), [(self._any_adult(2 * n), self._sex(2 * n))])
        self._couples(2 * n, 0, 0)
        for children, count in ((1, 2 * n), (2, n), (3, n // 3)):
            self._couples(count, children, 0)
        for children, elders, count in ((1, 1, n // 2), (1, 2, n // 2), (2, 1, n // 3), (2, 2, n // 3), (0, 1, n // 3)):
            self._couples(count, children, elders)
        for children, count in ((1, n // 2), (2, n // 4)):
            self._lone_parents(count, children)
        self._elder_with_grown_child(n // 2)
        self._grandparent_with_child(n // 6)
        self._sharing(n, 2)
        self._sharing(n // 3, 3)
        columns = [np.concatenate(column) for column in zip(*self.parts, strict=True)]
        age, sex, mother, father, spouse, guardian, collective, kind = columns
        weight = np.full(len(age), 1 / len(age))
        return Pool(age, sex, mother, father, spouse, guardian, weight, collective[:, 0] > 0, kind[:, 0])

    def _empty(self, n: int) -> dict[str, Ints]:
        names = ("age", "sex", "mother", "father", "spouse", "guardian")
        return {name: np.full((n, SLOTS), NOBODY, dtype=np.int32) for name in names}

    def _add(
        self, grid: dict[str, Ints], members: list[tuple[Ints, Ints]], *, collective: bool = False, kind: str = ""
    ) -> None:
        """Keep what is possible; `kind`: one whose share of family households the margins say."""
        for slot, (age, sex) in enumerate(members):
            grid["age"][:, slot] = age
            grid["sex"][:, slot] = sex
        possible = np.all((grid["age"] <= OLDEST) & (grid["age"] >= NOBODY), axis=1)
        alone = np.full_like(grid["age"], int(collective))
        kinds = np.full_like(grid["age"], KINDS.index(kind) if kind else NOBODY)
        self.parts.append(tuple(column[possible] for column in (*grid.values(), alone, kinds)))

    def _sex(self, n: int) -> Ints:
        return self.rng.integers(0, 2, n).astype(np.int32)

    def _any_adult(self, n: int) -> Ints:
        return self.rng.integers(ADULT, 96, n).astype(np.int32)

    def _husbands(self, wives: Ints) -> Ints:
        return np.clip(wives + np.rint(self.rng.normal(2, 3, len(wives))), 20, OLDEST).astype(np.int32)

    def _children(self, youngest_parent: Ints, count: int) -> list[tuple[Ints, Ints]]:
        """Ages that fit a parent, the eldest first, at least a year apart."""
        gap = np.sort(self.rng.integers(GENERATION, OLDEST_MOTHER, (len(youngest_parent), count)), axis=1)
        ages = youngest_parent[:, None] - gap - np.arange(count)[None, :]
        ages = np.where(ages < 0, IMPOSSIBLE, ages)
        return [(ages[:, k].astype(np.int32), self._sex(len(ages))) for k in range(count)]

    def _couples(self, n: int, children: int, elders: int) -> None:
        oldest_wife = 92 if not children and not elders else 60
        youngest_wife = 21 if not children else GENERATION + children + 1
        wives = self.rng.integers(youngest_wife, oldest_wife, n).astype(np.int32)
        husbands = self._husbands(wives)
        husbands = np.maximum(husbands, GENERATION + children + 1)
        women, men = np.full(n, FEMALE, np.int32), np.full(n, MALE, np.int32)
        members = [(wives, women), (husbands, men)]
        grid = self._empty(n)
        grid["spouse"][:, 0], grid["spouse"][:, 1] = 1, 0
        for child in self._children(np.minimum(wives, husbands), children):
            grid["mother"][:, len(members)], grid["father"][:, len(members)] = 0, 1
            members.append(child)
        self._elders(grid, members, elders)
        self._add(grid, members)

    def _elders(self, grid: dict[str, Ints], members: list[tuple[Ints, Ints]], elders: int) -> None:
        """The parents of the husband, or his mother or father alone."""
        if not elders:
            return
        n, first = len(grid["age"]), len(members)
        older = (members[1][0] + self.rng.integers(GENERATION + 1, 38, n)).astype(np.int32)
        sex = np.full(n, FEMALE, np.int32) if elders == 2 else self._sex(n)
        members.append((older, sex))
        grid["mother"][:, 1] = np.where(sex == FEMALE, first, NOBODY)
        grid["father"][:, 1] = np.where(sex == MALE, first, NOBODY)
        if elders == 2:
            members.append((self._husbands(older), np.full(n, MALE, np.int32)))
            grid["father"][:, 1] = first + 1
            grid["spouse"][:, first], grid["spouse"][:, first + 1] = first + 1, first

    def _lone_parents(self, n: int, children: int) -> None:
        parent = self.rng.integers(GENERATION + children + 1, 58, n).astype(np.int32)
        sex = (self.rng.random(n) < 0.3).astype(np.int32)
        grid, members = self._empty(n), [(parent, sex)]
        for child in self._children(parent, children):
            grid["mother"][:, len(members)] = np.where(sex == FEMALE, 0, NOBODY)
            grid["father"][:, len(members)] = np.where(sex == MALE, 0, NOBODY)
            members.append(child)
        self._add(grid, members, kind="lone_parent")

    def _elder_with_grown_child(self, n: int) -> None:
        child = self.rng.integers(25, 66, n).astype(np.int32)
        elder = (child + self.rng.integers(GENERATION + 1, 38, n)).astype(np.int32)
        sex, grid = self._sex(n), self._empty(n)
        grid["mother"][:, 1] = np.where(sex == FEMALE, 0, NOBODY)
        grid["father"][:, 1] = np.where(sex == MALE, 0, NOBODY)
        self._add(grid, [(elder, sex), (child, self._sex(n))], kind="elder_with_grown_child")

    def _grandparent_with_child(self, n: int) -> None:
        elder = self.rng.integers(50, 80, n).astype(np.int32)
        grid = self._empty(n)
        grid["guardian"][:, 1] = 0
        child = self.rng.integers(1, 17, n).astype(np.int32)
        self._add(grid, [(elder, self._sex(n)), (child, self._sex(n))], kind="grandparent_with_child")

    def _sharing(self, n: int, persons: int) -> None:
        ages = [self.rng.integers(ADULT, 50, n).astype(np.int32) for _ in range(persons)]
        self._add(self._empty(n), [(age, self._sex(n)) for age in ages], kind="sharing")


def _raked(pool: Pool, margins: Margins) -> Pool:
    """The pool with weights that meet the margins of persons and of households."""
    lows = [group.low for group in margins.ages]
    group = np.where(pool.age >= 0, np.searchsorted(lows, pool.age, side="right") - 1, len(lows))
    cell = np.where(pool.age >= 0, group * 2 + pool.sex, 2 * len(lows))
    counts = np.stack([(cell == c).sum(axis=1) for c in range(2 * len(lows))], axis=1).astype(np.float64)
    living = 1 - died_in_decade(np.where(pool.age >= 0, pool.age, 0))
    alive = np.asfortranarray(np.stack([((cell == c) * living).sum(axis=1) for c in range(2 * len(lows))], axis=1))
    persons = np.array([s for a in margins.ages for s in (a.share * (1 - a.men), a.share * a.men)])
    sizes = margins.household_sizes
    mean = sum(size * share for size, share in sizes.items())
    in_families = 1 - margins.rates["collective_households"]
    of_size = {size: (pool.size == size) & ~pool.collective for size in sizes}
    of_kind = {kind: pool.kind == number for number, kind in enumerate(KINDS)}
    with_some = [np.flatnonzero(counts[:, c]) for c in range(len(persons))]
    weight = np.ones(len(pool.age))
    for _ in range(ROUNDS):
        for c, target in enumerate(persons):
            weight[with_some[c]] *= target / (weight @ alive[:, c])
        for size, share in sizes.items():
            weight[of_size[size]] *= in_families / mean * share / weight[of_size[size]].sum()
        for kind, has in of_kind.items():
            weight[has] *= in_families / mean * margins.rates[f"{kind}_households"] / weight[has].sum()
        weight[pool.collective] *= (1 - in_families) / weight[pool.collective].sum()
    return replace(pool, weight=weight / weight.sum())
