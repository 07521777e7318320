"""One answer in full: outcome and amount, each clause with its facts and its law, what is missing, what comes next."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from explain.facts_used import FactLines
from explain.figures import filled
from explain.values import amount_text
from explain.wording import Language, Messages, messages
from features.facts.population import Population, Subject
from rules.answers import determine
from rules.benefits import IN_AREA
from rules.catalogue import Catalogue
from rules.determination import ClauseTrace, Determination, Outcome
from rules.evaluate.reference import ReferenceEvaluator
from rules.facts_used import facts_used
from rules.kleene import Truth
from rules.rulebook import BenefitPlan, Rulebook, Variant


@dataclass(frozen=True, slots=True)
class ClauseText:
    """One clause: how it came out, what it says, and on which facts and which article that rests."""

    id: str
    met: Truth
    text: str
    note: str
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
    missing: tuple[str, ...]
    next_change: str


def explain_answer(
    catalogue: Catalogue,
    rulebook: Rulebook,
    population: Population,
    benefit: str,
    subject: Subject,
    on_date: dt.date,
    language: Language,
) -> AnswerText:
    """Explain one answer.

    Args:
        catalogue: where the benefit is written.
        rulebook: the same, compiled.
        population: the subject and everyone the rule may look at.
        benefit: its id.
        subject: of the kind that the benefit is for.
        on_date: the day of the question.
        language: of the texts.
    """
    return _Explanation(catalogue, rulebook, population, benefit, subject, on_date, language).text()


class _Explanation:
    def __init__(
        self,
        catalogue: Catalogue,
        rulebook: Rulebook,
        population: Population,
        benefit: str,
        subject: Subject,
        on_date: dt.date,
        language: Language,
    ) -> None:
        self.catalogue = catalogue
        self.rulebook = rulebook
        self.population = population
        self.subject = subject
        self.on_date = on_date
        self.messages: Messages = messages(language)
        self.say = self.messages.say
        self.evaluator = ReferenceEvaluator(rulebook, population, on_date)
        self.benefit: BenefitPlan = self.evaluator.plans[benefit]
        self.found = determine(self.evaluator, benefit, subject, trace=True)
        self.facts = FactLines(rulebook, self.messages)

    def text(self) -> AnswerText:
        found, vocabulary = self.found, self.rulebook.vocabulary
        kind = self.messages.of(vocabulary.subjects.names[found.subject])
        name = self.messages.of(self.benefit.benefit.names)
        return AnswerText(
            heading=self.say("heading", benefit=name, subject=kind, id=found.id, on_date=self.on_date),
            outcome=found.outcome,
            outcome_text=self._outcome(found, self.benefit),
            amount=self._amount(found, self.benefit),
            law=tuple(self._law()),
            clauses=tuple(self._clause(trace) for trace in found.trace),
            amount_facts=self._amount_facts(),
            missing=tuple(self._missing(name) for name in found.missing),
            next_change=self._next(),
        )

    # -- outcome and amount ---------------------------------------------------------------------------------------

    def _outcome(self, found: Determination, benefit: BenefitPlan) -> str:
        return self.say(found.outcome.value if benefit.variants else "ineligible_not_in_force")

    def _amount(self, found: Determination, benefit: BenefitPlan) -> str:
        if found.outcome is Outcome.INELIGIBLE:
            return self.say("amount_none")
        in_kind = benefit.variants[0].compiled.version.amount.in_kind if benefit.variants else None
        if in_kind is not None:
            return self.say("in_kind", text=self.messages.of(in_kind))
        figures = {
            name: "" if value is None else amount_text(value, found.unit, found.per, self.messages)
            for name, value in (("amount", found.amount), ("low", found.amount_low), ("high", found.amount_high))
        }
        if figures["amount"]:
            return self.say("amount_exact", **figures)
        if found.outcome is Outcome.UNDETERMINED and figures["high"]:
            return self.say("amount_up_to", **figures)
        if figures["low"] and figures["high"]:
            return self.say("amount_between", **figures)
        return self.say("amount_at_least" if found.amount_low else "amount_open", **figures)

    def _law(self) -> list[str]:
        lines: list[str] = []
        for variant in self._variants():
            law = variant.compiled.version.law
            lines.append(self.say("law", law=" ".join(filter(None, (law.title, law.number, law.article, law.url)))))
        known = self.found.version
        lines.append(self.say("version", version=known) if known else self.say("version_unknown"))
        lines += [self.say("confirm", text=self.messages.of(text)) for text in self.benefit.benefit.needs_confirmation]
        return list(dict.fromkeys(lines))

    def _variants(self) -> list[Variant]:
        """The version that applies, or all that may."""
        return [v for v in self.benefit.variants if self.found.version in ("", v.label)]

    # -- clauses and facts ----------------------------------------------------------------------------------------

    def _clause(self, trace: ClauseTrace) -> ClauseText:
        kind = "exception" if trace.exception else "condition"
        variant = next(v for v in self._variants() if any(name == trace.id for name, _ in v.clauses))
        criterion = variant.criterion(trace.id)
        if criterion is None:
            area = self.rulebook.vocabulary.areas.by_code[variant.compiled.area]
            says = self.say(IN_AREA, area=self.messages.of(area.names))
        else:
            says = filled(
                self.messages.of(criterion.says), self.catalogue, variant, self.evaluator, self.subject, self.messages
            )
        note = criterion.note if criterion else ""
        mark = self.say(f"{kind}_{trace.met.name.lower()}")
        return ClauseText(
            id=trace.id,
            met=trace.met,
            text=self.say("clause", says=says, id=trace.id, mark=mark, because=trace.because),
            note=self.say("note", note=note) if note else "",
            facts=self.facts.lines(trace.facts),
        )

    def _amount_facts(self) -> tuple[str, ...]:
        if self.benefit.amount is None or self.found.outcome is Outcome.INELIGIBLE:
            return ()
        return self.facts.lines(facts_used(self.evaluator, self.benefit.amount, self.subject))

    # -- what is missing, what comes next -------------------------------------------------------------------------

    def _missing(self, name: str) -> str:
        vocabulary = self.rulebook.vocabulary
        if name.startswith("$"):
            own = self.catalogue.sources[self.benefit.benefit.id].parameters
            parameter = own.get(name[1:]) or self.catalogue.shared.get(name[1:])
            label = self.messages.of(parameter.names) if parameter else name
            return self.say("missing_parameter", label=label, id=name)
        fact = vocabulary.dictionary.facts.get(name)
        if fact is None:
            groups = {group.link: group.names for group in vocabulary.subjects.groups.values()}
            links = {link: r.names for r in vocabulary.subjects.relations.values() if not r.inverse for link in r.links}
            label = self.messages.of({**links, **groups}[name])
            return self.say("missing_link", label=label, id=name)
        register = vocabulary.dictionary.registers[fact.register]
        return self.say(
            "missing_fact_or_ask" if fact.ask_citizen else "missing_fact",
            label=self.messages.of(fact.names),
            id=name,
            owner=self.messages.of(register.owner),
            register=self.messages.of(register.names),
        )

    def _next(self) -> str:
        day = self.found.next_change
        if day is None:
            return self.say("next_none")
        later = ReferenceEvaluator(self.rulebook, self.population, day)
        benefit = self.benefit.benefit.id
        then = determine(later, benefit, self.subject)
        outcome = self._outcome(then, later.plans[benefit])
        if then.outcome is not Outcome.INELIGIBLE:
            amount = self._amount(then, later.plans[benefit])
            outcome = self.say("outcome_with_amount", outcome=outcome, amount=amount)
        return self.say("next_day", date=day, outcome=outcome)
