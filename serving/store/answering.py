"""A connection whose server stops answering is given up after a while, so that no thread waits for ever.

The server's own time limits do not help where the server itself stands still, and TCP's do not where its machine still
acknowledges, or where it is reached by a socket of this machine.
"""

from __future__ import annotations

from typing import TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.rows import TupleRow

Found = TypeVar("Found")


class AnsweringConnection(psycopg.Connection[TupleRow]):
    """Closes itself where a statement brings no answer in time; whoever waits is told so by an OperationalError."""

    answer_seconds: float | None = None
    """How long a statement may take from here; longer than the server's own limit for statements."""

    def wait(self, gen: PQGen[Found], interval: float = 0.1, timeout: float | None = None) -> Found:
        """Wait as psycopg does, but not for ever."""
        if timeout is not None or self.answer_seconds is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.answer_seconds)
        except psycopg.OperationalError as error:
            # Psycopg's own class for a limit that was ours is internal to it: what distinguishes it is that nothing
            # else leaves a statement under way on a connection that is alive.
            if not self.pgconn.status and self.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                self.pgconn.finish()
                raise psycopg.OperationalError(f"no answer for {self.answer_seconds:g} seconds") from error
            raise
