"""What households may receive together: whose benefits are tied to each other, and how each knot is settled.

Of most households nothing is tied; they are passed by without reading a fact. Of the others the rules are executed
again on the facts as they would be, household by household (`serving.delivery.bundles`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import polars as pl

from features.facts.encoding import ID, Tables, population_of
from features.facts.neighbours import around
from features.facts.population import NONE, Population
from features.facts.subjects import PERSON
from features.facts.units import MINOR_UNITS
from rules.paths import Links, chains_by_kind
from rules.reach import steps_of
from rules.reads import reads_of
from serving.delivery.bundles.choice import Settled
from serving.delivery.bundles.footing import worth_of
from serving.delivery.bundles.household import Household, settle_household
from serving.delivery.bundles.model import Item, SubjectKey, Worth
from serving.delivery.bundles.preparation import Prepared
from serving.sweep.facts import FactHistory
from serving.sweep.partitions import partition_of

BATCH = 400
"""So many households are read at once."""
_HOME = "household"
_LINK = "household_id"

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
        known_at: what was learned later does not exist.
    """

    def __init__(self, prepared: Prepared, history: FactHistory, links: Links, known_at: dt.datetime) -> None:
        self.prepared, self.history, self.links, self.known_at = prepared, history, links, known_at
        self._reads = {fact for reads in reads_of(prepared.rulebook, prepared.on_date).values() for _, fact in reads}
        plans = dict(prepared.plans)
        self._chains = chains_by_kind(plans)
        self._steps = max((steps_of(benefit, plans) for benefit in plans), default=0) + 1
        persons = links.tables.frames[PERSON]
        lives = (
            persons.filter(pl.col(_LINK).is_not_null() & (pl.col(_LINK) != NONE)) if _LINK in persons.columns else None
        )
        self._home_of = {} if lives is None else dict(lives.select(ID, _LINK).iter_rows())
        self._members: dict[str, list[str]] = {}
        for person, home in self._home_of.items():
            self._members.setdefault(home, []).append(person)

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
        for first in range(0, len(tied), BATCH):
            some = tied[first : first + BATCH]
            tables = self._read(some)
            for home in some:
                for number, settled in enumerate(self._settle(home, *homes[home], tables)):
                    yield home, number, settled
            tell(min(first + BATCH, len(tied)), len(tied))

    def _homes(self, found: Iterable[Found], held: Iterable[Held]) -> dict[SubjectKey, tuple[list[Found], list[Held]]]:
        """Everything by the household in which it arrives; a person without one, or an enterprise, stands alone."""
        homes: dict[SubjectKey, tuple[list[Found], list[Held]]] = {}
        for each in found:
            homes.setdefault(self._home(each.item), ([], []))[0].append(each)
        for one in held:
            homes.setdefault(self._home(one.item), ([], []))[1].append(one)
        return homes

    def _home(self, item: Item) -> SubjectKey:
        home = self._home_of.get(item.subject) if item.kind == PERSON else None
        return item.of if home is None else (_HOME, home)

    def _is_plain(self, owed: list[Found], has: list[Held]) -> bool:
        received = [each.item.benefit for each in owed if each.eligible] + [each.item.benefit for each in has]
        return self.prepared.is_plain(received, [each.item.benefit for each in owed if not each.eligible])

    def _settle(self, home: SubjectKey, owed: list[Found], has: list[Held], tables: Tables) -> tuple[Settled, ...]:
        held = {each.item: self._worth(each.item.benefit, each.amount_minor, each.amount_minor, each) for each in has}
        worths = {
            each.item: self._worth(each.item.benefit, _minor(each.amount_low), _minor(each.amount_high), each)
            for each in owed
            if each.item not in held
        }
        eligible = {each.item for each in owed if each.eligible}
        household = Household(
            home,
            frozenset(self._members.get(home[1], []))
            if home[0] == _HOME
            else frozenset({home[1]} if home[0] == PERSON else ()),
            {item: worth for item, worth in worths.items() if item in eligible},
            held,
            {item: worth for item, worth in worths.items() if item not in eligible},
        )
        vocabulary = self.prepared.rulebook.vocabulary

        def population() -> Population:
            return population_of(around(tables, vocabulary, *home, self._steps), vocabulary)

        return settle_household(self.prepared, household, population)

    def _worth(self, benefit: str, low: int | None, high: int | None, of: Found | Held) -> Worth:
        return worth_of(low, high, of.per, of.unit, limited=benefit in self.prepared.limited)

    def _read(self, homes: list[SubjectKey]) -> Tables:
        """The facts of some households and of everybody whom their rules look at."""
        asked: dict[str, set[str]] = {}
        for kind, home in homes:
            asked.setdefault(kind, set()).add(home)
            if kind == _HOME:
                asked.setdefault(PERSON, set()).update(self._members.get(home, []))
        rows = {
            kind: np.flatnonzero(self.links.ids(kind).is_in(sorted(some)).to_numpy()) for kind, some in asked.items()
        }
        reached = partition_of(self.links, rows, self._chains, {}).needed
        ids = {kind: some.to_list() for kind, some in reached.items()}
        facts = self._reads | set(self.prepared.rulebook.vocabulary.subjects.links)
        return self.history.as_of(self.prepared.on_date, self.known_at, kinds=list(ids), ids=ids, facts=facts)


def _minor(major: Decimal | None) -> int | None:
    return None if major is None else int(major * MINOR_UNITS)
