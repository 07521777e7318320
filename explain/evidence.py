"""The facts behind a part of an answer: whose, what, by which registers, since when, and why one is not known."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from explain.explanation import Evidence, FactKey, Said, Source
from explain.values import value_text
from explain.wording import in_both
from features.documents import Wording
from features.facts.dictionary import Fact
from features.facts.subjects import Subjects
from features.facts.values import Gap, Holding, Known, Value
from features.history.records import Statement
from rules.determination import FactUsed
from rules.rulebook import Rulebook

LINK_SENSITIVITY = 3
"""Who belongs to whom is told as incomes are."""


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What is on record about one fact of one subject.

    `gap` says why it is not known (None: it is); `said` holds the last word of each register, also one that has ended.
    """

    gap: Gap | None
    said: tuple[Statement, ...]


class Records(Protocol):
    """Where it is kept what registers said."""

    def of(self, kind: str, subject_id: str, fact: str) -> OnRecord | None:
        """What is on record about a fact or link; None where no records are kept (files of facts)."""
        ...


class NoRecords:
    """Of files of facts nothing is known but what they hold."""

    def of(self, kind: str, subject_id: str, fact: str) -> OnRecord | None:
        """There is none."""
        return None


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a fact or link is called, where it is kept and how sensitive it is."""

    fact: Fact | None
    label: Wording
    by: Source
    sensitivity: int
    ask_citizen: bool


class EvidenceReader:
    """Puts facts into evidence, on one day.

    Args:
        rulebook: whose facts.
        on_date: the day of the question; what is too old on it is not known.
        records: what registers said; files have none.
    """

    def __init__(self, rulebook: Rulebook, on_date: dt.date, records: Records | None = None) -> None:
        self.vocabulary = rulebook.vocabulary
        self.currency = rulebook.currency
        self.on_date = on_date
        self.records = records or NoRecords()
        self._read: dict[FactKey, Evidence] = {}

    def of(self, used: Iterable[FactUsed]) -> tuple[Evidence, ...]:
        """Facts in the order in which the rule reads them, each once."""
        return tuple(self._one(fact) for fact in dict.fromkeys(used))

    def words(self, fact: Fact, value: Value) -> Wording:
        """A value in words."""
        return in_both(lambda say: value_text(fact, value, self.vocabulary, self.currency, say))

    def _one(self, used: FactUsed) -> Evidence:
        key = used[:3]
        if key not in self._read:
            self._read[key] = self._evidence(used)
        return self._read[key]

    def _evidence(self, used: FactUsed) -> Evidence:
        kept, holding = self._kept(used.fact), used.holding
        on_record = self.records.of(*used[:3])
        statements = () if on_record is None else on_record.said
        known = holding if isinstance(holding, Known) else None
        gap = self._gap(holding, on_record)
        agreeing = [] if known is None or gap else self._agreeing(known.value, statements)
        file = "" if known is None or known.source in self.vocabulary.dictionary.registers else known.source
        said_by = self._said_by(known, agreeing)
        ends = [one.true_to for one in statements if one.true_to is not None and not one.holds(self.on_date)]
        true_from = known.true_from if known is not None else None
        return Evidence(
            kind=used.subject_kind,
            kind_name=self.vocabulary.subjects.names[used.subject_kind],
            id=used.subject_id,
            fact=used.fact,
            label=kept.label,
            value=None if known is None or gap else self._words(kept.fact, known.value),
            gap="" if gap is None else gap.value,
            register=kept.by.register,
            register_name=kept.by.name,
            owner=kept.by.owner,
            source="" if agreeing else file,
            true_from=min(one.true_from for one in agreeing) if agreeing else true_from,
            learned_at=agreeing[0].learned_at if agreeing else None,
            stale_on=known.stale_on if known is not None else None,
            sensitivity=kept.sensitivity,
            ask_citizen=kept.ask_citizen,
            said_by=said_by,
            said=self._said(kept.fact, statements) if gap not in (None, Gap.WITHHELD) else (),
            ended_on=max(ends, default=None) if gap is Gap.NOT_HELD else None,
        )

    def _gap(self, holding: Holding, on_record: OnRecord | None) -> Gap | None:
        if isinstance(holding, Known):
            if holding.stale_on is None or holding.stale_on > self.on_date:
                return None
            gap = Gap.STALE
        else:
            gap = holding.gap
        return gap if on_record is None or on_record.gap is None else on_record.gap

    def _agreeing(self, value: Value, statements: Sequence[Statement]) -> list[Statement]:
        """Those that say so, the last to attest it first."""
        agreeing = [one for one in statements if one.holds(self.on_date) and one.value == value]
        return sorted(agreeing, key=lambda one: (one.attested_on, one.learned_at), reverse=True)

    def _said_by(self, known: Known | None, agreeing: Sequence[Statement]) -> tuple[Source, ...]:
        if agreeing:
            return tuple(self._source(name) for name in dict.fromkeys(one.register for one in agreeing))
        registers = self.vocabulary.dictionary.registers
        return (self._source(known.source),) if known is not None and known.source in registers else ()

    def _said(self, fact: Fact | None, statements: Sequence[Statement]) -> tuple[Said, ...]:
        return tuple(
            Said(
                by=self._source(one.register),
                value=None if one.value is None else self._words(fact, one.value),
                true_from=one.true_from,
                true_to=one.true_to,
                attested_on=one.attested_on,
                learned_at=one.learned_at,
                stale_on=one.stale_on,
            )
            for one in statements
        )

    def _words(self, fact: Fact | None, value: Value) -> Wording:
        """A value in words; that of a link is an id, the same in every language."""
        return Wording(str(value), str(value)) if fact is None else self.words(fact, value)

    def _source(self, register: str) -> Source:
        found = self.vocabulary.dictionary.registers.get(register)
        if found is None:
            return Source(register, Wording(register, register), Wording(register, register))
        return Source(register, found.names, found.owner)

    def _kept(self, name: str) -> _Kept:
        fact = self.vocabulary.dictionary.facts.get(name)
        if fact is not None:
            return _Kept(fact, fact.names, self._source(fact.register), fact.sensitivity, fact.ask_citizen)
        holder = in_both(lambda say: say.say("link_holder"))
        return _Kept(
            None, link_label(self.vocabulary.subjects, name), Source("", holder, holder), LINK_SENSITIVITY, False
        )


def link_label(subjects: Subjects, link: str) -> Wording:
    """What people call a link: by the group or relation that it leads to."""
    groups = {group.link: group.names for group in subjects.groups.values()}
    links = {name: r.names for r in subjects.relations.values() if not r.inverse for name in r.links}
    return {**links, **groups}[link]
