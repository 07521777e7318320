"""One request of somebody who is logged in: who they are, may they, and what they were shown.

A route that returns personal data must note whom it showed, and a route that does not say so must not: either mistake
is an answer 500 and nothing is told.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Final

from sqlalchemy import Connection, select

from serving.access.actions import Action, Purpose
from serving.access.actors import NOTHING_IN_PARTICULAR, Actor, Target
from serving.access.conditions import Condition
from serving.access.permissions import PERMISSIONS
from serving.access.policy import Decision, Refusal, Tie, decide
from serving.access.reads import Reading, record_reads
from serving.access.roles import Role
from serving.access.sessions import Session
from serving.api.parts import Parts
from serving.api.problems import ProblemError, not_found
from serving.store.tables.access import citizen_account

_HIDES: Final = frozenset({
    Condition.OWN, Condition.GRANTED, Condition.IN_DISTRICT, Condition.ON_PROGRAMME, Condition.ASSIGNED,
    Condition.NOT_OWN_FILE, Condition.GLASS_BROKEN, Condition.OPEN,
})  # fmt: skip
"""Where one of these fails on an object, it is not there for whoever asks: 403 would say that it exists."""
_BROKEN_GLASS: Final = Purpose.EMERGENCY


class OutOfOrderError(Exception):
    """A route is made wrongly: it told what it did not declare, or let somebody act without asking the gate."""


@dataclass(frozen=True, slots=True)
class Record:
    """Whom an answer showed: role and purpose under which, names of fields, by subject what binds, the case."""

    role: str
    purpose: str
    fields: list[str]
    shown: dict[str, Tie]
    case: int | None

    def kept(self) -> dict[str, object]:
        """As it is kept beside an answer."""
        return asdict(self)


@dataclass(slots=True)
class Visit:
    """A request of somebody who is logged in.

    Attributes:
        parts: what routes work with.
        connection: the transaction of the request.
        session: theirs.
        actor: who they are, as the database knows them now.
        now: the moment.
        on_date: the day.
        number: of the request.
        route: its pattern.
        purpose: what they said it is for.
    """

    parts: Parts
    connection: Connection
    session: Session
    actor: Actor
    now: dt.datetime
    on_date: dt.date
    number: uuid.UUID
    route: str
    purpose: Purpose | None
    _decision: Decision | None = None
    _used: Purpose | None = None
    _shown: dict[str, Tie] = field(default_factory=dict)
    _fields: set[str] = field(default_factory=set)
    _case: int | None = None
    _empty: bool = False

    @property
    def own(self) -> str:
        """The person or enterprise whose account it is, as `kind:id`.

        Raises:
            ProblemError: 403, it is staff.
        """
        if self.actor.is_staff:
            raise ProblemError(403, "not_for_your_role")
        kind = "enterprise:" if Role.ENTERPRISE in self.actor.roles else "person:"
        candidates = [one for one in self.actor.subjects if one.startswith(kind)]
        if len(candidates) == 1:
            return candidates[0]
        where = citizen_account.c.id == self.actor.account
        row = self.connection.execute(select(citizen_account.c.kind, citizen_account.c.subject).where(where)).one()
        return f"{row.kind}:{row.subject}"

    def learn_grants(self) -> None:
        """Look again at what others let the actor do: the request itself may have given them something."""
        self.actor = self.parts.gate.actor(self.connection, self.session, self.now)

    def allow(self, action: Action, target: Target = NOTHING_IN_PARTICULAR) -> Decision:
        """Let them, or not.

        Raises:
            ProblemError: 403, or 404 where they may not even know that there is such a thing.
        """
        found = self.decide(action, target)
        if not found.allowed:
            raise self._refused(found, target)
        self._decision = found
        return found

    def may(self, action: Action, target: Target = NOTHING_IN_PARTICULAR) -> bool:
        """Would they be let?"""
        return self.decide(action, target).allowed

    def decide(self, action: Action, target: Target) -> Decision:
        """The gate's word, for the purpose that they said or the first for which they may."""
        moment = self.parts.gate.moment(self.now, self.on_date)
        refused: Decision | None = None
        for purpose in self._purposes(action):
            found = decide(self.actor, action, target, purpose, moment)
            if found.allowed:
                self._used = purpose
                return found
            refused = refused if refused is not None and found.reason is Refusal.PURPOSE else found
        return refused or Decision(False, Refusal.NO_ROLE_MAY)

    def _purposes(self, action: Action) -> list[Purpose]:
        if self.purpose is not None:
            return [self.purpose]
        rows = [row.purpose for row in PERMISSIONS if row.role in self.actor.roles and action in row.actions]
        # Nobody acts in an emergency without saying so.
        return [p for p in dict.fromkeys(rows) if p is not _BROKEN_GLASS or action is Action.GLASS_BREAK]

    def _refused(self, found: Decision, target: Target) -> ProblemError:
        if isinstance(found.reason, Condition) and found.reason in _HIDES and target != NOTHING_IN_PARTICULAR:
            return not_found()
        if found.reason is Refusal.SECOND_FACTOR_MISSING:
            return ProblemError(403, "second_factor_missing", "Log in with your second factor.")
        return ProblemError(403, "not_allowed", more={"reason": str(found.reason)})

    def show(self, subject: str, fields: Collection[str], case: int | None = None) -> None:
        """Note that the answer holds somebody's data.

        Args:
            subject: whose, as `kind:id`.
            fields: which, by name.
            case: within which case.
        """
        if self._decision is None:
            raise OutOfOrderError(f"{self.route} shows data before it asked the gate.")
        tie = Tie.OWN if subject in self.actor.subjects else self._decision.tie or Tie.STRANGER
        self._shown[subject] = tie
        self._fields |= set(fields)
        self._case = case if case is not None else self._case

    def nothing_there(self) -> None:
        """The answer of a route with personal data holds nobody's this time: an empty queue."""
        self._empty = True

    def close(self, *, personal: bool) -> Record | None:
        """Record what was shown.

        Args:
            personal: does the route declare that it shows personal data?

        Returns:
            What was recorded, to be recorded again where the same answer is given again; None: nobody was shown.

        Raises:
            OutOfOrderError: the route is made wrongly.
        """
        if self._decision is None or self._decision.role is None or self._used is None:
            raise OutOfOrderError(f"{self.route} let somebody act without asking the gate.")
        if personal != bool(self._shown or self._empty):
            raise OutOfOrderError(f"{self.route} is declared otherwise than it shows.")
        if not self._shown:
            return None
        told = Record(str(self._decision.role), str(self._used), sorted(self._fields), dict(self._shown), self._case)
        self.record(told)
        return told

    def record(self, told: Record) -> None:
        """Write down what was shown."""
        reading = Reading(
            self.actor.account, Role(told.role), Purpose(told.purpose), frozenset(told.fields), self.route,
            self.number, self.now, told.case,
        )  # fmt: skip
        record_reads(self.connection, reading, {subject: Tie(tie) for subject, tie in told.shown.items()})
