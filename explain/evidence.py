"""What stands behind the facts of an answer: what each register said, since when, when we learned it, or why not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from features.facts.values import Gap, Holding, Known, Value
from features.history.records import Statement
from rules.determination import FactUsed


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is on record about one fact of one subject.

    `gap` says why it is not known (None: it is); `said` holds the last word of each register, also one that has ended.
    """

    gap: Gap | None
    said: tuple[Statement, ...]


class Records(Protocol):
    """Where evidence comes from."""

    def of(self, kind: str, subject_id: str, fact: str) -> Evidence | None:
        """The evidence on a fact or link; None where no records are kept (files of facts)."""
        ...


class NoRecords:
    """Of files of facts nothing is known but what they hold."""

    def of(self, kind: str, subject_id: str, fact: str) -> Evidence | None:
        """There is none."""
        return None


@dataclass(frozen=True, slots=True)
class FactShown:
    """One fact of one subject as an explanation tells it.

    Attributes:
        kind: of the subject.
        subject_id: whose.
        fact: which; also the name of a link.
        value: None where it is not known.
        gap: why it is not known.
        sources: the registers (or the file) that say so, the last to attest it first.
        true_from: since when it is so.
        learned_at: when the first of `sources` told us.
        stale_on: from which day it is too old.
        said: where it is not known, what each register said; nothing of what is withheld.
        ended_on: where nothing is held any more, the day on which the last of it ended.
    """

    kind: str
    subject_id: str
    fact: str
    value: Value | None
    gap: Gap | None
    sources: tuple[str, ...] = ()
    true_from: dt.date | None = None
    learned_at: dt.datetime | None = None
    stale_on: dt.date | None = None
    said: tuple[Statement, ...] = ()
    ended_on: dt.date | None = None


def shown(used: Iterable[FactUsed], records: Records, on_date: dt.date) -> tuple[FactShown, ...]:
    """Facts that a rule read, each once, with what stands behind them."""
    return tuple(fact_shown(*fact, records, on_date) for fact in dict.fromkeys(used))


def fact_shown(
    kind: str, subject_id: str, fact: str, holding: Holding, records: Records, on_date: dt.date
) -> FactShown:
    """One fact with what stands behind it."""
    evidence = records.of(kind, subject_id, fact)
    said = () if evidence is None else evidence.said
    if isinstance(holding, Known) and not _is_stale(holding, on_date):
        agreeing = [one for one in said if one.holds(on_date) and one.value == holding.value]
        agreeing.sort(key=lambda one: (one.attested_on, one.learned_at), reverse=True)
        if not agreeing:
            source = (holding.source,) if holding.source else ()
            true_from, stale_on = holding.true_from, holding.stale_on
            return FactShown(kind, subject_id, fact, holding.value, None, source, true_from, stale_on=stale_on)
        return FactShown(
            kind, subject_id, fact, holding.value, None,
            tuple(dict.fromkeys(one.register for one in agreeing)), min(one.true_from for one in agreeing),
            agreeing[0].learned_at, holding.stale_on,
        )  # fmt: skip
    gap = Gap.STALE if isinstance(holding, Known) else holding.gap
    if evidence is not None and evidence.gap is not None:
        gap = evidence.gap
    if gap is Gap.WITHHELD:
        said = ()
    ends = [one.true_to for one in said if one.true_to is not None and not one.holds(on_date)]
    ended_on = max(ends, default=None) if gap is Gap.NOT_HELD else None
    return FactShown(kind, subject_id, fact, None, gap, said=said, ended_on=ended_on)


def _is_stale(holding: Known, on_date: dt.date) -> bool:
    return holding.stale_on is not None and holding.stale_on <= on_date
