"""Do the online store and the history say the same? Where not, nothing is delivered automatically (fault F22)."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from features.facts.encoding import Tables, population_of
from features.facts.population import Subject
from features.facts.values import Holding, Unknown, Value
from features.store.errors import StoreError
from features.store.reading import OnlineFacts

SAMPLE = 1_000
"""The fewest subjects whose comparison says anything."""
MOST_IN_TEN_THOUSAND = 10
"""0.1 %: from here on the stores have parted."""


class Held(Protocol):
    """What the history holds: `features.history.history.History`."""

    def as_of(
        self,
        on_date: dt.date,
        known_at: dt.datetime,
        *,
        facts: Collection[str] | None = None,
        ids: Mapping[str, Collection[str]] | None = None,
    ) -> Tables:
        """Encoded tables by kind."""


class SkewError(StoreError):
    """The online store says something else than the history: automatic delivery stops until somebody has looked."""

    def __init__(self, skew: Skew) -> None:
        self.skew = skew
        super().__init__(skew.said)


@dataclass(frozen=True, slots=True)
class Skew:
    """What a comparison found.

    Attributes:
        purpose: whose facts were compared.
        compared: subjects compared.
        differing: of them, those of whom any fact differed.
        facts: the facts that differed, with how often; never their values.
        population: of how many; None: of more than were compared. Whoever compared all needs no sample.
    """

    purpose: str
    compared: int
    differing: int
    facts: dict[str, int]
    population: int | None = None

    @property
    def is_sample(self) -> bool:
        """Were enough subjects compared to say anything?"""
        return self.compared >= SAMPLE or self.compared == self.population

    @property
    def may_deliver(self) -> bool:
        """May benefits go on being delivered automatically? Not where too few were compared."""
        return self.is_sample and self.differing * 10_000 < self.compared * MOST_IN_TEN_THOUSAND

    @property
    def said(self) -> str:
        """The finding in words."""
        share = 100 * self.differing / self.compared if self.compared else 0.0
        which = ", ".join(f"`{fact}` ({times:,})" for fact, times in sorted(self.facts.items())) or "none"
        text = f"{self.purpose}: of {self.compared:,} subjects {self.differing:,} ({share:.2f} %) differ online. "
        if not self.is_sample:
            return text + f"Too few to say anything: compare at least {SAMPLE:,}. Nothing is delivered automatically."
        if self.may_deliver:
            return text + "The stores agree."
        return (
            f"{text}Facts: {which}. Automatic delivery stops. "
            "Fill the online store again (`applyfree online fill --anew`), then compare again."
        )

    def require(self) -> None:
        """Stop where the stores have parted.

        Raises:
            SkewError: they have, or too few subjects were compared.
        """
        if not self.may_deliver:
            raise SkewError(self)


def sample(ids: Collection[str], seed: int, size: int = SAMPLE) -> list[str]:
    """Subjects drawn evenly, the same for the same seed; all where there are fewer."""
    ordered = sorted(ids)
    return ordered if len(ordered) <= size else sorted(random.Random(seed).sample(ordered, size))  # nosec B311 # a sample must be the same for the same seed


def compare(
    online: OnlineFacts,
    history: Held,
    purpose: str,
    kind: str,
    ids: Collection[str],
    on_date: dt.date,
    known_at: dt.datetime,
    population: int | None = None,
) -> Skew:
    """Compare what is read online of some subjects with what the history holds.

    Args:
        online: the online store.
        history: the history.
        purpose: whose facts.
        kind: the kind of subject.
        ids: whom, see :func:`sample`.
        on_date: the day.
        known_at: the moment up to which the online store was filled.
        population: how many there are of the kind, where that is known.
    """
    read = online.read(purpose, kind, ids, on_date)
    names = sorted({name for subject in read.values() for name in subject.facts})
    tables = history.as_of(on_date, known_at, facts=names, ids={kind: ids})
    held = population_of(tables, online.vocabulary).listed[kind]
    differing, facts = 0, dict[str, int]()
    for subject_id, subject in read.items():
        there = held.get(subject_id)
        wrong = [
            name
            for name, fact in subject.facts.items()
            if _value(fact.holding, on_date) != (None if there is None else _value_of(there, name, on_date))
        ]
        differing += bool(wrong)
        for name in wrong:
            facts[name] = facts.get(name, 0) + 1
    return Skew(purpose, len(read), differing, facts, population)


def _value_of(subject: Subject, name: str, on_date: dt.date) -> Value | None:
    if name in subject.links:
        return subject.links[name]
    return _value(subject.facts.get(name, Unknown()), on_date)


def _value(holding: Holding, on_date: dt.date) -> Value | None:
    """What may be relied on; None where nothing may."""
    if isinstance(holding, Unknown) or (holding.stale_on is not None and holding.stale_on <= on_date):
        return None
    return holding.value
