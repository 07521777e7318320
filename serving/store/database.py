"""Connections: made with patience, because a server that crashed comes back by itself."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
from psycopg import Connection

from serving.store.errors import DatabaseUnreachableError
from serving.store.server import RESTART_SECONDS

Session = Connection[tuple[object, ...]]
"""A connection whose statements are each a transaction of their own unless `with session.transaction()` says else."""

_CONNECT_SECONDS = 5
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
LOST = (psycopg.OperationalError, psycopg.InterfaceError)
"""What a statement raises where the server is gone."""


def connect(url: str, patience_seconds: float = RESTART_SECONDS, remedy: Callable[[], None] | None = None) -> Session:
    """A connection; waits for a server that is restarting.

    Args:
        url: the server.
        patience_seconds: how long to go on trying.
        remedy: what may help between two tries: starting our own server again.

    Raises:
        DatabaseUnreachableError: no connection in all that time.
    """
    began, pause = time.perf_counter(), _FIRST_PAUSE_SECONDS
    while True:
        try:
            # A server behind a broken network is gone after a while too, not only one that says so.
            return psycopg.connect(
                url, autocommit=True, connect_timeout=_CONNECT_SECONDS, keepalives_idle=10, keepalives_interval=5,
                keepalives_count=3, tcp_user_timeout=30_000, application_name="applyfree",
            )  # fmt: skip
        except psycopg.OperationalError:
            # The driver's message may hold the address with its password: it is not shown.
            if time.perf_counter() - began > patience_seconds:
                raise DatabaseUnreachableError(patience_seconds) from None
            if remedy is not None:
                remedy()
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
