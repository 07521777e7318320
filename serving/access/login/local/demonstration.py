"""The people of a demonstration: one of each role, so that every page can be seen by whom it is for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from serving.access.accounts import Login, Posting, assign, install_staff, make_citizen
from serving.access.actors import EVERY_PROGRAMME, Assignment
from serving.access.login.local.accounts import LocalAccount
from serving.access.roles import STAFF, Role

CITIZEN_LOGIN: Final = str(Role.CITIZEN)
ENTERPRISE_LOGIN: Final = str(Role.ENTERPRISE)
SECOND_LOGINS: Final = {"caseworker2": Role.CASEWORKER, "supervisor2": Role.SUPERVISOR, "policy2": Role.POLICY}
"""The second persons: without them nothing that takes two could be shown."""
_STAFF_LOGINS: Final = {**{str(role): role for role in sorted(STAFF)}, **SECOND_LOGINS}
LOGINS: Final = (
    (CITIZEN_LOGIN, False), (ENTERPRISE_LOGIN, False), *((login, True) for login in _STAFF_LOGINS),
)  # fmt: skip
"""Names to type, each with whether it has a second factor; for :func:`keep_accounts`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the demonstration plays.

    Attributes:
        district: all staff are posted there.
        office: what it is called to citizens.
        person: the id of the citizen.
        enterprise: the id of the legal person; None: there is none, and nobody acts for one.
    """

    district: str
    office: str
    person: str
    enterprise: str | None


def install_demonstration(
    connection: Connection, issuer: str, accounts: Iterable[LocalAccount], place: Place, now: dt.datetime
) -> None:
    """Make the accounts of all who can log in at the local provider, in a database that has no account yet.

    Raises:
        sqlalchemy.exc.DBAPIError: there are accounts already.
    """
    known = {account.login: Login(issuer, account.subject) for account in accounts}
    install_staff(
        connection,
        [
            (
                login,
                known[login],
                place.office,
                Posting(frozenset({role}), place.district, frozenset({EVERY_PROGRAMME})),
            )
            for login, role in _STAFF_LOGINS.items()
        ],
        now,
    )
    for login, role in _STAFF_LOGINS.items():
        if role is Role.CASEWORKER:
            assign(connection, login, Assignment(place.district, EVERY_PROGRAMME), str(Role.SECURITY_ADMIN), now)
    make_citizen(connection, CITIZEN_LOGIN, known[CITIZEN_LOGIN], "person", place.person)
    if place.enterprise is not None:
        make_citizen(connection, ENTERPRISE_LOGIN, known[ENTERPRISE_LOGIN], "enterprise", place.enterprise)
