"""What officers, policy staff, auditors, operators and administrators send and are answered."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from serving.access.roles import Role
from serving.api.schemas.answers import Answer, Body, Line, Wording, Words
from serving.api.schemas.citizens import EntitlementOut, SectionOut
from serving.casework.review import Verdict, View
from serving.stops.buttons import Scope

Account = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._@-]{1,100}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,60}$")]
Benefit = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,100}$")]
Area = Annotated[str, StringConstraints(pattern=r"^([0-9]{2,12}|unassigned)$")]
Programme = Annotated[str, StringConstraints(pattern=r"^([a-z0-9_]{1,100}|\*)$")]
Minor = Annotated[int, Field(ge=0, le=2**53)]


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CaseLine(_Out):
    """A case in a queue: what for and how urgent, not whose."""

    case: int = Field(examples=[4711])
    kind: str = Field(examples=["review"])
    benefit: str | None
    district: str
    state: str = Field(examples=["open"])
    opened_at: dt.datetime
    due_at: dt.datetime
    paused: bool
    hardship: bool
    escalation: int
    in_hand: Literal["nobody", "you", "another"]
    revision: int


class QueueOut(Answer):
    """Cases in the order in which they are worked on."""

    cases: list[CaseLine]
    next: str | None = None


class EventOut(_Out):
    """What happened to a case."""

    at: dt.datetime
    action: str
    actor: str


class CaseOut(Answer):
    """A case: its facts and its law. What the engine would do is not in it."""

    case: int
    kind: str
    subject: str = Field(description="As `kind:id`.")
    benefit: str | None
    district: str
    state: str
    why: list[dict[str, Any]] = Field(description="What a human is to judge: codes and clauses.")
    due_at: dt.datetime
    paused: bool
    hardship: bool
    escalation: int
    lease_holder: str | None
    lease_until: dt.datetime | None
    revision: int
    entitlement: EntitlementOut | None
    heading: str | None = Field(description="Of the explanation.")
    sections: list[SectionOut] = Field(
        description="Clauses with facts, law, what is missing: failed and unknown first."
    )
    history: list[EventOut]
    own_view_recorded: bool


class CaseState(Answer):
    """A case after what was done to it."""

    case: int
    state: str
    revision: int
    lease_holder: str | None
    lease_until: dt.datetime | None
    due_at: dt.datetime


class NoCase(Answer):
    """Nothing waits."""

    case: None = None


class ViewIn(Body):
    """What I think, before the machine is heard."""

    view: View


class RecommendationOut(Answer):
    """What the engine would do; null: it leaves the answer to a human."""

    verdict: Verdict | None
    reasons: list[dict[str, Any]]


class SimilarOut(_Out):
    """A case that was decided by humans; whose, is not told."""

    month: str = Field(examples=["2026-01"])
    verdict: Verdict
    reason_code: str | None
    same_reasons: int = Field(description="How many of the reasons it shares.")


class SimilarCasesOut(Answer):
    """Three that were decided as the engine would, three that were not."""

    alike: list[SimilarOut]
    otherwise: list[SimilarOut]


class ContributionOut(_Out):
    """What a model looked at; not why the law says so."""

    fact: str
    name: Wording
    share: float


class ContributionsOut(Answer):
    """What the model that ordered the queue looked at."""

    model: str
    contributions: list[ContributionOut]


class DecideIn(Body):
    """What I decide. Otherwise than recommended it takes a code and words, and no step more."""

    verdict: Verdict
    reason_code: Code | None = Field(default=None, examples=["DATA_WRONG"])
    words: Words | None = None
    clause: Line | None = None
    amount_minor: Minor | None = Field(
        default=None, description="Of a reduction what is left, of a reclaim what is asked back."
    )


class DecisionOut(Answer):
    """A decision."""

    decision: int
    case: int
    officer: str
    verdict: Verdict
    overrides: bool
    reason_code: str | None
    clause: str | None
    amount_minor: int | None
    needs_second: bool
    state: str
    second: str | None
    revision: int | None = Field(default=None, description="Of the case, now.")


class SecondIn(Body):
    """Agreeing to a colleague's proposal, or sending it back with words."""

    agree: bool
    words: Words | None = None


class PauseIn(Body):
    """Why the clock stops."""

    code: Code = Field(examples=["waiting_for_citizen"])


class TakeOverIn(Body):
    """To whom; to oneself where it is left out."""

    to: Account | None = None


class HelpIn(Body):
    """The code that a citizen told."""

    code: Annotated[str, StringConstraints(min_length=8, max_length=30, pattern=r"^[A-Za-z0-9 -]+$")]


class HelpOut(Answer):
    """A live help: its number, for the pages that one may see with it."""

    help: str
    until: dt.datetime


class GlassIn(Body):
    """Whose file, and why it cannot wait."""

    subject: Annotated[str, StringConstraints(pattern=r"^(person|household|enterprise):[^\x00-\x20]{1,100}$")]
    reason: Words


class GlassOut(Answer):
    """A broken glass."""

    glass: str


class ReasonOut(_Out):
    """A code for deciding otherwise."""

    code: str
    name: Wording
    needs_clause: bool
    least_characters: int


class ReasonsOut(Answer):
    """All codes."""

    reasons: list[ReasonOut]


class ItemOut(_Out):
    """An item of the catalogue, with the way in which it is delivered and why."""

    benefit: str
    name: Wording
    of: str
    area: str | None
    law: list[str]
    ceiling: str | None = Field(description="No answer of it is delivered with less care; null: none.")
    demoted_because: list[dict[str, Any]]
    tiers: dict[str, int | None] = Field(description="How many answers per tier; null: fewer than ten, or derivable.")


class CatalogueOut(Answer):
    """Every item, its tier and why."""

    items: list[ItemOut]


class FigureOut(_Out):
    """A count; null: fewer than ten, or it could be worked out from others."""

    key: dict[str, str]
    count: int | None


class FiguresOut(Answer):
    """Counts, nobody's rows."""

    figures: list[FigureOut]
    total: int | None
    hidden: int = Field(description="How many counts are not shown.")


class QueueHealthOut(_Out):
    """How old the work of a queue is."""

    kind: str
    district: str
    benefit: str | None
    escalation: int
    cases: int
    paused: int
    oldest_opened_at: dt.datetime
    earliest_due_at: dt.datetime | None


class HealthOut(Answer):
    """What is down, and how old work is."""

    down: list[str]
    queues: list[QueueHealthOut]
    outbox: dict[str, int] = Field(description="Deliveries by state.")


class StopIn(Body):
    """What is to stop, and why: about the system, never about a person."""

    scope: Scope
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{0,100}$")] = Field(default="", examples=["dibao"])
    reason: Line


class StopOut(Answer):
    """A stop button that is pressed, or was."""

    stop: int
    scope: Scope
    name: str
    cause: str
    pressed_by: str
    pressed_at: dt.datetime
    reason: str
    released_first_by: str | None
    released_at: dt.datetime | None


class StopsOut(Answer):
    """All that are pressed."""

    stops: list[StopOut]


class CheckpointOut(_Out):
    """A signed checkpoint of the ledger."""

    origin: str
    size: int
    root: str
    at: dt.datetime
    signature: str


class LedgerOut(Answer):
    """The last checkpoints, newest first."""

    size: int
    behind: bool
    checkpoints: list[CheckpointOut]


class LedgerEventOut(_Out):
    """What happened, without a human's words and without whom it is about."""

    index: int
    action: str
    actor_kind: str
    actor: str
    at: dt.datetime


class LedgerEventsOut(Answer):
    """Events in the order in which they were sealed."""

    events: list[LedgerEventOut]
    next: str | None = None


class ReadOut(_Out):
    """Who read whose data."""

    at: dt.datetime
    account: str
    role: str
    purpose: str
    tie: str
    fields: list[str]
    case: int | None
    route: str


class ReadsOut(Answer):
    """Who read somebody's data."""

    reads: list[ReadOut]
    next: str | None = None


class DecisionsOut(Answer):
    """Decisions on a case."""

    decisions: list[DecisionOut]


class AccountOut(_Out):
    """An account of staff."""

    account: str
    roles: list[Role]
    district: str
    programmes: list[str]
    office: str
    state: str


class AccountsOut(Answer):
    """Accounts of staff."""

    accounts: list[AccountOut]
    next: str | None = None


class AccountIn(Body):
    """A new account, without any right."""

    account: Account
    issuer: Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x00]{1,200}$")]
    login: Annotated[str, StringConstraints(pattern=r"^[^\s\x00]{1,200}$")]
    office: Line
    district: Area


class StateIn(Body):
    """In service, or not."""

    active: bool


class PostingIn(Body):
    """What somebody may be given to do."""

    roles: Annotated[list[Role], Field(max_length=4)]
    district: Area
    programmes: Annotated[list[Programme], Field(max_length=200)] = Field(default=[])
    person: Annotated[str, StringConstraints(pattern=r"^person:[^\x00-\x20]{1,100}$")] | None = None


class AssignmentIn(Body):
    """Work: a district with all that lies in it, and a benefit or `*`."""

    district: Area
    programme: Programme


class AssignmentOut(Answer):
    """The number of the assignment."""

    assignment: int


class AdminEventOut(_Out):
    """What an administrator did."""

    number: int
    action: str
    actor: str
    object: str
    at: dt.datetime


class AdminLogOut(Answer):
    """What administrators did, newest first."""

    events: list[AdminEventOut]
    next: str | None = None


class AlarmOut(_Out):
    """Somebody read too many strangers."""

    alarm: int
    account: str
    strangers: int
    raised_at: dt.datetime
    answered: bool


class AlarmsOut(Answer):
    """Alarms, newest first."""

    alarms: list[AlarmOut]


class CounterIn(Body):
    """What somebody without a telephone or an account said, as it was heard or read."""

    said: Literal["yes", "no", "person"]
    how: Literal["paper", "counter", "home_visit", "phone"]
    document: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None


class ProxyIn(Body):
    """Who may speak for whom, established before an officer."""

    elder: Annotated[str, StringConstraints(pattern=r"^person:[^\x00-\x20]{1,100}$")]
    helper: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x20:]{1,100}$")]
    benefits: Annotated[list[Benefit], Field(max_length=50)] = Field(default=[])
    entitlements: Annotated[list[Annotated[int, Field(ge=1, le=2**62)]], Field(max_length=50)] = Field(default=[])
    until: dt.datetime
    how: Literal["counter", "home_visit"]


class ProxyMade(Answer):
    """The number of the proxy."""

    proxy: int
