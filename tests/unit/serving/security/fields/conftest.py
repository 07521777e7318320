"""A real server, and a table of contact data whose fields are encrypted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Column, Engine, Integer, LargeBinary, MetaData, Table, Text, text

from serving.security.fields.cipher import FieldCipher
from serving.security.fields.keyring import KeyRing
from serving.store import migrate
from serving.store.database import connect
from serving.store.engine import Role, open_engine
from serving.store.server import EmbeddedServer
from serving.store.tables.keys import encrypted
from tests.databases import a_database

KEKS = {1: bytes(range(32)), 2: bytes(range(50, 82))}
TABLES = MetaData()
CONTACT = Table(
    "contact",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("phone", LargeBinary, info=encrypted("id")),
    Column("address", LargeBinary, info=encrypted("id")),
    Column("phone_index", LargeBinary),
)
NOTE = Table(
    "note",
    TABLES,
    Column("case_file", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("said", LargeBinary, info=encrypted("case_file", "number", fixed=True)),
)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    for server in a_database():
        with connect(server.url) as session:
            migrate.migrate(session)
        engine = open_engine(server.url, Role.OWNER)
        TABLES.create_all(engine)
        with engine.begin() as connection:
            connection.execute(text("GRANT SELECT, INSERT, UPDATE ON contact, note TO applyfree_app"))
        engine.dispose()
        yield server


@pytest.fixture
def owner(server: EmbeddedServer) -> Iterator[Engine]:
    """Connections of whoever may change tables, to the tables above, empty."""
    engine = open_engine(server.url, Role.OWNER, pool_size=10)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # the trigger keeps every key
        connection.execute(text("TRUNCATE data_key, key_rotation, contact, note"))
    yield engine
    engine.dispose()


@pytest.fixture
def engine(owner: Engine, server: EmbeddedServer) -> Iterator[Engine]:
    """Connections with the rights of the engine."""
    engine = open_engine(server.url, pool_size=10)
    yield engine
    engine.dispose()


@pytest.fixture
def cipher() -> FieldCipher:
    return FieldCipher(KeyRing({1: KEKS[1]}))
