"""What operators send and are answered: health and stop buttons."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field, StringConstraints

from serving.api.schemas.answers import Answer, Body, Line, Part
from serving.stops.buttons import Scope


class QueueHealthOut(Part):
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
