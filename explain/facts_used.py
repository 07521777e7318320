"""The facts behind a part of an answer: one line per fact, with everyone's value, its register and its date."""

from __future__ import annotations

from collections.abc import Iterable

from explain.values import value_text
from explain.wording import Messages
from features.facts.values import Holding, Known
from rules.determination import FactUsed
from rules.rulebook import Rulebook

Shown = set[tuple[str, str]]
"""Subjects and facts that were shown already; they are named again, and not repeated."""


class FactLines:
    """Puts facts into lines, for one rulebook and one language."""

    def __init__(self, rulebook: Rulebook, messages: Messages) -> None:
        self.vocabulary = rulebook.vocabulary
        self.currency = rulebook.currency
        self.messages = messages
        self._shown: Shown = set()

    def lines(self, used: Iterable[FactUsed]) -> tuple[str, ...]:
        """The facts in the order in which the rule reads them; what earlier lines have shown is only named."""
        new: dict[str, list[FactUsed]] = {}
        again: dict[str, None] = {}
        for fact in dict.fromkeys(used):
            key = (fact.subject_id, fact.fact)
            if key in self._shown:
                again[self._label(fact.fact)] = None
            else:
                new.setdefault(fact.fact, []).append(fact)
                self._shown.add(key)
        lines = [line for facts in new.values() for line in self._of_one_fact(facts)]
        if again:
            lines.append(self.messages.say("facts_above", labels=self._join(again)))
        return tuple(lines)

    def _of_one_fact(self, used: list[FactUsed]) -> Iterable[str]:
        """One line for each register, file and date (usually one), and one for what is not known."""
        by_source: dict[tuple[str, str], dict[str, list[FactUsed]]] = {}
        for fact in used:
            where, value = self._source(fact), self._value(fact)
            by_source.setdefault(where, {}).setdefault(value, []).append(fact)
        label = self._label(used[0].fact)
        register = self.vocabulary.dictionary.registers[self.vocabulary.dictionary.facts[used[0].fact].register]
        for (source, date), by_value in by_source.items():
            if source:
                said = (
                    self.messages.say("value_of", value=value, whose=self._whose(facts))
                    for value, facts in by_value.items()
                )
                yield self.messages.say("fact", label=label, values=self._join(said), source=source, date=date)
                continue
            owner = self.messages.of(register.owner)
            for gap, facts in by_value.items():
                whose = self._whose(facts)
                yield self.messages.say("fact_unknown", label=label, whose=whose, gap=gap, owner=owner)

    def _source(self, used: FactUsed) -> tuple[str, str]:
        """The register (and file) and the date; nothing where nothing is known."""
        holding: Holding = used.holding
        if not isinstance(holding, Known):
            return "", ""
        register = self.vocabulary.dictionary.registers[self.vocabulary.dictionary.facts[used.fact].register]
        source = self.messages.of(register.names)
        if holding.source not in ("", register.id):
            source = self.messages.say("source_file", register=source, file=holding.source)
        if holding.true_from is None:
            return source, self.messages.say("undated")
        return source, self.messages.say("dated", date=holding.true_from)

    def _value(self, used: FactUsed) -> str:
        if not isinstance(used.holding, Known):
            return self.messages.say(f"gap_{used.holding.gap.value}")
        fact = self.vocabulary.dictionary.facts[used.fact]
        return value_text(fact, used.holding.value, self.vocabulary, self.currency, self.messages)

    def _whose(self, used: list[FactUsed]) -> str:
        kind = self.messages.of(self.vocabulary.subjects.names[used[0].subject_kind])
        return f"{kind} {self._join(fact.subject_id for fact in used)}"

    def _label(self, fact: str) -> str:
        return self.messages.of(self.vocabulary.dictionary.facts[fact].names)

    def _join(self, parts: Iterable[str]) -> str:
        return self.messages.say("and").join(parts)
