"""What officers at a counter or on the telephone send and are answered."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from serving.api.schemas.answers import Answer, Body, Words

Benefit = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,100}$")]


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
