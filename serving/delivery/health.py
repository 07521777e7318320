"""Register health: may what a register says be relied on without anybody looking, and whose benefits hang on it alone.

A register is degraded where its last delivery was refused, where too many rows of the last accepted one were set aside,
where that one has grown too old for what the rules read of it, or where the online store says otherwise than the
history. It is healthy again as soon as none of this holds: a degraded register demotes its benefits by itself, and a
mended one promotes them.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from features.facts.subjects import PERSON
from features.facts.vocabulary import Vocabulary
from features.history.merging import add_months
from features.history.records import View
from rules.reads import reads_of
from rules.rulebook import Rulebook
from serving.delivery.terms import Programmes
from serving.delivery.tier import Tier

MOST_SET_ASIDE = Decimal("0.005")
"""Above this share of rows set aside nothing of the source is delivered by machine (fault F14)."""
CEILING = Tier.CONFIRM
"""Under what degraded registers' benefits go on: the person sees and confirms. What the law asks beyond it stays."""
_REFUSED = "refused"


class Cause(enum.Enum):
    """Why a programme is demoted: the code under which its words stand in `reasons.yaml`."""

    DELIVERY_REFUSED = "delivery_refused"
    DELIVERY_OVERDUE = "delivery_overdue"
    ROWS_SET_ASIDE = "rows_set_aside"
    STORES_PARTED = "stores_parted"
    MEASURED_ERROR = "measured_error"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong with a register. `detail` names tables, days and counts, never a value."""

    cause: Cause
    detail: str

    def content(self) -> dict[str, str]:
        """As it is kept."""
        return {"code": self.cause.value, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Demoted:
    """A ceiling that ought to be in force. `register` is None where it is for the measured error's sake."""

    benefit: str
    register: str | None
    cause: Cause
    detail: str
    ceiling: Tier = CEILING


class Delivered(Protocol):
    """The record of one load: `serving.loading.KeptLoad`."""

    @property
    def table(self) -> str:
        """Id of the table."""

    @property
    def learned_at(self) -> dt.datetime:
        """When it came."""

    @property
    def outcome(self) -> str:
        """`refused`, or how it was taken."""

    @property
    def attested_on(self) -> dt.date | None:
        """The day it speaks for."""

    @property
    def read(self) -> int:
        """Rows."""

    @property
    def set_aside(self) -> int:
        """Rows with a mistake."""

    @property
    def refused_for(self) -> int:
        """So many problems."""


class MeasuredError(Protocol):
    """The error of a programme's automatic grants as blind samples measured it, with its interval."""

    @property
    def benefit(self) -> str:
        """Which programme."""

    @property
    def sampled(self) -> int:
        """Grants that were looked at."""

    @property
    def wrong(self) -> int:
        """Those of them that were wrong, in either direction."""

    @property
    def low(self) -> float:
        """Lower end of the interval of the share."""

    @property
    def high(self) -> float:
        """Upper end."""


def health(
    views: Iterable[View],
    loads: Iterable[Delivered],
    vocabulary: Vocabulary,
    read: Collection[str],
    on_date: dt.date,
    parted: Collection[str] = (),
) -> dict[str, tuple[Trouble, ...]]:
    """What is wrong with each register; nothing, of a healthy one.

    Args:
        views: of registers and of life events: they say which register gives which fact.
        loads: the records of loads.
        vocabulary: has the maximum age of facts.
        read: the facts that rules in force read.
        on_date: the day.
        parted: facts of which the online store says otherwise than the history (fault F22).
    """
    by_table: dict[str, list[Delivered]] = defaultdict(list)
    for load in sorted(loads, key=lambda one: one.learned_at):
        by_table[load.table].append(load)
    found: dict[str, list[Trouble]] = {}
    for view in views:
        troubles = found.setdefault(view.register, [])
        troubles += _of_table(view, by_table.get(view.id, []), vocabulary, read, on_date)
        differing = sorted(set(view.facts) & set(parted))
        if differing:
            troubles.append(Trouble(Cause.STORES_PARTED, f"{view.id}: {', '.join(differing)}"))
    return {register: tuple(dict.fromkeys(troubles)) for register, troubles in found.items()}


def _of_table(
    view: View, loads: Sequence[Delivered], vocabulary: Vocabulary, read: Collection[str], on_date: dt.date
) -> Iterable[Trouble]:
    if not loads:
        return  # it was never in use: what it would say is not held, and no answer rests on it
    last = loads[-1]
    if last.outcome == _REFUSED:
        detail = f"{view.id}, {last.learned_at.date()}, {last.refused_for:,}"
        yield Trouble(Cause.DELIVERY_REFUSED, detail)
    accepted = [load for load in loads if load.outcome != _REFUSED]
    if not accepted:
        return
    taken = max(accepted, key=lambda one: (one.attested_on or dt.date.min, one.learned_at))
    if taken.set_aside > MOST_SET_ASIDE * taken.read:
        share = Decimal(taken.set_aside) / taken.read
        yield Trouble(Cause.ROWS_SET_ASIDE, f"{view.id}, {taken.attested_on}, {taken.set_aside:,} ({share:.2%})")
    facts = vocabulary.dictionary.facts
    ages = [facts[name].maximum_age_months for name in view.facts if name in read and name in facts]
    months = min((age for age in ages if age is not None), default=None)
    if months is not None and taken.attested_on is not None and add_months(taken.attested_on, months) <= on_date:
        yield Trouble(Cause.DELIVERY_OVERDUE, f"{view.id}, {taken.attested_on}")


def facts_read(rulebook: Rulebook, on_date: dt.date) -> frozenset[str]:
    """Every fact and link that a benefit in force reads."""
    return frozenset(fact for reads in reads_of(rulebook, on_date).values() for _, fact in reads)


def hanging_on(rulebook: Rulebook, views: Iterable[View], on_date: dt.date) -> dict[str, frozenset[str]]:
    """By register the benefits whose rules in force read a fact that nobody else gives.

    A fact that two registers give is still told, and contradicted, by the other one.
    """
    givers: dict[tuple[str, str], set[str]] = defaultdict(set)
    for view in views:
        for fact in view.facts:
            givers[_kind_of(fact, view, rulebook.vocabulary), fact].add(view.register)
    found: dict[str, set[str]] = defaultdict(set)
    for benefit, reads in reads_of(rulebook, on_date).items():
        for read in reads:
            if len(givers[read]) == 1:
                found[next(iter(givers[read]))].add(benefit)
    return {register: frozenset(benefits) for register, benefits in found.items()}


def _kind_of(fact: str, view: View, vocabulary: Vocabulary) -> str:
    return PERSON if fact in vocabulary.subjects.links else view.kind


def demoted_for_registers(
    hanging: Mapping[str, Collection[str]], troubles: Mapping[str, Sequence[Trouble]]
) -> list[Demoted]:
    """The ceilings that degraded registers put over benefits: one for each register and benefit."""
    return [
        Demoted(benefit, register, found[0].cause, found[0].detail)
        for register, found in sorted(troubles.items())
        if found
        for benefit in sorted(hanging.get(register, ()))
    ]


def demoted_for_error(programmes: Programmes, measured: Iterable[MeasuredError]) -> list[Demoted]:
    """The ceilings over programmes whose measured error is above their limit (1 %: `review.md`)."""
    found = []
    for one in measured:
        limit = programmes.of(one.benefit).error_limit
        if one.sampled and Decimal(one.wrong) > limit * one.sampled:
            detail = f"{one.wrong:,} / {one.sampled:,} ({one.low:.2%}–{one.high:.2%}) > {limit:.2%}"
            found.append(Demoted(one.benefit, None, Cause.MEASURED_ERROR, detail))
    return found
