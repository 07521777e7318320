"""A database with accounts of every role, over the small map of the random requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from serving.access.accounts import Login, Posting, assign, install_staff, make_citizen
from serving.access.actors import Assignment
from serving.access.gate import Gate
from serving.access.roles import STAFF, Role
from serving.store.server import EmbeddedServer
from tests.casework_world import casework_database
from tests.databases import a_database
from tests.unit.serving.access.requests_at_random import AREAS, NOW

ISSUER = "http://127.0.0.1:1/"


def a_login(name: str) -> Login:
    """What the provider would call somebody."""
    return Login(ISSUER, f"sub-{name}")


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    yield from a_database()


@pytest.fixture(scope="session")
def engine(server: EmbeddedServer) -> Iterator[Engine]:
    with casework_database(server) as engine:
        with engine.begin() as connection:
            _people(connection)
        yield engine


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """In a transaction that is rolled back: each test begins with the same people."""
    with engine.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def gate() -> Gate:
    return Gate(AREAS)


def _people(connection: Connection) -> None:
    """One account of each role, posted in 11 for benefit b1, the caseworker with work in 111; and two citizens."""
    everywhere = {Role.AUDITOR, Role.OPERATOR}
    staff = [
        (str(role), a_login(str(role)), "区民政局",
         Posting(frozenset({role}), "1" if role in everywhere else "11", frozenset({"b1"})))
        for role in sorted(STAFF)
    ]  # fmt: skip
    install_staff(connection, staff, NOW)
    assign(connection, "caseworker", Assignment("111", "b1"), "security_admin", NOW)
    for name in ("p1", "p2"):
        make_citizen(connection, f"citizen-{name}", a_login(name), "person", name)
    make_citizen(connection, "firm-e1", a_login("e1"), "enterprise", "e1")
