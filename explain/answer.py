"""One answer in sentences: outcome and amount, each clause with its facts and law, what is missing, what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from explain.explanation import Clause, Explanation, Missing
from explain.fact_lines import FactLines
from explain.values import amount_text
from explain.wording import Language, Messages, messages
from features.facts.vocabulary import Vocabulary
from rules.determination import Determination, Outcome
from rules.kleene import Truth


@dataclass(frozen=True, slots=True)
class ClauseText:
    """One clause: how it came out, what it says, and on which facts and which article that rests."""

    id: str
    met: Truth
    text: str
    note: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MissingText:
    """One thing that is missing: who holds it, and of whom it lacks and why."""

    text: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerText:
    """A whole answer, ready to be shown."""

    heading: str
    outcome: Outcome
    outcome_text: str
    amount: str
    law: tuple[str, ...]
    clauses: tuple[ClauseText, ...]
    amount_facts: tuple[str, ...]
    missing: tuple[MissingText, ...]
    next_change: str


def answer_text(explained: Explanation, vocabulary: Vocabulary, currency: str, language: Language) -> AnswerText:
    """An explanation in the sentences of a language.

    Args:
        explained: the answer.
        vocabulary: of its facts.
        currency: of facts that are money.
        language: of the texts.
    """
    return _Telling(explained, vocabulary, currency, messages(language)).text()


class _Telling:
    def __init__(self, explained: Explanation, vocabulary: Vocabulary, currency: str, told: Messages) -> None:
        self.explained, self.vocabulary = explained, vocabulary
        self.messages, self.say = told, told.say
        self.facts = FactLines(vocabulary, currency, told)

    def text(self) -> AnswerText:
        explained, answer = self.explained, self.explained.answer
        kind = self.messages.of(self.vocabulary.subjects.names[answer.subject])
        name = self.messages.of(explained.names)
        heading = self.say("heading", benefit=name, subject=kind, id=answer.id, on_date=explained.on_date)
        if explained.known_at is not None:
            heading = self.say("as_known", heading=heading, known_at=f"{explained.known_at:%Y-%m-%d %H:%M}")
        return AnswerText(
            heading=heading,
            outcome=answer.outcome,
            outcome_text=self._outcome(answer, explained.in_force),
            amount=self._amount(answer),
            law=tuple(self._law()),
            clauses=tuple(self._clause(clause) for clause in explained.clauses),
            amount_facts=self.facts.lines(explained.amount_facts),
            missing=tuple(self._missing(missing) for missing in explained.missing),
            next_change=self._next(),
        )

    # -- outcome and amount ---------------------------------------------------------------------------------------

    def _outcome(self, found: Determination, in_force: bool) -> str:
        return self.say(found.outcome.value if in_force else "ineligible_not_in_force")

    def _amount(self, found: Determination) -> str:
        if found.outcome is Outcome.INELIGIBLE:
            return self.say("amount_none")
        if self.explained.in_kind is not None:
            return self.say("in_kind", text=self.messages.of(self.explained.in_kind))
        low, high = self._figure(found, found.amount_low), self._figure(found, found.amount_high)
        if found.amount is not None:
            return self.say("amount_exact", amount=self._figure(found, found.amount))
        if found.outcome is Outcome.UNDETERMINED and high:
            return self.say("amount_up_to", high=high)
        if low and high:
            return self.say("amount_between", low=low, high=high)
        return self.say("amount_at_least", low=low) if found.amount_low else self.say("amount_open")

    def _figure(self, found: Determination, value: Decimal | None) -> str:
        return "" if value is None else amount_text(value, found.unit, found.per, self.messages)

    def _law(self) -> list[str]:
        lines = [
            self.say("law", law=" ".join(filter(None, (law.title, law.number, law.article, law.url))))
            for law in self.explained.laws
        ]
        known = self.explained.answer.version
        lines.append(self.say("version", version=known) if known else self.say("version_unknown"))
        lines += [self.say("confirm", text=self.messages.of(text)) for text in self.explained.to_confirm]
        return list(dict.fromkeys(lines))

    # -- clauses, what is missing, what comes next ----------------------------------------------------------------

    def _clause(self, clause: Clause) -> ClauseText:
        mark = self.say(f"{'exception' if clause.exception else 'condition'}_{clause.met.name.lower()}")
        says = self.messages.of(clause.says)
        return ClauseText(
            id=clause.id,
            met=clause.met,
            text=self.say("clause", says=says, id=clause.id, mark=mark, because=clause.because),
            note=self.say("note", note=clause.note) if clause.note else "",
            facts=self.facts.lines(clause.facts),
        )

    def _missing(self, missing: Missing) -> MissingText:
        label = self.messages.of(missing.label)
        if missing.id.startswith("$"):
            text = self.say("missing_parameter", label=label, id=missing.id)
        elif missing.owner is None or missing.register is None:
            text = self.say("missing_link", label=label, id=missing.id)
        else:
            owner, register = self.messages.of(missing.owner), self.messages.of(missing.register)
            key = "missing_fact_or_ask" if missing.ask_citizen else "missing_fact"
            text = self.say(key, label=label, id=missing.id, owner=owner, register=register)
        return MissingText(text, self.facts.why_not(missing.facts))

    def _next(self) -> str:
        change = self.explained.next_change
        if change is None:
            return self.say("next_none")
        outcome = self._outcome(change.then, change.in_force)
        if change.then.outcome is not Outcome.INELIGIBLE:
            outcome = self.say("outcome_with_amount", outcome=outcome, amount=self._amount(change.then))
        return self.say("next_day", date=change.on, outcome=outcome)
