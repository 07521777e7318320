"""The facts behind a part of an answer in lines: everyone's value, its registers and dates, or why it is not known."""

from __future__ import annotations

from collections.abc import Iterable

from explain.audience import HIDDEN, OWN
from explain.explanation import Evidence, Said
from explain.phrases import join, whose
from explain.shown import Line
from explain.wording import Messages


class FactLines:
    """Puts evidence into lines, for one answer in one language; what earlier lines have shown is only named."""

    def __init__(self, say: Messages) -> None:
        self.say = say
        self._shown: set[tuple[str, str]] = set()

    def lines(self, facts: Iterable[Evidence]) -> tuple[str, ...]:
        """The facts in the order in which the rule reads them, everyone's value of one fact in one line.

        Where nothing may be shown of any of them, they are only named.
        """
        facts = tuple(facts)
        if facts and all(fact.gap == HIDDEN and not fact.id for fact in facts):
            labels = dict.fromkeys(self.say.of(fact.label) for fact in facts)
            return (self.say.say("facts_read", labels=join(labels, self.say)),)
        new: dict[str, list[Evidence]] = {}
        again: dict[str, None] = {}
        for fact in facts:
            if (fact.id, fact.fact) in self._shown:
                again[self.say.of(fact.label)] = None
            else:
                new.setdefault(fact.fact, []).append(fact)
        self._shown |= {(fact.id, fact.fact) for some in new.values() for fact in some}
        lines = [line for some in new.values() for line in self._of_one_fact(some)]
        if again:
            lines.append(self.say.say("facts_above", labels=join(again, self.say)))
        return tuple(lines)

    def _of_one_fact(self, facts: list[Evidence]) -> Iterable[str]:
        """One line for each register, file and date (usually one), and one for what is not known or not shown."""
        say = self.say
        by_source: dict[tuple[str, str], dict[str, list[Evidence]]] = {}
        for fact in facts:
            value = say.say(f"gap_{fact.gap}") if fact.value is None else say.of(fact.value)
            by_source.setdefault(self._source(fact), {}).setdefault(value, []).append(fact)
        label, owner = say.of(facts[0].label), say.of(facts[0].owner)
        for (source, date), by_value in by_source.items():
            if source:
                values = (say.say("value_of", value=value, whose=self._whose(some)) for value, some in by_value.items())
                yield say.say("fact", label=label, values=join(values, say), source=source, date=date)
                continue
            for value, some in by_value.items():
                key = "fact_hidden" if some[0].gap == HIDDEN else "fact_unknown"
                yield say.say(key, label=label, whose=self._whose(some), gap=value, owner=owner)

    def why_not(self, facts: Iterable[Evidence]) -> tuple[Line, ...]:
        """Of whom a fact is not known, why, and what each register says of it."""
        return tuple(
            Line(
                self.say.say("why_not", whose=self._whose([fact]), gap=self._gap(fact)),
                details=tuple(Line(self._said(one)) for one in fact.said),
            )
            for fact in facts
        )

    def _gap(self, fact: Evidence) -> str:
        if fact.ended_on is not None:
            return self.say.say("gap_ended", day=fact.ended_on)
        return self.say.say(f"gap_{fact.gap}")

    def _said(self, one: Said) -> str:
        key = "said_unreadable" if one.value is None else "said" if one.true_to is None else "said_until"
        return self.say.say(
            key,
            register=self.say.of(one.by.name),
            value="" if one.value is None else self.say.of(one.value),
            since=one.true_from,
            until=one.true_to,
            attested=one.attested_on,
            learned="" if one.learned_at is None else one.learned_at.date(),
        )

    def _source(self, fact: Evidence) -> tuple[str, str]:
        """The registers (and file) that say so, and the dates; nothing where nothing is known."""
        if fact.value is None:
            return "", ""
        say = self.say
        source = join((say.of(by.name) for by in fact.said_by), say) or say.of(fact.register_name)
        if fact.source:
            source = say.say("source_file", register=source, file=fact.source)
        if fact.true_from is None:
            return source, say.say("undated")
        dated = say.say("dated", date=fact.true_from)
        if fact.learned_at is None:
            return source, dated
        return source, say.say("dated_and_learned", dated=dated, learned=fact.learned_at.date())

    def _whose(self, facts: list[Evidence]) -> str:
        kind = self.say.of(facts[0].kind_name)
        ids = list(dict.fromkeys(fact.id for fact in facts))
        if set(ids) <= {OWN, ""}:
            return join(dict.fromkeys(whose(fact.kind, kind, fact.id, self.say) for fact in facts), self.say)
        return f"{kind} {join(ids, self.say)}"
