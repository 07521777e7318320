"""The chain of migrations: one line, taken over from releases before Alembic, and the tables that the code declares."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from serving.store import migrate, tables
from serving.store.database import Session, connect
from serving.store.engine import Role, open_engine
from serving.store.migrations import chain
from serving.store.server import EmbeddedServer
from serving.store.tables.metadata import metadata


@pytest.fixture
def empty(server: EmbeddedServer) -> Iterator[Session]:
    with connect(server.url) as session:
        session.execute("DROP SCHEMA public CASCADE")
        session.execute("CREATE SCHEMA public")
        yield session


def test_there_is_one_chain_and_its_end_is_named() -> None:
    assert migrate.heads() == [chain.numbers()[-1]] == [migrate.CURRENT_HEAD]


def test_migrating_twice_is_migrating_once(empty: Session) -> None:
    migrate.migrate(empty)
    migrate.migrate(empty)
    assert empty.execute("SELECT version_num FROM alembic_version").fetchall() == [(migrate.CURRENT_HEAD,)]


def test_a_database_from_before_alembic_is_taken_over_where_it_stands(empty: Session) -> None:
    migrate.migrate(empty, until="0003")
    empty.execute("DROP TABLE alembic_version")
    empty.execute("CREATE TABLE migration (number integer PRIMARY KEY, name text NOT NULL)")
    empty.execute("INSERT INTO migration VALUES (1, 'determinations'), (2, 'rows_of_a_sweep'), (3, 'look_again')")
    empty.execute("INSERT INTO rulebook VALUES (repeat('0', 64), 'cn', '{}')")
    migrate.migrate(empty)
    assert empty.execute("SELECT version_num FROM alembic_version").fetchall() == [(migrate.CURRENT_HEAD,)]
    assert empty.execute("SELECT count(*) FROM rulebook").fetchall() == [(1,)]


def test_the_tables_that_the_code_declares_are_those_that_the_migrations_make(
    empty: Session, server: EmbeddedServer
) -> None:
    migrate.migrate(empty)
    for area in pkgutil.iter_modules(tables.__path__):
        importlib.import_module(f"{tables.__name__}.{area.name}")
    assert "entitlement" in metadata.tables
    engine = open_engine(server.url, Role.OWNER)
    with engine.connect() as connection:
        declared = {table.name for table in metadata.tables.values()}
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_name": lambda name, kind, _parents: kind != "table" or name in declared,
            },
        )
        differences = compare_metadata(context, metadata)
    engine.dispose()
    columns = [found for found in differences if not _is_about_keys(found)]
    assert columns == []


def test_the_engine_works_with_the_least_rights(empty: Session, server: EmbeddedServer) -> None:
    migrate.migrate(empty)
    engine = open_engine(server.url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT current_user")).scalar_one() == "applyfree_app"
    engine.dispose()


def _is_about_keys(difference: object) -> bool:
    """Indexes, foreign keys and unique constraints are the migrations' alone: the code does not repeat them."""
    return isinstance(difference, tuple) and str(difference[0]).split("_")[-1] in ("index", "fk", "constraint")
