"""The delivery tier of one determination, computed and never declared, with every reason for it.

A pure function of what the law asks, what stands behind the answer, and the operating terms of the benefit. Each reason
demands at least a certain tier; the ruling is the most careful of them. So more doubt can only add reasons, and worse
evidence never makes a tier less careful. Unknown is never automatic: an undetermined answer starts at `ask`.

One thing is a choice: a benefit that a human must judge, and facts are missing. `Asks.incomplete` says whether they are
asked for first (then the settled answer goes to the human) or the human takes the open file. Either way no machine
delivers it.

Source:
    Personal Information Protection Law of the PRC, art. 24 (decisions made by machine alone may be refused);
    GDPR art. 22; design.md section 6.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field

from features.facts.values import Gap
from rules.determination import Outcome


class Tier(enum.Enum):
    """How a determination goes on. Of the four that deliver anything, each is more careful than the one before it."""

    NONE = "none"
    AUTOMATIC = "automatic"
    CONFIRM = "confirm"
    ASK = "ask"
    REVIEW = "review"

    @property
    def care(self) -> int:
        """Its place in the order of care: none 0, automatic 1, confirm 2, ask 3, review 4."""
        return _CARE[self]


_CARE = {tier: place for place, tier in enumerate(Tier)}


def most_careful(tiers: Iterable[Tier]) -> Tier:
    """The most careful of some tiers; `none` of none at all."""
    return max(tiers, key=lambda tier: tier.care, default=Tier.NONE)


class Reason(enum.Enum):
    """Why a ruling is what it is: the code under which its words stand in `reasons.yaml`."""

    INELIGIBLE = "ineligible"
    ID_RETIRED = "id_retired"
    ID_OF_TWO = "id_of_two"
    GRANTED_TWICE = "granted_twice"
    MEMBERSHIP_IN_DOUBT = "membership_in_doubt"
    NEEDED_CONFLICTING = "needed_conflicting"
    NEEDED_WITHHELD = "needed_withheld"
    NO_FIGURE = "no_figure"
    BESIDE_CONFLICTING = "beside_conflicting"
    DISCRETION_FULL = "discretion_full"
    DISCRETION_PARTIAL = "discretion_partial"
    LAW_NOT_CONFIRMED = "law_not_confirmed"
    ABOVE_CAP = "above_cap"
    NEEDED_UNREADABLE = "needed_unreadable"
    NEEDED_STALE = "needed_stale"
    NEEDED_NOT_HELD = "needed_not_held"
    AMOUNT_OPEN = "amount_open"
    APPLICATION_BY_LAW = "application_by_law"
    WILL_NEEDED = "will_needed"
    IRREVERSIBLE = "irreversible"
    BESIDE_UNREADABLE = "beside_unreadable"
    BESIDE_WITHHELD = "beside_withheld"
    CHECK_FAILED = "check_failed"
    IN_ORDER = "in_order"


_NEEDED = {
    Gap.CONFLICTING: (Reason.NEEDED_CONFLICTING, Tier.REVIEW),
    Gap.WITHHELD: (Reason.NEEDED_WITHHELD, Tier.REVIEW),
    Gap.QUARANTINED: (Reason.NEEDED_UNREADABLE, Tier.ASK),
    Gap.STALE: (Reason.NEEDED_STALE, Tier.ASK),
    Gap.NOT_HELD: (Reason.NEEDED_NOT_HELD, Tier.ASK),
}
_BESIDE = {
    # The answer is the same whichever register is right. But records that contradict each other may be two persons'.
    Gap.CONFLICTING: (Reason.BESIDE_CONFLICTING, Tier.REVIEW),
    Gap.WITHHELD: (Reason.BESIDE_WITHHELD, Tier.CONFIRM),
    Gap.QUARANTINED: (Reason.BESIDE_UNREADABLE, Tier.CONFIRM),
}
"""What a gap of a fact demands on which the answer does not rest; a fact that is not held or too old demands nothing:
most rules read facts of which most people have none."""


class Amount(enum.Enum):
    """What is certain of the amount, from good to bad. Something in kind is certain."""

    WITHIN_CAP = "within_cap"
    OPEN = "open"
    ABOVE_CAP = "above_cap"


class Identity(enum.Enum):
    """What is in doubt about who the subject is."""

    CERTAIN = "certain"
    GRANTED_TWICE = "granted_twice"
    OF_TWO = "of_two"
    RETIRED = "retired"


class Discretion(enum.Enum):
    """How much the law leaves to judgement."""

    NONE = "none"
    PARTIAL = "partial"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Asks:
    """What the law and the operating terms ask of a benefit, whoever it is for.

    Attributes:
        application: the law asks for an application: a confirmation takes its place.
        will: somebody may not want it.
        discretion: how much is for a human to judge; `clauses` names what, with the article.
        unconfirmed: our reading of the law has something in it that must be confirmed first.
        irreversible: what is delivered by mistake cannot be had back.
        incomplete: what happens to a file that a human must judge and that lacks facts: `ask` for them, or `review`.
        law: the act, for reasons that cite it.
    """

    application: bool = False
    will: bool = False
    discretion: Discretion = Discretion.NONE
    clauses: tuple[str, ...] = ()
    unconfirmed: bool = False
    irreversible: bool = False
    incomplete: Tier = Tier.ASK
    law: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What stands behind one answer.

    Attributes:
        outcome: of the rules.
        missing: the facts that the outcome or the amount waits for, each with the worst reason why it is not known.
        without_figure: parameters of the rule that it waits for: nobody outside can tell them.
        beside: facts that the rule reads and on which the answer does not rest, that are disputed, unreadable or
            withheld, of the subject or of those its rule looks at.
        amount: what is certain of it.
        identity: what is in doubt about who the subject is.
        membership_in_doubt: it is not known who belongs to the subject, and the answer waits for it.
        check_passed: the sweep's own check (:meth:`serving.sweep.account.Account.require_automatic`).
    """

    outcome: Outcome
    missing: tuple[tuple[str, Gap], ...] = ()
    without_figure: tuple[str, ...] = ()
    beside: tuple[tuple[str, Gap], ...] = ()
    amount: Amount = Amount.WITHIN_CAP
    identity: Identity = Identity.CERTAIN
    membership_in_doubt: bool = False
    check_passed: bool = True


@dataclass(frozen=True, slots=True)
class Given:
    """One reason, with what its words name: facts by id, and the law or its clauses."""

    reason: Reason
    tier: Tier
    facts: tuple[str, ...] = ()
    law: tuple[str, ...] = ()

    def content(self) -> dict[str, object]:
        """As it is kept: the code, the tier that it demands, and its parameters where there are any."""
        found: dict[str, object] = {"code": self.reason.value, "tier": self.tier.value}
        if self.facts:
            found["facts"] = list(self.facts)
        if self.law:
            found["law"] = list(self.law)
        return found


@dataclass(frozen=True, slots=True)
class Ruling:
    """The tier of a determination and every reason for it, the decisive ones first. There is always one."""

    tier: Tier
    reasons: tuple[Given, ...] = field(default=())


def rule_on(asks: Asks, evidence: Evidence) -> Ruling:
    """The tier of one determination.

    Args:
        asks: what the law and the terms ask of the benefit.
        evidence: what stands behind the answer.
    """
    if evidence.identity is Identity.RETIRED:
        return _ruling([Given(Reason.ID_RETIRED, Tier.NONE)])
    if evidence.outcome is Outcome.INELIGIBLE:
        return _ruling([Given(Reason.INELIGIBLE, Tier.NONE)])
    settled = evidence.outcome is Outcome.ELIGIBLE and evidence.amount is not Amount.OPEN
    given = [*_of_identity(evidence), *_of_missing(evidence), *_of_law(asks, settled=settled)]
    if evidence.amount is Amount.ABOVE_CAP:
        given.append(Given(Reason.ABOVE_CAP, Tier.REVIEW))
    if evidence.amount is Amount.OPEN:
        given.append(Given(Reason.AMOUNT_OPEN, Tier.ASK))
    if asks.irreversible:
        given.append(Given(Reason.IRREVERSIBLE, Tier.CONFIRM))
    given += _of_facts(evidence.beside, _BESIDE)
    if not evidence.check_passed:
        given.append(Given(Reason.CHECK_FAILED, Tier.CONFIRM))
    return _ruling(given or [Given(Reason.IN_ORDER, Tier.AUTOMATIC)])


def _of_identity(evidence: Evidence) -> list[Given]:
    found: list[Given] = []
    if evidence.identity is Identity.OF_TWO:
        found.append(Given(Reason.ID_OF_TWO, Tier.REVIEW))
    if evidence.identity is Identity.GRANTED_TWICE:
        found.append(Given(Reason.GRANTED_TWICE, Tier.REVIEW))
    if evidence.membership_in_doubt:
        found.append(Given(Reason.MEMBERSHIP_IN_DOUBT, Tier.REVIEW))
    return found


def _of_missing(evidence: Evidence) -> list[Given]:
    """What is needed and not known. An undetermined answer without a named fact would be a mistake: it is asked."""
    found = _of_facts(evidence.missing, _NEEDED)
    if evidence.without_figure:
        found.append(Given(Reason.NO_FIGURE, Tier.REVIEW, facts=evidence.without_figure))
    if not found and evidence.outcome is Outcome.UNDETERMINED:
        found.append(Given(Reason.NEEDED_NOT_HELD, Tier.ASK))
    return found


def _of_law(asks: Asks, *, settled: bool) -> list[Given]:
    """What is for a human to judge, and what is for the person to want."""
    found: list[Given] = []
    # Whoever is to judge needs the facts first; in a file that lacks some there is nothing to judge yet.
    human = Tier.REVIEW if settled else asks.incomplete
    if asks.discretion is not Discretion.NONE:
        full = asks.discretion is Discretion.FULL
        reason = Reason.DISCRETION_FULL if full else Reason.DISCRETION_PARTIAL
        found.append(Given(reason, human, law=asks.clauses or (asks.law,)))
    if asks.unconfirmed:
        found.append(Given(Reason.LAW_NOT_CONFIRMED, human, law=(asks.law,)))
    if asks.application:
        found.append(Given(Reason.APPLICATION_BY_LAW, Tier.CONFIRM, law=(asks.law,)))
    if asks.will:
        found.append(Given(Reason.WILL_NEEDED, Tier.CONFIRM, law=(asks.law,)))
    return found


def _of_facts(facts: Iterable[tuple[str, Gap]], demands: dict[Gap, tuple[Reason, Tier]]) -> list[Given]:
    """One reason for each kind of gap, with all its facts."""
    by_gap: dict[Gap, list[str]] = {}
    for fact, gap in facts:
        by_gap.setdefault(gap, []).append(fact)
    return [
        Given(reason, tier, facts=tuple(dict.fromkeys(by_gap[gap])))
        for gap, (reason, tier) in demands.items()
        if gap in by_gap
    ]


def _ruling(given: list[Given]) -> Ruling:
    """The decisive reasons first; those that demand the same in the order in which `Reason` lists them."""
    order = {reason: place for place, reason in enumerate(Reason)}
    reasons = sorted(given, key=lambda one: (-one.tier.care, order[one.reason]))
    return Ruling(most_careful(one.tier for one in reasons), tuple(reasons))


def under(tier: Tier, ceilings: Iterable[Tier]) -> Tier:
    """The tier under which something is delivered while demotions are in force: the more careful one.

    `none` stays: there is nothing to be careful about.
    """
    return tier if tier is Tier.NONE else most_careful((tier, *ceilings))
