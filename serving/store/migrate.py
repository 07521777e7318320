"""Migrations: Alembic over numbered SQL files, each run once, in order, in a transaction of its own.

The old release must run against the new schema: add, backfill, switch, remove, in separate releases. A statement that
cannot get its lock gives up rather than make everybody wait behind it.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from serving.store.errors import NewerSchemaError
from serving.store.migrations import chain

CURRENT_HEAD = "0020"
"""The number of the latest migration: two branches that add one collide here, in review."""
_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x41464D49
"""Whoever migrates holds this advisory lock: two processes that start at once take turns."""
_LOCK_SECONDS, _STATEMENT_SECONDS = 10, 600


def migrate(session: Connection[tuple[object, ...]], until: str = "head") -> None:
    """Bring the schema up to date.

    Args:
        session: of the database, as somebody who may change its tables.
        until: the number of the last revision to run; all, by default.

    Raises:
        NewerSchemaError: a later release has been here.
    """
    if _number(session) == CURRENT_HEAD:
        return
    conninfo = make_conninfo(session.info.dsn, password=session.info.password or None)
    options = f"-c lock_timeout={_LOCK_SECONDS}s -c statement_timeout={_STATEMENT_SECONDS}s"
    # A connection of its own: Alembic begins and ends transactions as it needs.
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(conninfo, options=options, application_name="applyfree migrate"),
        poolclass=NullPool,
    )
    with session.transaction(), engine.connect() as connection:
        session.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        found = _number(session)
        if found is not None and found > CURRENT_HEAD:
            raise NewerSchemaError(found, CURRENT_HEAD)
        config = Config()
        config.set_main_option("script_location", str(_FOLDER))
        config.attributes["connection"] = connection
        taken_over = _number_before_alembic(session) if found is None else None
        if taken_over is not None:
            command.stamp(config, taken_over)
        command.upgrade(config, until)


def heads() -> list[str]:
    """The last revisions of the chain: one, or two branches were put together without a look at their numbers."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    return list(ScriptDirectory.from_config(config).get_heads())


def _number(session: Connection[tuple[object, ...]]) -> str | None:
    """Which revision the database has; None: Alembic has never been here."""
    if not _exists(session, "alembic_version"):
        return None
    row = session.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def _number_before_alembic(session: Connection[tuple[object, ...]]) -> str | None:
    """Releases before 0.2 noted their migrations in a table of their own."""
    if not _exists(session, "migration"):
        return None
    row = session.execute("SELECT max(number) FROM migration").fetchone()
    return None if row is None or row[0] is None else chain.numbers()[int(str(row[0])) - 1]


def _exists(session: Connection[tuple[object, ...]], table: str) -> bool:
    row = session.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()
    return row is not None and row[0] is True
