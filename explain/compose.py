"""Composes a whole explanation from a determination with its trace, the facts with their provenance, and the rulebook.

Everything it says of other days and other facts it has asked the evaluator first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass

from explain.bounds import high_by_law
from explain.changeable import Changeable, changeable_facts
from explain.contributions import Contributions
from explain.doubtful import left_open
from explain.evidence import EvidenceReader, Records
from explain.explanation import AmountTold, Change, ChangeStep, Clause, Explanation, LawCited, Turning, Upcoming
from explain.figures import Figures
from explain.limits import limits_of
from explain.missing import MissingReader
from explain.nearest_change import ChangeSearch, Found, Move
from explain.values import distance_text
from explain.wording import in_both
from features.documents import Wording
from features.facts.population import Population, Subject
from features.facts.values import Known
from rules.answers import determine
from rules.benefits import IN_AREA
from rules.catalogue import Catalogue
from rules.determination import ClauseTrace, Determination, FactUsed, Outcome
from rules.evaluate.reference import ReferenceEvaluator
from rules.facts_used import facts_used
from rules.rulebook import BenefitPlan, Rulebook, Variant


@dataclass(frozen=True, slots=True)
class Looked:
    """Whom a rule looks at: the subject and everyone around it.

    `doubtful_links`: links because of which it is not known who belongs to the subject; its answer stays open.
    """

    population: Population
    doubtful_links: Collection[str] = ()


class Explainer:
    """Explains answers of one catalogue. Made once; it keeps nothing about anybody."""

    def __init__(self, catalogue: Catalogue, rulebook: Rulebook, changeable: Changeable | None = None) -> None:
        """Prepare for a catalogue.

        Args:
            catalogue: where the benefits are written.
            rulebook: the same, compiled.
            changeable: which facts can change; by default what the shipped list says for the jurisdiction.
        """
        self.catalogue = catalogue
        self.rulebook = rulebook
        self.changeable = changeable_facts(rulebook.jurisdiction) if changeable is None else changeable
        self.figures = Figures(catalogue, rulebook)

    def explain(
        self,
        population: Population,
        benefit: str,
        subject: Subject,
        on_date: dt.date,
        *,
        known_at: dt.datetime | None = None,
        records: Records | None = None,
        doubtful_links: Collection[str] = (),
        by_rules_of: Callable[[dt.date], Looked] | None = None,
        contributions: Contributions | None = None,
    ) -> Explanation:
        """Explain one answer.

        Args:
            population: the subject and everyone the rule may look at.
            benefit: its id.
            subject: of the kind that the benefit is for.
            on_date: the day of the question.
            known_at: the moment of knowledge of the population; files have none.
            records: what registers said; files have none.
            doubtful_links: links because of which it is not known who belongs to the subject: its answer stays open.
            by_rules_of: whom the rules of a later day look at, on the facts of `on_date`, where `population` holds no
                more than today's rules read.
            contributions: a model's score of this case, taken apart, where a model ordered it.
        """
        looked = Looked(population, tuple(doubtful_links))
        answer = _Answer(self, benefit, subject, looked, EvidenceReader(self.rulebook, on_date, records))
        return answer.composed(known_at, by_rules_of or (lambda day: looked), contributions)


class _Answer:
    def __init__(self, by: Explainer, benefit: str, subject: Subject, looked: Looked, evidence: EvidenceReader) -> None:
        self.by, self.subject, self.looked, self.evidence = by, subject, looked, evidence
        self.rulebook = by.rulebook
        self.evaluator = ReferenceEvaluator(by.rulebook, looked.population, evidence.on_date)
        self.plan: BenefitPlan = self.evaluator.plans[benefit]
        self.found = determine(self.evaluator, benefit, subject, trace=True)
        self.answer = left_open(self.found, self.plan, looked.doubtful_links)
        """What a sweep stores: `found`, left open where it is not known who belongs to the subject."""

    def composed(
        self,
        known_at: dt.datetime | None,
        by_rules_of: Callable[[dt.date], Looked],
        contributions: Contributions | None,
    ) -> Explanation:
        found, plan, subjects = self.answer, self.plan, self.rulebook.vocabulary.subjects
        variants = self._variants()
        laws = (variant.compiled.version.law for variant in variants)
        clauses = tuple(self._clause(trace) for trace in self.found.trace)
        amount_used = self._amount_used()
        amount_facts = self.evidence.of(amount_used)
        read = [fact for clause in clauses for fact in clause.facts] + list(amount_facts)
        missing = MissingReader(self.by.catalogue, plan.benefit.id, self.looked.population, self.evidence)
        return Explanation(
            benefit=plan.benefit.id,
            benefit_name=plan.benefit.names,
            kind=found.subject,
            kind_name=subjects.names[found.subject],
            id=found.id,
            on_date=self.evaluator.on_date,
            known_at=known_at,
            version=found.version,
            rules_hash=self.rulebook.content_hash,
            in_force=bool(plan.variants),
            outcome=found.outcome,
            amount=amount_told(found, plan),
            high_by_law=high_by_law(self.evaluator, found, self.subject, amount_used),
            laws=tuple(dict.fromkeys(LawCited(law.title, law.number, law.article, law.url) for law in laws)),
            to_confirm=plan.benefit.needs_confirmation,
            unmet=found.unmet,
            clauses=clauses,
            amount_because=tuple(dict.fromkeys(variant.compiled.version.amount.because for variant in variants)),
            amount_facts=amount_facts,
            missing=tuple(missing.item(name, read) for name in found.missing),
            upcoming=self._upcoming(by_rules_of),
            changes=tuple(self._change(change) for change in self._search()),
            contributions=contributions,
        )

    def _variants(self) -> list[Variant]:
        """The version that applies, or all that may."""
        return [v for v in self.plan.variants if self.found.version in ("", v.label)]

    def _clause(self, trace: ClauseTrace) -> Clause:
        variant = next(v for v in self._variants() if any(name == trace.id for name, _ in v.clauses))
        criterion = variant.criterion(trace.id)
        return Clause(
            id=trace.id,
            met=trace.met,
            exception=trace.exception,
            says=self._says(trace.id, variant),
            because=trace.because,
            test=trace.test,
            note=criterion.note if criterion else "",
            facts=self.evidence.of(trace.facts),
        )

    def _says(self, clause: str, variant: Variant) -> Wording:
        criterion = variant.criterion(clause)
        if criterion is None:
            area = self.rulebook.vocabulary.areas.by_code[variant.compiled.area]
            return in_both(lambda say: say.say(IN_AREA, area=say.of(area.names)))
        return self.by.figures.filled(criterion.says, self.plan.benefit, variant, self.evaluator, self.subject)

    def _amount_used(self) -> tuple[FactUsed, ...]:
        if self.plan.amount is None or self.answer.outcome is Outcome.INELIGIBLE:
            return ()
        return facts_used(self.evaluator, self.plan.amount, self.subject)

    def _upcoming(self, by_rules_of: Callable[[dt.date], Looked]) -> Upcoming | None:
        day = self.answer.next_change
        if day is None:
            return None
        looked = by_rules_of(day)
        later = ReferenceEvaluator(self.rulebook, looked.population, day)
        plan = later.plans[self.plan.benefit.id]
        subject = looked.population.listed[self.subject.kind][self.subject.id]
        whole = determine(later, plan.benefit.id, subject, trace=True)
        then = left_open(whole, plan, looked.doubtful_links)
        amount, now = amount_told(then, plan), amount_told(self.answer, self.plan)
        before = {trace.id: trace.met for trace in self.found.trace}
        turning = {trace.id: trace.met for trace in whole.trace if before.get(trace.id, trace.met) is not trace.met}
        said = {clause.id: clause for clause in map(self._clause, self.found.trace) if clause.id in turning}
        return Upcoming(
            on_date=day,
            in_force=bool(plan.variants),
            outcome=then.outcome,
            amount=amount,
            turning=tuple(Turning(said[name].says, said[name].exception, met) for name, met in turning.items()),
            differs=(then.outcome, amount) != (self.answer.outcome, now),
        )

    def _search(self) -> tuple[Found, ...]:
        """Changes of facts; none where it is not known whose facts count: no fact alone would settle that answer."""
        if self.looked.doubtful_links:
            return ()
        return ChangeSearch(self.evaluator, self.plan, self.subject, self.by.changeable).changes(self.found)

    def _change(self, found: Found) -> Change:
        return Change(
            tuple(self._step(move) for move in found.moves), found.then.outcome, amount_told(found.then, self.plan)
        )

    def _step(self, move: Move) -> ChangeStep:
        vocabulary = self.rulebook.vocabulary
        fact = vocabulary.dictionary.facts[move.used.fact]
        register = vocabulary.dictionary.registers[fact.register]
        holding = move.used.holding
        told = self.evidence.of((move.used,))[0]
        distance = None
        if move.distance is not None and isinstance(holding, Known):
            line = limits_of(fact, self.evaluator.on_date)
            distance = in_both(lambda say: distance_text(line, move.distance or 0, self.rulebook.currency, say))
        return ChangeStep(
            kind=told.kind,
            kind_name=told.kind_name,
            id=told.id,
            fact=fact.id,
            label=fact.names,
            way=move.way,
            before=told.value,
            after=self.evidence.words(fact, move.value),
            distance=distance,
            new=move.value,
            owner=register.owner,
            ask_citizen=fact.ask_citizen,
            sensitivity=fact.sensitivity,
        )


def amount_told(found: Determination, plan: BenefitPlan) -> AmountTold:
    """The amount of a determination; nothing is owed where the outcome is ineligible."""
    in_kind = plan.variants[0].compiled.version.amount.in_kind if plan.variants else None
    return AmountTold(found.amount, found.amount_low, found.amount_high, found.per, found.unit, in_kind)
