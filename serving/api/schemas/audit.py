"""What auditors are answered: the ledger, and who read whose data."""

from __future__ import annotations

import datetime as dt

from serving.api.schemas.answers import Answer, Part


class CheckpointOut(Part):
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


class LedgerEventOut(Part):
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


class ReadOut(Part):
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
