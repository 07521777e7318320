"""The gate before every act: who is there, read from the database at each request, and may they?"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from features.facts.areas import Areas
from serving.access.actions import Action, Purpose
from serving.access.actors import Actor, Assignment, Glass, Grant, Grants, Kin, NoGrants, NoKin, Target
from serving.access.conditions import Moment
from serving.access.policy import Decision, Refusal, decide
from serving.access.roles import Role
from serving.access.sessions import Session
from serving.store.tables.access import assignment, broken_glass, citizen_account, staff_account


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets in, or not.

    Attributes:
        areas: the map.
        kin: whose affairs are one person's.
        grants: what people let others do for them.
    """

    areas: Areas
    kin: Kin = field(default_factory=NoKin)
    grants: Grants = field(default_factory=NoGrants)

    def check(
        self,
        connection: Connection,
        session: Session,
        action: Action,
        target: Target,
        purpose: Purpose,
        now: dt.datetime,
        on_date: dt.date,
    ) -> Decision:
        """May whoever has this session do that? Never raises, and says no to whatever it cannot check."""
        try:
            actor = self.actor(connection, session, now)
        except Exception:  # noqa: BLE001 (the outer edge of access: a database that fails lets nobody in)
            return Decision(False, Refusal.COULD_NOT_CHECK)
        return decide(actor, action, target, purpose, self.moment(now, on_date))

    def moment(self, now: dt.datetime, on_date: dt.date) -> Moment:
        """When, and on which map."""
        return Moment(now, on_date, self.areas)

    def actor(self, connection: Connection, session: Session, now: dt.datetime) -> Actor:
        """Who is there, as the database knows them now.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: it cannot be read.
        """
        grants = self.grants.open_grants(connection, session.account, now)
        if session.is_staff:
            return _staff(connection, session, grants, now)
        row = connection.execute(
            select(citizen_account.c.kind, citizen_account.c.subject, citizen_account.c.state).where(
                citizen_account.c.id == session.account
            )
        ).one()
        own = f"{row.kind}:{row.subject}"
        return Actor(
            session.account,
            frozenset({Role.CITIZEN if row.kind == "person" else Role.ENTERPRISE}),
            subjects=frozenset({own}) | self.kin.subjects_of(connection, own, now),
            grants=grants,
            enabled=row.state == "active",
            strong=session.strong,
        )


def _staff(connection: Connection, session: Session, grants: tuple[Grant, ...], now: dt.datetime) -> Actor:
    row = connection.execute(select(staff_account).where(staff_account.c.id == session.account)).one()
    work = connection.execute(
        select(assignment.c.district, assignment.c.programme).where(
            assignment.c.officer == session.account, assignment.c.ended_at.is_(None)
        )
    )
    glasses = connection.execute(
        select(broken_glass.c.kind, broken_glass.c.subject, broken_glass.c.until_at).where(
            broken_glass.c.officer == session.account, broken_glass.c.until_at > now
        )
    )
    return Actor(
        session.account,
        frozenset(Role(role) for role in row.roles),
        person=row.person,
        district=row.district,
        programmes=frozenset(row.programmes),
        assignments=frozenset(Assignment(one.district, one.programme) for one in work),
        grants=grants,
        glasses=tuple(Glass(f"{one.kind}:{one.subject}", one.until_at) for one in glasses),
        enabled=row.state == "active",
        strong=session.strong,
    )
