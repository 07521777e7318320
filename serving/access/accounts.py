"""Accounts and assignments: made, given rights, moved, taken out of service. PostgreSQL checks who may (三员)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, insert, update

from serving.access.actors import Assignment
from serving.access.roles import Role, check_staff_roles
from serving.store.tables.access import assignment, citizen_account, staff_account

INSTALLATION: Final = "installation"
"""Who makes the first accounts, until there is a security administrator."""


@dataclass(frozen=True, slots=True)
class Login:
    """By whom, and under which name, somebody is vouched for."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True)
class Posting:
    """What a member of staff may be given to do.

    Attributes:
        roles: see :func:`serving.access.roles.check_staff_roles`.
        district: where, with all that lies in it.
        programmes: benefits, or `*`.
        person: their own subject, `kind:id`, where registers hold one.
    """

    roles: frozenset[Role]
    district: str
    programmes: frozenset[str] = frozenset()
    person: str | None = None


def install_staff(connection: Connection, staff: Iterable[tuple[str, Login, str, Posting]], now: dt.datetime) -> None:
    """Make the first accounts, each an id, a login, an office and a posting.

    The security administrator comes last in the database: from then on only people make accounts and give rights.

    Raises:
        RolesClashError: a posting holds roles that clash.
        sqlalchemy.exc.DBAPIError: there is a security administrator.
    """
    ordered = sorted(staff, key=lambda one: Role.SECURITY_ADMIN in one[3].roles)
    for account, login, office, posting in ordered:
        check_staff_roles(posting.roles)
        _insert(connection, account, login, office, posting, INSTALLATION, now)


def make_staff(
    connection: Connection, account: str, login: Login, office: str, district: str, by: str, now: dt.datetime
) -> None:
    """A new account without any right, made by a system administrator."""
    _insert(connection, account, login, office, Posting(frozenset(), district), by, now)


def post_staff(connection: Connection, account: str, posting: Posting, by: str, now: dt.datetime) -> None:
    """Give rights, or move, by a security administrator; it takes effect at the next request.

    Raises:
        RolesClashError: the roles clash.
    """
    check_staff_roles(posting.roles)
    _change(
        connection, account, by, now, roles=sorted(posting.roles), district=posting.district,
        programmes=sorted(posting.programmes), person=posting.person,
    )  # fmt: skip


def move_staff(connection: Connection, account: str, district: str, by: str, now: dt.datetime) -> None:
    """Post somebody elsewhere; their assignments stay, and are worth nothing outside the new district."""
    _change(connection, account, by, now, district=district)


def set_in_service(connection: Connection, account: str, by: str, now: dt.datetime, *, active: bool) -> None:
    """Take an account out of service, or back; its sessions die with it and do not come back."""
    _change(connection, account, by, now, state="active" if active else "disabled")


def assign(connection: Connection, officer: str, work: Assignment, by: str, now: dt.datetime) -> int:
    """Give work to an officer; the number of the assignment."""
    number: int = connection.execute(
        insert(assignment)
        .values(officer=officer, district=work.district, programme=work.programme, given_by=by, given_at=now)
        .returning(assignment.c.id)
    ).scalar_one()
    return number


def end_assignment(connection: Connection, number: int, by: str, now: dt.datetime) -> None:
    """Take work from an officer."""
    open_one = (assignment.c.id == number, assignment.c.ended_at.is_(None))
    connection.execute(update(assignment).where(*open_one).values(ended_at=now, ended_by=by))


def make_citizen(connection: Connection, account: str, login: Login, kind: str, subject: str) -> None:
    """An account of a person, or one that acts for a legal person (`enterprise`)."""
    connection.execute(
        insert(citizen_account).values(
            id=account, issuer=login.issuer, login_subject=login.subject, kind=kind, subject=subject
        )
    )


def set_citizen_in_service(connection: Connection, account: str, *, active: bool) -> None:
    """Take a citizen's account out of service, or back."""
    state = "active" if active else "disabled"
    connection.execute(update(citizen_account).where(citizen_account.c.id == account).values(state=state))


def _insert(
    connection: Connection, account: str, login: Login, office: str, posting: Posting, by: str, now: dt.datetime
) -> None:
    values: dict[str, str | Sequence[str] | dt.datetime | None] = {
        "id": account, "issuer": login.issuer, "login_subject": login.subject, "roles": sorted(posting.roles),
        "district": posting.district, "programmes": sorted(posting.programmes), "office": office,
        "person": posting.person, "changed_by": by, "changed_at": now,
    }  # fmt: skip
    connection.execute(insert(staff_account).values(values))


def _change(
    connection: Connection, account: str, by: str, now: dt.datetime, **values: str | Sequence[str] | None
) -> None:
    connection.execute(
        update(staff_account).where(staff_account.c.id == account).values(changed_by=by, changed_at=now, **values)
    )
