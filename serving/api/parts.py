"""What the API is handed: `serving.app` puts it together, and tests put another together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from serving.access.gate import Gate
from serving.access.limits import Limiter
from serving.api.departments import Departments
from serving.api.health import Health
from serving.api.knowledge import Knowledge
from serving.api.schemas.deciding import ContributionsOut
from serving.api.tallies import Tallies
from serving.casework.cases import Case
from serving.casework.clocks import Clocks
from serving.security.csrf import CsrfTokens
from serving.security.fields.cipher import FieldCipher

Contributions = Callable[[Connection, Case], ContributionsOut | None]
"""What a model looked at in a case; None: none had a part in it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """All that routes work with.

    Attributes:
        engine: the database, with the rights of the application.
        gate: who may do what.
        limiter: how often somebody may ask.
        tokens: against forged requests.
        cipher: people's own words at rest.
        clocks: limits of cases.
        knowledge: the answers of the last sweep, and their explanations.
        health: what is down.
        departments: messages in and out.
        tallies: how many answers stand where.
        now: the moment.
        on_date: the day.
        contributions: what a model looked at in a case; None: there is no model.
        public_docs: is the description of the API shown to anybody? Never where people's data are.
    """

    engine: Engine
    gate: Gate
    limiter: Limiter
    tokens: CsrfTokens
    cipher: FieldCipher
    clocks: Clocks
    knowledge: Knowledge
    health: Health
    departments: Departments
    tallies: Tallies
    now: Callable[[], dt.datetime]
    on_date: Callable[[], dt.date]
    contributions: Contributions | None = None
    public_docs: bool = False
