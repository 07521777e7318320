"""The facts behind a part of an answer: whose, what, by which register, since when and how sensitive."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from explain.explanation import Evidence, FactKey
from explain.values import value_text
from explain.wording import in_both
from features.documents import Wording
from features.facts.dictionary import Fact
from features.facts.values import Gap, Known, Value
from rules.determination import FactUsed
from rules.rulebook import Rulebook

LearnedAt = Mapping[FactKey, dt.datetime]
"""When each fact was learned, where the history that it was read from says so."""


class EvidenceReader:
    """Puts facts into evidence, on one day."""

    def __init__(self, rulebook: Rulebook, on_date: dt.date, learned_at: LearnedAt) -> None:
        self.vocabulary = rulebook.vocabulary
        self.currency = rulebook.currency
        self.on_date = on_date
        self.learned_at = learned_at
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
            self._read[key] = self._evidence(used, key)
        return self._read[key]

    def _evidence(self, used: FactUsed, key: FactKey) -> Evidence:
        fact = self.vocabulary.dictionary.facts[used.fact]
        register = self.vocabulary.dictionary.registers[fact.register]
        holding = used.holding
        known = holding if isinstance(holding, Known) else None
        gap = "" if isinstance(holding, Known) else holding.gap.value
        if known is not None and known.stale_on is not None and known.stale_on <= self.on_date:
            gap = Gap.STALE.value
        return Evidence(
            kind=used.subject_kind,
            kind_name=self.vocabulary.subjects.names[used.subject_kind],
            id=used.subject_id,
            fact=fact.id,
            label=fact.names,
            value=None if known is None or gap else self.words(fact, known.value),
            gap=gap,
            register=register.id,
            register_name=register.names,
            owner=register.owner,
            source=known.source if known is not None and known.source != register.id else "",
            true_from=known.true_from if known is not None else None,
            learned_at=self.learned_at.get(key),
            stale_on=known.stale_on if known is not None else None,
            sensitivity=fact.sensitivity,
            ask_citizen=fact.ask_citizen,
        )
