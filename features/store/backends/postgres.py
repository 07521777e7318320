"""Rows of subjects in PostgreSQL: one table, one row per subject."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql

from features.store.backends.place import Merge
from features.store.errors import StoreUnreachableError

_LOCK = 0x66616374
"""One writer at a time (advisory, until its transaction ends); readers are never held up."""


class PostgresPlace:
    """Bytes by key in one table of a PostgreSQL database.

    Args:
        url: `postgresql://…`, as libpq reads it.
        table: the table's name.
    """

    def __init__(self, url: str, table: str) -> None:
        self._url, self._table = url, sql.Identifier(table)
        self._mine = threading.local()
        self._opened: list[psycopg.Connection] = []

    def prepare(self) -> None:
        statement = "CREATE TABLE IF NOT EXISTS {} (subject text PRIMARY KEY, held bytea NOT NULL)"
        with _reached(), self._connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            connection.execute(sql.SQL(statement).format(self._table))

    def read(self, keys: Sequence[str]) -> dict[str, bytes]:
        with _reached():
            return self._read(self._connection(), keys)

    def _read(self, connection: psycopg.Connection, keys: Sequence[str]) -> dict[str, bytes]:
        statement = sql.SQL("SELECT subject, held FROM {} WHERE subject = ANY(%s)").format(self._table)
        return dict(connection.execute(statement, (list(keys),), binary=True).fetchall())

    def change(self, keys: Sequence[str], merge: Merge) -> int:
        statement = sql.SQL(
            "INSERT INTO {} (subject, held) SELECT * FROM unnest(%b::text[], %b::bytea[]) "
            "ON CONFLICT (subject) DO UPDATE SET held = excluded.held"
        ).format(self._table)
        with _reached(), (connection := self._connection()).transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            changed = merge(self._read(connection, keys))
            if changed:
                connection.execute(statement, (list(changed), list(changed.values())))
        return len(changed)

    def drop(self) -> None:
        with _reached():
            self._connection().execute(sql.SQL("DROP TABLE IF EXISTS {}").format(self._table))

    def close(self) -> None:
        while self._opened:
            self._opened.pop().close()
        self._mine = threading.local()

    def _connection(self) -> psycopg.Connection:
        """This thread's connection; a new one where the server ended the last."""
        held: psycopg.Connection | None = getattr(self._mine, "connection", None)
        if held is None or held.closed:
            held = psycopg.connect(self._url, autocommit=True)
            self._mine.connection = held
            self._opened.append(held)
        return held


@contextmanager
def _reached() -> Iterator[None]:
    """The driver's message may hold the address with its password: it is not shown."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError):
        raise StoreUnreachableError from None
