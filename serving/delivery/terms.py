"""Operating terms of benefits: what an administration decides and no law says. They are data, `programmes.yaml`."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from pathlib import Path

from features import documents as doc
from features.documents import DocumentError, Finding, Place
from features.facts.vocabulary import Vocabulary
from features.yaml_files import read_document
from rules.answers import IN_KIND, amount_period, amount_unit
from rules.benefits import Delivery, Law
from rules.rulebook import BenefitPlan, Rulebook
from serving.delivery.errors import TermsMissingError
from serving.delivery.tier import Amount, Asks, Discretion, Tier
from serving.store.answers import Answer

SHIPPED = "programmes.yaml"
NO_CAP = "none"
_PERIODS = ("day", "month", "year", "once", "trip")
_OPTIONAL = ("reversible", "incomplete", "error_limit", "judged")


class Silence(enum.Enum):
    """What no answer to an offer means."""

    DELIVERS = "delivers"
    STAYS_OPEN = "stays_open"
    LAPSES = "lapses"


@dataclass(frozen=True, slots=True)
class Terms:
    """The operating terms of one benefit.

    Attributes:
        cap: the most that one payment may be without a second caseworker, in the benefit's unit; None: no figure.
        cap_per: the period of the cap, which is that of the benefit.
        reversible: may what was delivered by mistake be had back?
        silence: what no answer to an offer means.
        incomplete: what happens to a file that a human must judge and that lacks facts.
        error_limit: the measured share of wrong automatic grants above which nothing is automatic.
        judged: what the law leaves to judgement, with its clause.
        place: where the entry stands.
    """

    cap: Decimal | None
    cap_per: str
    reversible: bool
    silence: Silence
    incomplete: Tier
    error_limit: Decimal
    judged: tuple[str, ...]
    place: Place

    def amount_of(self, answer: Answer) -> Amount:
        """How certain the amount of an eligible answer is, and whether it is, or may only be, above the cap."""
        if answer.unit == IN_KIND:
            return Amount.WITHIN_CAP
        low = Decimal(answer.amount or answer.amount_low or 0)
        if self.cap is not None and low > self.cap:
            return Amount.ABOVE_CAP
        return Amount.OPEN if answer.amount is None else Amount.WITHIN_CAP


@dataclass(frozen=True, slots=True)
class Programmes:
    """The terms of every benefit that has any."""

    terms: Mapping[str, Terms]
    where: str

    def of(self, benefit: str) -> Terms:
        """The terms of a benefit.

        Raises:
            TermsMissingError: nobody has stated any.
        """
        if benefit not in self.terms:
            raise TermsMissingError([benefit], self.where)
        return self.terms[benefit]

    def findings(self, rulebook: Rulebook) -> list[Finding]:
        """What does not fit the rules: terms that promise what the law forbids, or that are of another period.

        Raises:
            TermsMissingError: some benefit has no terms.
        """
        lacking = rulebook.benefits.keys() - self.terms.keys()
        if lacking:
            raise TermsMissingError(lacking, self.where)
        return [found for name, one in rulebook.benefits.items() for found in _misfits(rulebook, name, self.of(name))]


def load_programmes(path: Path | None = None) -> Programmes:
    """Read a file of terms; the shipped one by default.

    Raises:
        DocumentError: a mistake, with its place.
    """
    file = path or Path(str(resources.files("serving.delivery") / SHIPPED))
    document = read_document(file, SHIPPED if path is None else None)
    document.expect(("defaults", "benefits"), what="a file of operating terms")
    defaults = doc.mapping_of(document.entries["defaults"], "defaults")
    defaults.expect(("reversible", "incomplete", "error_limit"), what="defaults")
    entries = doc.mapping_of(document.entries["benefits"], "benefits").entries
    terms = {name: _terms(doc.mapping_of(node, name), defaults.entries) for name, node in entries.items()}
    return Programmes(terms, SHIPPED if path is None else str(path))


def asks_of(plan: BenefitPlan, terms: Terms) -> Asks:
    """What the law and the terms ask of a benefit on the day of the plan."""
    benefit, delivery = plan.benefit, plan.benefit.delivery
    in_force = [variant.compiled.version for variant in plan.variants]
    acts = dict.fromkeys(_act(version.law) for version in in_force or benefit.versions)
    return Asks(
        application=delivery.application_required_by_law,
        will=delivery.will_needed,
        discretion=Discretion(delivery.discretion),
        clauses=terms.judged,
        unconfirmed=bool(benefit.needs_confirmation),
        irreversible=not terms.reversible,
        incomplete=terms.incomplete,
        law="；".join(acts),
    )


def silence_of(terms: Terms, missing: Iterable[str], vocabulary: Vocabulary) -> Silence:
    """What no answer means for one offer.

    Never a waiver where what is missing is the state's own data: a fact that the person cannot be asked for.
    """
    facts = vocabulary.dictionary.facts
    owed_by_the_state = any(name not in facts or not facts[name].ask_citizen for name in missing)
    return Silence.STAYS_OPEN if terms.silence is Silence.LAPSES and owed_by_the_state else terms.silence


def _act(law: Law) -> str:
    named = f"{law.title}（{law.number}）" if law.number else law.title
    return f"{named} {law.article}" if law.article else named


def _terms(entry: doc.Mapping, defaults: Mapping[str, doc.Node]) -> Terms:
    entry.expect(("cap", "silence"), _OPTIONAL, what="the terms of a benefit")
    get = {**defaults, **entry.entries}
    cap, per = _cap(get["cap"])
    limit = doc.decimal_of(get["error_limit"], "error_limit")
    if not 0 < limit < 1:
        place = get["error_limit"].place
        raise DocumentError(place, "A limit of errors is a share between 0 and 1.", "Write it like 0.01.")
    judged = doc.sequence_of(get["judged"], "judged") if "judged" in get else ()
    return Terms(
        cap,
        per,
        doc.boolean_of(get["reversible"], "reversible"),
        Silence(doc.choice_of(get["silence"], (one.value for one in Silence), "silence")),
        Tier(doc.choice_of(get["incomplete"], (Tier.ASK.value, Tier.REVIEW.value), "incomplete")),
        limit,
        tuple(doc.text_of(item, "judged") for item in judged),
        entry.place,
    )


def _cap(node: doc.Node) -> tuple[Decimal | None, str]:
    if isinstance(node, doc.Scalar) and node.text == NO_CAP:
        return None, ""
    entry = doc.mapping_of(node, "cap (`none` or `{amount: 1000, per: month}`)")
    entry.expect(("amount", "per"), what="cap")
    amount = doc.decimal_of(entry.entries["amount"], "amount")
    if amount <= 0:
        raise DocumentError(node.place, "A cap is above 0.", "Write `cap: none` for what has no figure.")
    return amount, doc.choice_of(entry.entries["per"], _PERIODS, "per")


def _misfits(rulebook: Rulebook, name: str, terms: Terms) -> Iterable[Finding]:
    delivery: Delivery = rulebook.benefits[name].benefit.delivery
    if terms.silence is Silence.DELIVERS and (delivery.will_needed or delivery.application_required_by_law):
        yield Finding(
            terms.place,
            f"`{name}` is delivered in silence, and its law asks for the person's will or application.",
            "Write `silence: stays_open`.",
        )
    if (delivery.discretion != Discretion.NONE.value) != bool(terms.judged):
        yield Finding(
            terms.place,
            f"`{name}` has the discretion `{delivery.discretion}`, and `judged` does not go with it.",
            "Name under `judged` what the law leaves to judgement, with its clause; only where it leaves anything.",
        )
    for version in rulebook.benefits[name].versions:
        plan = rulebook.in_force(version.version.start)[name]
        money = amount_unit(plan, rulebook.currency) == rulebook.currency
        if money and terms.cap is None:
            yield Finding(terms.place, f"`{name}` pays money and has no cap.", "State one.")
        if terms.cap is not None and terms.cap_per != amount_period(plan):
            yield Finding(
                terms.place,
                f"`{name}` is per {amount_period(plan)}, and its cap is per {terms.cap_per}.",
                "Write the cap for the benefit's own period.",
            )
            return
