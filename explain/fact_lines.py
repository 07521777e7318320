"""The facts behind a part of an answer in lines: everyone's value, its register and dates, or why it is not known."""

from __future__ import annotations

from collections.abc import Iterable

from explain.evidence import FactShown
from explain.values import value_text
from explain.wording import Messages
from features.facts.values import Value
from features.facts.vocabulary import Vocabulary
from features.history.records import Statement


class FactLines:
    """Puts facts into lines, for one answer in one language.

    What lines have shown is named again, and not repeated.

    Args:
        vocabulary: of the facts.
        currency: of money.
        messages: the language.
    """

    def __init__(self, vocabulary: Vocabulary, currency: str, messages: Messages) -> None:
        self.vocabulary, self.currency, self.messages = vocabulary, currency, messages
        self._shown: set[tuple[str, str, str]] = set()

    def lines(self, facts: Iterable[FactShown]) -> tuple[str, ...]:
        """The facts in the order in which the rule reads them."""
        new: dict[str, list[FactShown]] = {}
        again: dict[str, None] = {}
        for fact in facts:
            key = (fact.kind, fact.subject_id, fact.fact)
            if key in self._shown:
                again[self._label(fact.fact)] = None
            else:
                new.setdefault(fact.fact, []).append(fact)
                self._shown.add(key)
        lines = [line for several in new.values() for line in self._of_one_fact(several)]
        if again:
            lines.append(self.messages.say("facts_above", labels=self._join(again)))
        return tuple(lines)

    def why_not(self, facts: Iterable[FactShown]) -> tuple[str, ...]:
        """Of whom a fact is not known, why, and what each register says of it."""
        lines: list[str] = []
        for fact in facts:
            gap = self.messages.say(f"gap_{fact.gap.value}") if fact.gap else ""
            if fact.ended_on is not None:
                gap = self.messages.say("gap_ended", day=fact.ended_on)
            lines.append(self.messages.say("why_not", whose=self._whose([fact]), gap=gap))
            lines += [self._said(fact.fact, one) for one in fact.said]
        return tuple(lines)

    def _of_one_fact(self, facts: list[FactShown]) -> Iterable[str]:
        """One line for each source and date (usually one), and one for each reason why it is not known."""
        label = self._label(facts[0].fact)
        known: dict[tuple[str, str], dict[str, list[FactShown]]] = {}
        unknown: dict[str, list[FactShown]] = {}
        for fact in facts:
            if fact.gap is None and fact.value is not None:
                where = self._sources(fact), self._dates(fact)
                known.setdefault(where, {}).setdefault(self._value(fact.fact, fact.value), []).append(fact)
            else:
                gap = "not_held" if fact.gap is None else fact.gap.value
                unknown.setdefault(self.messages.say(f"gap_{gap}"), []).append(fact)
        for (source, date), by_value in known.items():
            said = (
                self.messages.say("value_of", value=value, whose=self._whose(them)) for value, them in by_value.items()
            )
            yield self.messages.say("fact", label=label, values=self._join(said), source=source, date=date)
        dictionary = self.vocabulary.dictionary
        owner = self.messages.of(dictionary.registers[dictionary.facts[facts[0].fact].register].owner)
        for gap, them in unknown.items():
            yield self.messages.say("fact_unknown", label=label, whose=self._whose(them), gap=gap, owner=owner)

    def _sources(self, fact: FactShown) -> str:
        """The registers that say so; for a file the fact's own register, and the file."""
        own = self.vocabulary.dictionary.facts[fact.fact].register
        named = [self._register(source) for source in fact.sources if source in self.vocabulary.dictionary.registers]
        files = [source for source in fact.sources if source not in self.vocabulary.dictionary.registers]
        if files:
            return self.messages.say("source_file", register=self._register(own), file=self._join(files))
        return self._join(named) or self._register(own)

    def _dates(self, fact: FactShown) -> str:
        if fact.true_from is None:
            return self.messages.say("undated")
        dated = self.messages.say("dated", date=fact.true_from)
        if fact.learned_at is None:
            return dated
        return self.messages.say("dated_and_learned", dated=dated, learned=fact.learned_at.date())

    def _said(self, fact: str, one: Statement) -> str:
        key = "said_unreadable" if one.value is None else "said" if one.true_to is None else "said_until"
        return self.messages.say(
            key,
            register=self._register(one.register),
            value="" if one.value is None else self._value(fact, one.value),
            since=one.true_from,
            until=one.true_to,
            attested=one.attested_on,
            learned=one.learned_at.date(),
        )

    def _register(self, name: str) -> str:
        found = self.vocabulary.dictionary.registers.get(name)
        return name if found is None else self.messages.of(found.names)

    def _value(self, name: str, value: Value) -> str:
        fact = self.vocabulary.dictionary.facts.get(name)
        return str(value) if fact is None else value_text(fact, value, self.vocabulary, self.currency, self.messages)

    def _whose(self, facts: list[FactShown]) -> str:
        kind = self.messages.of(self.vocabulary.subjects.names[facts[0].kind])
        return f"{kind} {self._join(fact.subject_id for fact in facts)}"

    def _label(self, fact: str) -> str:
        return self.messages.of(self.vocabulary.dictionary.facts[fact].names)

    def _join(self, parts: Iterable[str]) -> str:
        return self.messages.say("and").join(parts)
