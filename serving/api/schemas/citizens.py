"""What citizens and enterprises send and are answered."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from serving.api.schemas.answers import Answer, Body, Wording, Words

Id = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AmountOut(_Out):
    """What is owed: a figure in major units as text, or bounds of one."""

    value: str | None = Field(examples=["200"])
    low: str | None = None
    high: str | None = None
    per: str = Field(examples=["month"])
    unit: str = Field(examples=["CNY"])


class EntitlementOut(_Out):
    """What is owed for one period, and where it stands."""

    entitlement: int = Field(examples=[17])
    benefit: str = Field(examples=["advanced_age_allowance"])
    name: Wording
    period: str = Field(examples=["2026-03"])
    amount_minor: int | None = Field(
        description="In minor units; null: in kind, or not a certain figure.", examples=[20_000]
    )
    unit: str = Field(examples=["CNY"])
    tier: str = Field(examples=["confirm"])
    state: str = Field(examples=["offered"])
    revision: int = Field(examples=[1])
    answer_until: dt.datetime | None = Field(
        default=None, description="Silence costs nothing: it can be claimed later."
    )


class BenefitOut(_Out):
    """How one benefit stands for somebody."""

    benefit: str = Field(examples=["advanced_age_allowance"])
    name: Wording
    of: Literal["person", "household", "enterprise"] = Field(description="Whose: yours, or your household's.")
    outcome: Literal["eligible", "ineligible", "undetermined"]
    amount: AmountOut
    tier: str | None = Field(default=None, description="How it may be delivered.")
    unmet: list[str] = Field(description="Clauses that stand in the way.")
    missing: list[str] = Field(description="Facts that are not known.")
    next_change: dt.date | None = Field(description="The first day on which this can change by itself.")
    on_date: dt.date = Field(description="Of which day this answer is.")
    entitlements: list[EntitlementOut]


class BenefitsOut(Answer):
    """Every benefit that was weighed for somebody: also those that they do not get (the receipt of silence)."""

    benefits: list[BenefitOut]


class LineOut(_Out):
    """A sentence, with what stands beneath it."""

    text: str
    met: Literal["true", "false", "unknown"] | None = None
    details: list[LineOut] = []


class SectionOut(_Out):
    """Sentences under a title."""

    id: str
    title: str
    lines: list[LineOut]


class ExplainedOut(Answer):
    """The whole answer for one benefit, in words."""

    benefit: str
    heading: str
    outcome: Literal["eligible", "ineligible", "undetermined"]
    outcome_text: str
    sections: list[SectionOut]
    entitlements: list[EntitlementOut] = Field(default=[])


class PossibilityOut(_Out):
    """A benefit that somebody gets, may get, or does not get."""

    benefit: str
    name: Wording
    of: Literal["person", "household", "enterprise"]
    outcome: Literal["eligible", "ineligible", "undetermined"]
    amount: AmountOut
    missing: list[str]
    next_change: dt.date | None


class PossibilitiesOut(Answer):
    """What somebody could get: the answers that the engine itself acts upon, no others."""

    eligible: list[PossibilityOut]
    open: list[PossibilityOut]
    later: list[PossibilityOut] = Field(
        description="Not now; their answer can change by itself on a day that is known."
    )


class OffersOut(Answer):
    """What is there to be answered, the most pressing first; everything else that is owed is under `benefits`."""

    offers: list[EntitlementOut] = Field(max_length=3, description="At most three at once.")
    more: int = Field(description="How many others can be claimed.")


class EntitlementAnswer(Answer):
    """How it stands after what was done."""

    entitlement: int
    state: str
    revision: int
    case: int | None = Field(default=None, description="The number of the case, where a person looks at it now.")


class CaseMade(Answer):
    """A person looks at it."""

    case: int = Field(examples=[4711])


class BundleOut(Answer):
    """Offers of one life event, answered together."""

    bundle: int
    offers: list[EntitlementOut]


class BundleAnswer(Answer):
    """How the offers of a bundle stand after the answer."""

    bundle: int
    entitlements: list[EntitlementAnswer]


class ObjectionIn(Body):
    """Why."""

    words: Words = Field(examples=["登记的住址已经不对了。"])


class PersonIn(Body):
    """Asking for a person."""

    words: Words | None = Field(default=None, examples=["请打电话给我。"])
    decide: bool = Field(default=False, description="A human shall decide this one.")


class AnswerObjectionIn(Body):
    """Objecting to an answer that gave nothing."""

    benefit: Id = Field(examples=["dibao"])
    words: Words


class AskIn(Body):
    """Asking for a person about a benefit, or about nothing in particular."""

    benefit: Id | None = Field(default=None, examples=["dibao"])
    words: Words | None = None


class BundleIn(Body):
    """Answering a bundle: by offer the revision that was shown."""

    seen: dict[int, int] = Field(min_length=1, max_length=50, examples=[{17: 1, 18: 1}])


class WishesOut(Answer):
    """What holds until it is withdrawn."""

    no_pushes: bool = Field(description="Nothing is pushed, of any department; everything stays claimable.")
    human_decides: bool = Field(description="A human decides everything.")


class ProxyOut(_Out):
    """Somebody who may speak for you."""

    proxy: int
    helper: str = Field(description="Of whom: the id of the person who helps.")
    benefits: list[str]
    entitlements: list[int]
    covers_all: bool
    since: dt.datetime
    until: dt.datetime | None
    established: str


class ProxiesOut(Answer):
    """Who may speak for you."""

    proxies: list[ProxyOut]


class HelpedOut(Answer):
    """Offers of others that you were let answer; nothing else of theirs."""

    offers: list[EntitlementOut]


class LookOut(_Out):
    """Somebody looked at your data."""

    at: dt.datetime
    role: str
    office: str | None
    purpose: str
    tie: str = Field(description="What bound them to you; `stranger`: nothing.")
    fields: list[str]
    case: int | None
    of: Literal["person", "household", "enterprise"]


class LooksOut(Answer):
    """Who looked at your data, newest first."""

    looks: list[LookOut]
    next: str | None = None


class FactOut(_Out):
    """A fact that is held of you."""

    fact: str
    name: Wording
    value: Wording | None
    gap: str | None = Field(description="Why it is not known.")
    registers: list[str]
    of: Literal["person", "household", "enterprise"]


class DataOut(Answer):
    """What is held of you and used for benefits."""

    facts: list[FactOut]


class HelpCodeOut(Answer):
    """A code to tell an officer who is to see what you see. It holds a quarter of an hour."""

    code: str = Field(examples=["7KQ4-M2XD-9RTV"])
    until: dt.datetime
