"""Migrations: numbered SQL files in this package, each run once, in order, in one transaction."""

from __future__ import annotations

from importlib import resources

from psycopg import Connection
from psycopg.sql import SQL

from serving.store.errors import NewerSchemaError

CURRENT_HEAD = 3
"""The number of the latest migration: two branches that add one collide here, in review."""
_LOCK = 0x41464D49
"""Whoever migrates holds this advisory lock: two processes that start at once take turns."""


def migrate(connection: Connection[tuple[object, ...]]) -> None:
    """Bring the schema up to date.

    Raises:
        NewerSchemaError: a later release has been here.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migration (number integer PRIMARY KEY, name text NOT NULL, "
            "done_at timestamptz NOT NULL DEFAULT now())"
        )
        row = connection.execute("SELECT coalesce(max(number), 0)::integer FROM migration").fetchone()
        assert row is not None
        done = row[0]
        assert isinstance(done, int)
        if done > CURRENT_HEAD:
            raise NewerSchemaError(done, CURRENT_HEAD)
        for number, (name, text) in enumerate(written_migrations(), start=1):
            if number > done:
                connection.execute(SQL(text))
                connection.execute("INSERT INTO migration (number, name) VALUES (%s, %s)", (number, name))


def written_migrations() -> list[tuple[str, str]]:
    """The name and text of every migration, in order."""
    folder = resources.files("serving.store") / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")) for file in files]
