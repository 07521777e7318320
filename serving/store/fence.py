"""A fence between primaries: after a failover nobody writes to the old one, and writes that were lost are noticed.

A replica that is promoted may lack the last commits of the primary before it, and that primary may come back believing
itself to be in office. So the engine remembers, outside the database, on which timeline it last wrote and what the last
entry for the ledger was. It is looked at with every new connection, before anything is written on it.

Source:
    PostgreSQL documentation, "Continuous Archiving and Point-in-Time Recovery", section "Timelines".
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from serving.store.errors import FencedError, LostWritesError, OldPrimaryError, OtherDatabaseError


@dataclass(frozen=True, slots=True)
class Mark:
    """What is remembered: which database, its timeline, and the last entry that was written for the ledger.

    `lost`: a primary came into office that lacks that entry; nothing is delivered until people have looked.
    """

    system: str
    timeline: int
    entry: int = 0
    digest: str = ""
    lost: bool = False


class Fence:
    """Remembers in one file, for all processes of a home.

    Args:
        file: `fence.json` below $APPLYFREE_HOME; on another disk than the database's, where there is one.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def guard(self, engine: Engine) -> Engine:
        """Look at every new connection of an engine."""
        event.listen(engine, "connect", self._connected)
        return engine

    def _connected(self, connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        try:
            self.look(cursor)
        except FencedError:
            connection.close()
            raise
        cursor.close()
        connection.rollback()

    def look(self, cursor: Any) -> Mark:  # noqa: ANN401 any cursor of the driver: SQLAlchemy's type says less
        """Compare the database with what is remembered, and remember what it is now.

        Raises:
            OldPrimaryError: another primary has been in office since.
            OtherDatabaseError: it is no descendant of the one that is remembered.
        """
        cursor.execute(
            "SELECT (SELECT system_identifier::text FROM pg_control_system()), "
            "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int"
        )
        system, timeline = cursor.fetchone()
        with self._locked():
            known = self._read()
            if known is None:
                return self._write(self._latest(cursor, Mark(system, timeline)))
            if known.system != system:
                raise OtherDatabaseError(self.file)
            if timeline < known.timeline:
                raise OldPrimaryError
            if timeline == known.timeline:
                return known
            lost = known.lost or (known.entry > 0 and _digest(cursor, known.entry) != known.digest)
            if lost:
                return self._write(replace(known, timeline=timeline, lost=True))
            return self._write(self._latest(cursor, replace(known, timeline=timeline)))

    def remember(self, engine: Engine) -> Mark:
        """Note the last committed entry: called before anything leaves the house, and by the ledger's appender."""
        with engine.connect() as connection:
            cursor = connection.connection.cursor()
            self.look(cursor)
            with self._locked():
                known = self._read()
                assert known is not None
                latest = self._latest(cursor, known)
                return known if known.lost or latest.entry <= known.entry else self._write(latest)

    def require_whole(self) -> None:
        """To be called before anything is delivered.

        Raises:
            LostWritesError: a primary came into office that lacks what was acknowledged.
        """
        known = self._read()
        if known is not None and known.lost:
            raise LostWritesError(self.file)

    def release(self) -> None:
        """Two people have reconciled what was lost with what left the house: go on from what the database holds."""
        with self._locked():
            known = self._read()
            if known is not None:
                self._write(replace(known, entry=0, digest="", lost=False))

    def _latest(self, cursor: Any, mark: Mark) -> Mark:  # noqa: ANN401
        cursor.execute("SELECT max(id) FROM audit_intent")
        (entry,) = cursor.fetchone()
        return mark if entry is None else replace(mark, entry=entry, digest=_digest(cursor, entry))

    def _read(self) -> Mark | None:
        try:
            return Mark(**json.loads(self.file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def _write(self, mark: Mark) -> Mark:
        unfinished = self.file.with_suffix(".unfinished")
        with unfinished.open("w", encoding="utf-8") as file:
            json.dump(asdict(mark), file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self.file)
        return mark

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.with_suffix(".lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield


def _digest(cursor: Any, entry: int) -> str:  # noqa: ANN401
    """Of one entry for the ledger; nothing where there is none."""
    cursor.execute("SELECT to_jsonb(i)::text FROM audit_intent i WHERE id = %s", (entry,))
    row = cursor.fetchone()
    return "" if row is None else hashlib.sha256(str(row[0]).encode()).hexdigest()
