"""Where people log in: at the identity provider of the settings, or at one on this machine for demonstrations.

The local one is for homes with a database of their own alone. Its accounts are made by chance at the first start, and
lie in a file that only its owner may read: no password is known beforehand.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
from sqlalchemy import Connection, text

from serving import clock, settings
from serving.access.limits import Limiter
from serving.access.login.local.accounts import LocalAccount, keep_accounts
from serving.access.login.local.app import build_provider
from serving.access.login.local.demonstration import LOGINS, Place, install_demonstration
from serving.access.login.local.running import HOST, listening
from serving.access.login.provider import Client, Provider
from serving.api.knowledge import Knowledge
from serving.api.parts import Parts
from serving.api.routing import PREFIX
from serving.errors import ServingError
from serving.security.secrets import SecretFolder

LOCAL_SECRET: Final = "local-provider"
"""What the local provider and the application know of each other; made like our other keys."""
NAMED_SECRET: Final = "provider-password"
"""Our secret at a named provider, given out by it."""
CLIENT_ID: Final = "applyfree"
_OFFICE: Final = "演示服务窗口 Demonstration office"
_MOST_LOOKED_AT: Final = 500


class NobodyPlacedError(ServingError):
    """A demonstration has nowhere to play."""

    def __init__(self) -> None:
        super().__init__(
            "No person of the last sweep has a district that the registers name, so that no caseworker could be posted "
            "there. Load the residence register, or name an identity provider in APPLYFREE_ISSUER."
        )


class AccountsLostError(ServingError):
    """The file of accounts is not the one that this database was begun with."""

    def __init__(self, file: Path) -> None:
        super().__init__(
            f"{file.name}: these are not the accounts of this database. Put the file of its first start back, or name "
            "an identity provider in APPLYFREE_ISSUER."
        )


@contextmanager
def open_provider(origin: str, secrets: SecretFolder) -> Iterator[Provider | None]:
    """The provider that the settings name; None: there is none.

    Args:
        origin: under which browsers come back to us.
        secrets: with ours at it.
    """
    issuer = settings.issuer()
    local = settings.local_issuer()
    if issuer is None and local is None:
        yield None
        return
    back = f"{origin}{PREFIX}/login/callback"
    if issuer is not None:
        client = Client(issuer, settings.client_id(), secrets.key(NAMED_SECRET).decode(), back)
    else:
        client = _local_client(str(local), secrets, back)
    # No environment: a proxy named there would read the codes that we redeem.
    with httpx.Client(trust_env=False, follow_redirects=False) as http:
        yield Provider(client, http)


@contextmanager
def local_provider(
    home: Path, origin: str, port: int, parts: Parts, secrets: SecretFolder
) -> Iterator[tuple[str, Path]]:
    """Run the local provider, with accounts of everybody whom a demonstration needs; its issuer and their file.

    Args:
        home: where the file of accounts lies.
        origin: under which browsers come back.
        port: where it listens at its first start; later ones stay there, because accounts name their issuer.
        parts: of the application.
        secrets: of the application.

    Raises:
        PortTakenError: somebody listens there.
        NobodyPlacedError: nobody lives anywhere.
        AccountsLostError: the database knows other accounts than the file.
    """
    file = home / "logins" / "accounts.json"
    with parts.engine.begin() as connection:
        known = _issuer_of_accounts(connection)
        issuer = known or f"http://{HOST}:{port}"
        accounts = keep_accounts(file, LOGINS)
        if known is None:
            place = _place(connection, parts.knowledge, parts.now())
            install_demonstration(connection, issuer, accounts, place, parts.now())
        elif not _are_of_database(connection, issuer, accounts):
            raise AccountsLostError(file)
    client = _local_client(issuer, secrets, f"{origin}{PREFIX}/login/callback")
    app, _ = build_provider(client, accounts, Limiter(None, secrets.key(LOCAL_SECRET)), clock.now)
    with listening(app, urlsplit(issuer).port or port):
        yield issuer, file


def secrets_for_login() -> Sequence[str]:
    """Names of the secrets that logging in needs."""
    if settings.issuer() is not None:
        return [NAMED_SECRET]
    return [LOCAL_SECRET] if settings.database_url() is None else []


def _local_client(issuer: str, secrets: SecretFolder, back: str) -> Client:
    return Client(issuer, CLIENT_ID, base64.urlsafe_b64encode(secrets.key(LOCAL_SECRET)).decode(), back)


def _issuer_of_accounts(connection: Connection) -> str | None:
    """Of the accounts that a demonstration made before."""
    found: str | None = connection.execute(
        text("SELECT issuer FROM staff_account WHERE issuer LIKE :here LIMIT 1"), {"here": f"http://{HOST}:%"}
    ).scalar_one_or_none()
    return found


def _are_of_database(connection: Connection, issuer: str, accounts: Sequence[LocalAccount]) -> bool:
    logins = connection.execute(_LOGINS, {"issuer": issuer}).scalars().all()
    return set(logins) <= {account.subject for account in accounts}


def _place(connection: Connection, knowledge: Knowledge, now: dt.datetime) -> Place:
    """Where somebody lives who was offered something; else where anybody lives."""
    firm = connection.execute(text("SELECT min(id) FROM standing WHERE kind = 'enterprise'")).scalar_one_or_none()
    for person in connection.execute(_PERSONS, {"most": _MOST_LOOKED_AT}).scalars():
        district = knowledge.district_of(connection, "person", person, now)
        if district is not None:
            return Place(district, _OFFICE, person, firm)
    raise NobodyPlacedError


_LOGINS: Final = text("""
SELECT login_subject FROM staff_account WHERE issuer = :issuer
UNION ALL SELECT login_subject FROM citizen_account WHERE issuer = :issuer
""")
_PERSONS: Final = text("""
SELECT id FROM standing s WHERE kind = 'person' GROUP BY id
ORDER BY EXISTS (SELECT FROM entitlement e WHERE (e.kind, e.subject, e.state) = ('person', s.id, 'offered')) DESC, id
LIMIT :most
""")
