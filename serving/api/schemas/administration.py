"""What the three administrators send and are answered."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field, StringConstraints

from serving.access.roles import Role
from serving.api.schemas.answers import Account, Answer, Body, Line, Part

Area = Annotated[str, StringConstraints(pattern=r"^([0-9]{2,12}|unassigned)$")]
Programme = Annotated[str, StringConstraints(pattern=r"^([a-z0-9_]{1,100}|\*)$")]


class AccountOut(Part):
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


class AdminEventOut(Part):
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


class AlarmOut(Part):
    """Somebody read too many strangers."""

    alarm: int
    account: str
    strangers: int
    raised_at: dt.datetime
    answered: bool


class AlarmsOut(Answer):
    """Alarms, newest first."""

    alarms: list[AlarmOut]
