"""Who lives in the town: households of several kinds, with ages, relations and registration that fit each other."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from features.facts.population import NONE

NATION, GUANGZHOU, BEIJING = "100000", "440100", "110000"
GUANGDONG = "440000"
DISTRICTS = ("440103", "440104", "440105", "440106", "440111", "440112", "440113", "440114", "440115")
HOMES = ((GUANGZHOU, 0.62), ("440300", 0.06), ("441800", 0.05), (BEIJING, 0.13), ("320100", 0.07), ("330100", 0.07))
"""Where households live. The town is spread over the places whose rules the catalogue knows."""
ORIGINS = ("430000", "450000", "360000", "420000", "510000", "441800", "445200")
SHARE_MIGRANT = 0.22
ADULT = 18
OLDEST_CHILD_AT_HOME = 21
LEAST_YEARS_BETWEEN_GENERATIONS = 20


@dataclass(slots=True)
class Person:
    """One inhabitant: what the maker knows. `facts` is what the departments will hold, in the form of a file."""

    id: str
    birth: dt.date
    sex: str
    home: str
    hukou: str
    role: str
    facts: dict[str, object] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def age(self, day: dt.date) -> int:
        """Completed years."""
        return day.year - self.birth.year - ((day.month, day.day) < (self.birth.month, self.birth.day))

    @property
    def is_woman(self) -> bool:
        """As registered."""
        return self.sex == "female"


@dataclass(slots=True)
class Household:
    """People who live together."""

    id: str
    home: str
    kind: str
    members: list[Person]
    facts: dict[str, object] = field(default_factory=dict)


class Settlers:
    """Makes households, one after the other, from one random source."""

    def __init__(self, rng: random.Random, today: dt.date) -> None:
        self.rng = rng
        self.today = today
        self._persons = 0
        self._households = 0
        self._kinds: tuple[tuple[Callable[[str, str], list[Person]], str, float], ...] = (
            (self._single_worker, "single_worker", 0.18),
            (self._young_graduate, "young_graduate", 0.07),
            (self._couple, "couple", 0.14),
            (self._family, "family", 0.28),
            (self._three_generations, "three_generations", 0.12),
            (self._old_couple, "old_couple", 0.09),
            (self._old_alone, "old_alone", 0.06),
            (self._single_parent, "single_parent", 0.04),
            (self._grandparent_with_child, "grandparent_with_child", 0.02),
        )

    def settle(self, persons: int) -> Iterator[Household]:
        """Households until there are so many persons (the last one may bring a few more)."""
        makers = [maker for maker, _, _ in self._kinds]
        weights = [weight for _, _, weight in self._kinds]
        names = {maker: name for maker, name, _ in self._kinds}
        while self._persons < persons:
            (maker,) = self.rng.choices(makers, weights)
            home, hukou = self._place()
            self._households += 1
            members = maker(home, hukou)
            household = Household(f"h{self._households}", home, names[maker], members)
            for member in members:
                member.links["household_id"] = household.id
            yield household

    def _place(self) -> tuple[str, str]:
        """Where a household lives, and where it is registered."""
        (city,) = self.rng.choices([home for home, _ in HOMES], [share for _, share in HOMES])
        home = self.rng.choice(DISTRICTS) if city == GUANGZHOU else city
        migrant = self.rng.random() < SHARE_MIGRANT
        return home, self.rng.choice(ORIGINS) if migrant else home

    def _person(self, home: str, hukou: str, role: str, youngest: int, oldest: int, sex: str | None = None) -> Person:
        self._persons += 1
        days = self.rng.randrange(int(youngest * 365.25), int((oldest + 1) * 365.25))
        birth = self.today - dt.timedelta(days=days)
        made = Person(f"p{self._persons}", birth, sex or self.rng.choice(("female", "male")), home, hukou, role)
        made.links["spouse_id"] = NONE
        made.facts["marital_status"] = "single"
        return made

    def _pair(self, home: str, hukou: str, role: str, youngest: int, oldest: int) -> list[Person]:
        wife = self._person(home, hukou, role, youngest, oldest, "female")
        age = wife.age(self.today)
        husband = self._person(home, hukou, role, max(20, age - 2), age + 5, "male")
        wife.links["spouse_id"], husband.links["spouse_id"] = husband.id, wife.id
        for one in (wife, husband):
            one.facts["marital_status"] = "married"
        return [wife, husband]

    def _children_of(self, parents: list[Person], count: int, home: str, hukou: str) -> list[Person]:
        mother_age = min(parent.age(self.today) for parent in parents)
        oldest = max(0, min(OLDEST_CHILD_AT_HOME, mother_age - 23))
        children = [self._person(home, hukou, "child", 0, oldest) for _ in range(count)]
        children.sort(key=lambda child: child.birth)
        for order, child in enumerate(children, 1):
            child.facts["birth_order"] = order
            for parent in parents:
                child.links["mother_id" if parent.is_woman else "father_id"] = parent.id
        return children

    # -- kinds of household -----------------------------------------------------------------------------------------

    def _single_worker(self, home: str, hukou: str) -> list[Person]:
        return [self._person(home, hukou, "worker", 22, 55)]

    def _young_graduate(self, home: str, hukou: str) -> list[Person]:
        return [self._person(home, hukou, "graduate", 21, 26)]

    def _couple(self, home: str, hukou: str) -> list[Person]:
        return self._pair(home, hukou, "worker", 24, 58)

    def _family(self, home: str, hukou: str) -> list[Person]:
        parents = self._pair(home, hukou, "worker", 25, 46)
        return parents + self._children_of(parents, self.rng.choice((1, 1, 1, 2, 2, 3)), home, hukou)

    def _three_generations(self, home: str, hukou: str) -> list[Person]:
        parents = self._pair(home, hukou, "worker", 27, 45)
        child_of_old = parents[self.rng.randrange(2)]
        least = child_of_old.age(self.today) + LEAST_YEARS_BETWEEN_GENERATIONS
        if self.rng.random() < 0.5:
            old = self._pair(home, hukou, "retired", least + 3, least + 15)
        else:
            old = [self._person(home, hukou, "retired", least + 3, least + 18)]
        for one in old:
            child_of_old.links["mother_id" if one.is_woman else "father_id"] = one.id
        return parents + old + self._children_of(parents, self.rng.choice((1, 1, 2)), home, hukou)

    def _old_couple(self, home: str, hukou: str) -> list[Person]:
        return self._pair(home, hukou, "retired", 58, 86)

    def _old_alone(self, home: str, hukou: str) -> list[Person]:
        person = self._person(home, hukou, "retired", 62, 102)
        person.facts["marital_status"] = self.rng.choice(("widowed", "widowed", "divorced", "single"))
        return [person]

    def _single_parent(self, home: str, hukou: str) -> list[Person]:
        parent = self._person(home, hukou, "worker", 25, 46)
        parent.facts["marital_status"] = self.rng.choice(("divorced", "widowed"))
        return [parent, *self._children_of([parent], self.rng.choice((1, 1, 2)), home, hukou)]

    def _grandparent_with_child(self, home: str, hukou: str) -> list[Person]:
        old = self._person(home, hukou, "retired", 56, 76)
        old.facts["marital_status"] = "widowed"
        child = self._person(home, hukou, "left_behind", 1, 16)
        child.links["guardian_id"] = old.id
        return [old, child]
