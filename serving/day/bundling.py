"""What households may receive together: whose benefits are tied to each other, and how each knot is settled.

Of most households nothing is tied; they are passed by without reading a fact. Of the others the rules are executed
again on the facts as they would be, household by household (`serving.delivery.bundles`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import numpy as np

from features.facts.encoding import Tables, population_of
from features.facts.neighbours import around
from features.facts.population import Population
from features.facts.subjects import PERSON
from features.facts.units import MINOR_UNITS
from rules.paths import Links, chains_by_kind
from rules.reach import steps_of
from rules.reads import reads_of
from serving.day.homes import HOUSEHOLD, Homes
from serving.delivery.bundles.choice import Settled
from serving.delivery.bundles.footing import worth_of
from serving.delivery.bundles.household import Household, settle_household
from serving.delivery.bundles.model import Item, SubjectKey, Worth
from serving.delivery.bundles.preparation import Prepared
from serving.sweep.facts import FactHistory
from serving.sweep.partitions import partition_of

BATCH = 400
"""So many households are read at once."""

Tell = Callable[[int, int], None]
"""Is told how many households are settled, of how many that have something to settle."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a sweep answered of one subject and benefit that is not a no."""

    item: Item
    eligible: bool
    version: str
    amount_low: Decimal | None
    amount_high: Decimal | None
    per: str
    unit: str


@dataclass(frozen=True, slots=True)
class Held:
    """What somebody receives now: approved or paid, in minor units."""

    item: Item
    amount_minor: int | None
    per: str
    unit: str


class Bundler:
    """Settles the households of one sweep.

    Args:
        prepared: the rules of the day and what receipts change.
        history: the facts.
        links: of everybody.
        homes: who lives with whom.
        known_at: what was learned later does not exist.
    """

    def __init__(
        self, prepared: Prepared, history: FactHistory, links: Links, homes: Homes, known_at: dt.datetime
    ) -> None:
        self.prepared, self.history, self.links, self.known_at = prepared, history, links, known_at
        self.homes = homes
        self._reads = {fact for reads in reads_of(prepared.rulebook, prepared.on_date).values() for _, fact in reads}
        plans = dict(prepared.plans)
        self._chains = chains_by_kind(plans)
        self._steps = max((steps_of(benefit, plans) for benefit in plans), default=0) + 1

    def settle(
        self, found: Iterable[Found], held: Iterable[Held] = (), tell: Tell = lambda _done, _total: None
    ) -> Iterator[tuple[SubjectKey, int, Settled]]:
        """Settle every household of which something is tied.

        Args:
            found: of everybody, what is owed or open.
            held: of everybody, what is received.
            tell: is told of progress.

        Yields:
            Whose, the number among theirs, and the knot; of all other households nothing is tied.
        """
        homes = self._homes(found, held)
        tied = [home for home, (owed, has) in homes.items() if not self._is_plain(owed, has)]
        for done, (home, population) in enumerate(self.facts_of(tied), 1):
            for number, settled in enumerate(self._settle(home, *homes[home], population)):
                yield home, number, settled
            if done % BATCH == 0 or done == len(tied):
                tell(done, len(tied))

    def facts_of(self, homes: Sequence[SubjectKey]) -> Iterator[tuple[SubjectKey, Callable[[], Population]]]:
        """Some households, each with what reads its facts and those of everybody whom its rules look at."""
        for first in range(0, len(homes), BATCH):
            some = homes[first : first + BATCH]
            tables = self._read(some)
            for home in some:
                yield home, partial(self._population, home, tables)

    def _population(self, home: SubjectKey, tables: Tables) -> Population:
        vocabulary = self.prepared.rulebook.vocabulary
        return population_of(around(tables, vocabulary, *home, self._steps), vocabulary)

    def _homes(self, found: Iterable[Found], held: Iterable[Held]) -> dict[SubjectKey, tuple[list[Found], list[Held]]]:
        """Everything by the household in which it arrives; a person without one, or an enterprise, stands alone."""
        homes: dict[SubjectKey, tuple[list[Found], list[Held]]] = {}
        for each in found:
            homes.setdefault(self.homes.of(each.item.of), ([], []))[0].append(each)
        for one in held:
            homes.setdefault(self.homes.of(one.item.of), ([], []))[1].append(one)
        return homes

    def _is_plain(self, owed: list[Found], has: list[Held]) -> bool:
        received = [each.item.benefit for each in owed if each.eligible] + [each.item.benefit for each in has]
        return self.prepared.is_plain(received, [each.item.benefit for each in owed if not each.eligible])

    def _settle(
        self, home: SubjectKey, owed: list[Found], has: list[Held], population: Callable[[], Population]
    ) -> tuple[Settled, ...]:
        held = {each.item: self._worth(each.item.benefit, each.amount_minor, each.amount_minor, each) for each in has}
        worths = {
            each.item: self._worth(each.item.benefit, _minor(each.amount_low), _minor(each.amount_high), each)
            for each in owed
            if each.item not in held
        }
        eligible = {each.item for each in owed if each.eligible}
        household = Household(
            home,
            frozenset(self.homes.persons(home)),
            {item: worth for item, worth in worths.items() if item in eligible},
            held,
            {item: worth for item, worth in worths.items() if item not in eligible},
        )
        return settle_household(self.prepared, household, population)

    def _worth(self, benefit: str, low: int | None, high: int | None, of: Found | Held) -> Worth:
        return worth_of(low, high, of.per, of.unit, limited=benefit in self.prepared.limited)

    def _read(self, homes: Sequence[SubjectKey]) -> Tables:
        """The facts of some households and of everybody whom their rules look at."""
        asked: dict[str, set[str]] = {}
        for kind, home in homes:
            asked.setdefault(kind, set()).add(home)
            if kind == HOUSEHOLD:
                asked.setdefault(PERSON, set()).update(self.homes.persons((kind, home)))
        rows = {
            kind: np.flatnonzero(self.links.ids(kind).is_in(sorted(some)).to_numpy()) for kind, some in asked.items()
        }
        reached = partition_of(self.links, rows, self._chains, {}).needed
        ids = {kind: some.to_list() for kind, some in reached.items()}
        facts = self._reads | set(self.prepared.rulebook.vocabulary.subjects.links)
        return self.history.as_of(self.prepared.on_date, self.known_at, kinds=list(ids), ids=ids, facts=facts)


def _minor(major: Decimal | None) -> int | None:
    return None if major is None else int(major * MINOR_UNITS)
