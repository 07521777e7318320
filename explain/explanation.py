"""One answer in full, as data: the clauses with the evidence behind them, what is missing and why, what comes next.

Languages and pages come after this: see :mod:`explain.answer` for sentences.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from explain.evidence import FactShown, NoRecords, Records, fact_shown, shown
from explain.figures import filled
from explain.wording import Language, messages
from features.documents import Wording
from features.facts.population import Population, Subject
from features.facts.subjects import PERSON
from features.facts.values import Unknown
from rules.answers import IN_KIND, determine, ordered_missing
from rules.benefits import IN_AREA, Law
from rules.catalogue import Catalogue
from rules.determination import ClauseTrace, Determination, Outcome
from rules.evaluate.reference import ReferenceEvaluator
from rules.facts_used import facts_used
from rules.kleene import Truth
from rules.rulebook import BenefitPlan, Rulebook, Variant


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: how it came out, what it says, and on which evidence and article that rests."""

    id: str
    met: Truth
    exception: bool
    says: Wording
    because: str
    note: str
    facts: tuple[FactShown, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """What would settle the answer: a fact, a link or a number of the law (`$name`), who holds it, of whom it lacks.

    Attributes:
        id: as rules name it.
        label: what people call it.
        owner: the department that holds it; None for numbers of the law, and for links of no register.
        register: the register it stands in.
        ask_citizen: may the person be asked?
        facts: of whom it is not known and why, as far as the rule came to read it.
    """

    id: str
    label: Wording
    owner: Wording | None
    register: Wording | None
    ask_citizen: bool
    facts: tuple[FactShown, ...]


@dataclass(frozen=True, slots=True)
class NextChange:
    """The first later day on which the answer can change though no fact does, and what it would then be."""

    on: dt.date
    then: Determination
    in_force: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """A whole answer.

    Attributes:
        answer: the determination, as a sweep would store it.
        on_date: the day it is for.
        known_at: what was learned later does not count (None: files, which have no moments).
        rulebook: the content hash of the rules.
        names: what the benefit is called.
        in_force: is any version in force on the day?
        laws: of the version that applies, or of all that may.
        in_kind: what is given where it is not money.
        to_confirm: readings of the law that its keepers have yet to confirm.
        clauses: the conditions and exceptions.
        amount_facts: the evidence behind the amount.
        missing: what would settle it.
        next_change: what comes by itself.
    """

    answer: Determination
    on_date: dt.date
    known_at: dt.datetime | None
    rulebook: str
    names: Wording
    in_force: bool
    laws: tuple[Law, ...]
    in_kind: Wording | None
    to_confirm: tuple[Wording, ...]
    clauses: tuple[Clause, ...]
    amount_facts: tuple[FactShown, ...]
    missing: tuple[Missing, ...]
    next_change: NextChange | None


def explain(
    catalogue: Catalogue,
    rulebook: Rulebook,
    population: Population,
    benefit: str,
    subject: Subject,
    on_date: dt.date,
    *,
    known_at: dt.datetime | None = None,
    records: Records | None = None,
    doubtful_links: Collection[str] = (),
) -> Explanation:
    """Explain one answer.

    Args:
        catalogue: where the benefit is written.
        rulebook: the same, compiled.
        population: the subject and everyone the rule may look at.
        benefit: its id.
        subject: of the kind that the benefit is for.
        on_date: the day of the question.
        known_at: the moment of knowledge of the population.
        records: what registers said; files have none.
        doubtful_links: links because of which it is not known who belongs to the subject: its answer stays open.
    """
    made = _Explaining(catalogue, rulebook, population, benefit, subject, on_date, records or NoRecords())
    return made.whole(known_at, doubtful_links)


class _Explaining:
    def __init__(
        self,
        catalogue: Catalogue,
        rulebook: Rulebook,
        population: Population,
        benefit: str,
        subject: Subject,
        on_date: dt.date,
        records: Records,
    ) -> None:
        self.catalogue, self.rulebook, self.population = catalogue, rulebook, population
        self.subject, self.on_date, self.records = subject, on_date, records
        self.evaluator = ReferenceEvaluator(rulebook, population, on_date)
        self.benefit: BenefitPlan = self.evaluator.plans[benefit]

    def whole(self, known_at: dt.datetime | None, doubtful_links: Collection[str]) -> Explanation:
        benefit = self.benefit.benefit
        found = determine(self.evaluator, benefit.id, self.subject, trace=True)
        variants = [v for v in self.benefit.variants if found.version in ("", v.label)]
        clauses = tuple(self._clause(trace, variants) for trace in found.trace)
        answer = _left_open(found, self.benefit, doubtful_links)
        amount = self._amount_facts(answer)
        read = [fact for clause in clauses for fact in clause.facts] + list(amount)
        return Explanation(
            answer=answer,
            on_date=self.on_date,
            known_at=known_at,
            rulebook=self.rulebook.content_hash,
            names=benefit.names,
            in_force=bool(self.benefit.variants),
            laws=tuple(dict.fromkeys(variant.compiled.version.law for variant in variants)),
            in_kind=self.benefit.variants[0].compiled.version.amount.in_kind if self.benefit.variants else None,
            to_confirm=tuple(benefit.needs_confirmation),
            clauses=clauses,
            amount_facts=amount,
            missing=tuple(self._missing(name, read) for name in answer.missing),
            next_change=self._next(answer),
        )

    def _clause(self, trace: ClauseTrace, variants: Sequence[Variant]) -> Clause:
        variant = next(v for v in variants if any(name == trace.id for name, _ in v.clauses))
        criterion = variant.criterion(trace.id)
        texts = [messages(language) for language in (Language.ZH, Language.EN)]
        if criterion is None:
            area = self.rulebook.vocabulary.areas.by_code[variant.compiled.area].names
            says = Wording(*(text.say(IN_AREA, area=text.of(area)) for text in texts))
        else:
            place = (self.catalogue, variant, self.evaluator, self.subject)
            says = Wording(*(filled(text.of(criterion.says), *place, text) for text in texts))
        return Clause(
            id=trace.id,
            met=trace.met,
            exception=trace.exception,
            says=says,
            because=trace.because,
            note=criterion.note if criterion else "",
            facts=shown(trace.facts, self.records, self.on_date),
        )

    def _amount_facts(self, answer: Determination) -> tuple[FactShown, ...]:
        if self.benefit.amount is None or answer.outcome is Outcome.INELIGIBLE:
            return ()
        return shown(facts_used(self.evaluator, self.benefit.amount, self.subject), self.records, self.on_date)

    def _missing(self, name: str, read: Sequence[FactShown]) -> Missing:
        vocabulary = self.rulebook.vocabulary
        if name.startswith("$"):
            own = self.catalogue.sources[self.benefit.benefit.id].parameters
            parameter = own.get(name[1:]) or self.catalogue.shared.get(name[1:])
            label = parameter.names if parameter else Wording(name, name)
            return Missing(name, label, None, None, ask_citizen=False, facts=())
        fact = vocabulary.dictionary.facts.get(name)
        is_link = name in vocabulary.subjects.links
        lacking = self._unlinked(name) if is_link else tuple(f for f in read if f.fact == name and f.gap is not None)
        if fact is None:
            groups = {group.link: group.names for group in vocabulary.subjects.groups.values()}
            links = {link: r.names for r in vocabulary.subjects.relations.values() if not r.inverse for link in r.links}
            return Missing(name, {**links, **groups}[name], None, None, ask_citizen=False, facts=lacking)
        register = vocabulary.dictionary.registers[fact.register]
        return Missing(
            name, fact.names, register.owner, register.names, fact.ask_citizen, tuple(dict.fromkeys(lacking))
        )

    def _unlinked(self, link: str) -> tuple[FactShown, ...]:
        """The persons looked at of whom it is not known to whom this link leads."""
        persons = self.population.listed[PERSON].values()
        open_ones = (person for person in persons if link in person.links and person.links[link] is None)
        return tuple(fact_shown(PERSON, person.id, link, Unknown(), self.records, self.on_date) for person in open_ones)

    def _next(self, answer: Determination) -> NextChange | None:
        if answer.next_change is None:
            return None
        later = ReferenceEvaluator(self.rulebook, self.population, answer.next_change)
        benefit = self.benefit.benefit.id
        then = determine(later, benefit, self.subject)
        return NextChange(answer.next_change, then, bool(later.plans[benefit].variants))


def _left_open(found: Determination, benefit: BenefitPlan, links: Collection[str]) -> Determination:
    """The answer of a subject of whom it is not known who belongs to it: undetermined, and the links are missing.

    Outside of the benefit's area nothing rests on its persons.
    """
    outside = found.outcome is Outcome.INELIGIBLE and IN_AREA in found.unmet
    if not links or outside:
        return found
    return replace(
        found,
        outcome=Outcome.UNDETERMINED,
        amount=None,
        amount_low=None if found.unit == IN_KIND else Decimal(0),
        amount_high=None,
        unmet=(),
        missing=ordered_missing(benefit, (*found.missing, *links)),
    )
