"""What caseworkers and supervisors are shown of queues and cases, and what they do with one."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import Field

from serving.api.schemas.answers import Account, Answer, Body, Code, Part
from serving.api.schemas.citizens import EntitlementOut, SectionOut


class CaseLine(Part):
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


class ClaimedOut(Answer):
    """The case that is now in hand; null: nothing waits."""

    case: int | None
    revision: int | None = None


class EventOut(Part):
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


class PauseIn(Body):
    """Why the clock stops."""

    code: Code = Field(examples=["waiting_for_citizen"])


class TakeOverIn(Body):
    """To whom; to oneself where it is left out."""

    to: Account | None = None
