"""SQLAlchemy over a server: pooled connections with the rights of a role, not waiting for a network that is gone."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.pool import ConnectionPoolEntry

from serving.store.answering import AnsweringConnection
from serving.store.errors import NotPrimaryError

_CONNECT_SECONDS = 5
_OF_DATA = "22"
"""The class of errors that quote the value they are about."""
_GRACE_SECONDS = 5.0
"""So much longer than the server's own time limit we wait for what it says."""


class Role(StrEnum):
    """As whom statements run: groups of rights in PostgreSQL, each the least that its work needs."""

    APP = "applyfree_app"
    CITIZEN = "applyfree_citizen"
    AUDITOR = "applyfree_auditor"
    OPERATOR = "applyfree_operator"
    ORDER = "applyfree_order"
    """Puts caseworkers' queues in order: one column of cases, and nothing else."""
    OWNER = "owner"
    """Whoever the address names: for migrations."""


def open_engine(
    url: str,
    role: Role = Role.APP,
    *,
    pool_size: int = 5,
    statement_seconds: float = 30,
    wait_seconds: float = 10,
    connect_seconds: int = _CONNECT_SECONDS,
) -> Engine:
    """Connections to a server, in the order in which they are asked for.

    Args:
        url: of the server, as psycopg reads it.
        role: whose rights statements have.
        pool_size: so many connections at most.
        statement_seconds: a statement that takes longer is ended; a little later, by us, where the server is silent.
        wait_seconds: how long to wait for a free connection.
        connect_seconds: how long to wait for a new one.

    Raises:
        NotPrimaryError: on use, where the server is a replica: what is decided on rows that are behind is wrong.
    """
    # Compiling a plan takes longer than what is asked here, and a whole core while it lasts.
    options = (
        f"-c jit=off -c statement_timeout={int(statement_seconds * 1000)} -c idle_in_transaction_session_timeout=60000"
    )
    if role is not Role.OWNER:
        options += f" -c role={role}"

    def connected() -> psycopg.Connection[Any]:
        connection = AnsweringConnection.connect(
            url, connect_timeout=connect_seconds, keepalives_idle=10, keepalives_interval=5, keepalives_count=3,
            tcp_user_timeout=30_000, application_name="applyfree", options=options,
        )  # fmt: skip
        connection.answer_seconds = statement_seconds + _GRACE_SECONDS
        return connection

    engine = create_engine(
        "postgresql+psycopg://", creator=connected, pool_size=pool_size, max_overflow=0, pool_timeout=wait_seconds,
        pool_pre_ping=True, pool_use_lifo=True,
        hide_parameters=True,  # they are of persons, and an error is read by anybody
    )  # fmt: skip
    event.listen(engine, "connect", _refuse_replica)
    event.listen(engine, "handle_error", _tell_no_values)
    return engine


def _tell_no_values(context: ExceptionContext) -> None:
    """Leave out of an error what PostgreSQL tells of rows: whole ones in its detail, single values in quotation marks.

    The full message is in the server's own log, which is kept like the data.
    """
    original, told = context.original_exception, context.sqlalchemy_exception
    if not isinstance(original, psycopg.Error) or original.diag.message_primary is None:
        return
    plain = original.diag.message_primary
    if (original.sqlstate or "").startswith(_OF_DATA):
        plain = re.sub(r'"(?:[^"]|"")*"?', '"…"', plain)
    before = str(original)
    original.args = (plain,)
    if told is not None:
        told.params = None
        told.args = tuple(str(each).replace(before, plain) for each in told.args)


def _refuse_replica(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("SELECT pg_is_in_recovery()")
    row = cursor.fetchone()
    cursor.close()
    connection.rollback()
    if row is None or row[0]:
        connection.close()
        raise NotPrimaryError
