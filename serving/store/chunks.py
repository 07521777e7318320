"""Statements about the chunks of a sweep: claimed, done, given back, split, dead. One function each.

A claim is two things: a number that grows with each claim (fencing: only the last claimant may write) and an advisory
lock of the worker's session, which the server drops the moment the worker or its connection dies.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from serving.store.database import Session

MOST_DEATHS = 3
"""So many workers may die over a chunk before it is taken apart."""
_CHUNK_LOCK = 0x41464348


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some subjects of a sweep, answered in one transaction."""

    id: int
    sweep: int
    file: str
    first_row: int
    subjects: int
    deaths: int
    claims: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep is, in subjects; `open_chunks` are those not done yet, `claims` how often a worker took one."""

    answered: int
    written: int
    same: int
    determinations: int
    dead: int
    open_chunks: int
    planned: int
    claims: int


def claim(session: Session, sweep: int) -> Chunk | None:
    """Take the next open chunk that nobody is at work on; None where there is none.

    The claim counts as a death of its worker until the chunk is done or given back: a worker that is killed cannot
    count itself.
    """
    with session.transaction(), session.cursor(row_factory=class_row(Chunk)) as cursor:
        found = cursor.execute(
            """
            SELECT id, sweep, file, first_row, subjects, deaths, claims FROM chunk
            WHERE sweep = %s AND state = 'open' AND deaths < %s AND id NOT IN (
                SELECT objid::bigint::integer FROM pg_locks
                WHERE locktype = 'advisory' AND classid = %s
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
            ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
            """,
            (sweep, MOST_DEATHS, _CHUNK_LOCK),
        ).fetchone()
        if found is None:
            return None
        locked = session.execute("SELECT pg_try_advisory_lock(%s, %s)", (_CHUNK_LOCK, found.id)).fetchone()
        if locked is None or locked[0] is not True:
            return None
        return cursor.execute(
            "UPDATE chunk SET claims = claims + 1, deaths = deaths + 1 WHERE id = %s "
            "RETURNING id, sweep, file, first_row, subjects, deaths, claims",
            (found.id,),
        ).fetchone()


def is_mine(session: Session, chunk: Chunk) -> bool:
    """Is the claim still the last one? Locks the chunk until the transaction ends."""
    row = session.execute(
        "SELECT 1 FROM chunk WHERE id = %s AND state = 'open' AND claims = %s FOR UPDATE", (chunk.id, chunk.claims)
    ).fetchone()
    return row is not None


def finish(
    session: Session, chunk: Chunk, written: int, same: int, determinations: int, account: dict[str, object]
) -> None:
    """The chunk is done, within the caller's transaction."""
    session.execute(
        "UPDATE chunk SET state = 'done', written = %s, same = %s, determinations = %s, account = %s WHERE id = %s",
        (written, same, determinations, Jsonb(account), chunk.id),
    )


def release(session: Session, chunk: Chunk) -> None:
    """Let go of the lock of a chunk that is done or has failed."""
    session.execute("SELECT pg_advisory_unlock(%s, %s)", (_CHUNK_LOCK, chunk.id))


def give_back(session: Session, chunk: Chunk) -> None:
    """The worker lives, the server died: the chunk is not to blame."""
    session.execute(
        "UPDATE chunk SET deaths = deaths - 1 WHERE id = %s AND claims = %s AND state = 'open' AND deaths > 0",
        (chunk.id, chunk.claims),
    )


def note_failure(session: Session, chunk: Chunk, failure: str) -> None:
    """What the worker said before it gave the chunk up."""
    session.execute("UPDATE chunk SET failure = %s WHERE id = %s AND claims = %s", (failure, chunk.id, chunk.claims))


def worn_out(session: Session, sweep: int) -> list[Chunk]:
    """Open chunks over which as many workers died as may, and that nobody is at work on any more."""
    with session.cursor(row_factory=class_row(Chunk)) as cursor:
        return cursor.execute(
            """
            SELECT id, sweep, file, first_row, subjects, deaths, claims FROM chunk
            WHERE sweep = %s AND state = 'open' AND deaths >= %s AND id NOT IN (
                SELECT objid::bigint::integer FROM pg_locks
                WHERE locktype = 'advisory' AND classid = %s
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
            ORDER BY id
            """,
            (sweep, MOST_DEATHS, _CHUNK_LOCK),
        ).fetchall()


def split(session: Session, chunk: Chunk, parts: list[tuple[int, int]]) -> None:
    """Take a chunk apart: `parts` are (first row, subjects).

    A part of several subjects is taken apart again at its first death, a single subject is tried like any chunk.
    """
    with session.transaction():
        if not is_mine(session, chunk):
            return
        session.execute("UPDATE chunk SET state = 'split' WHERE id = %s", (chunk.id,))
        session.cursor().executemany(
            "INSERT INTO chunk (sweep, file, first_row, subjects, deaths) VALUES (%s, %s, %s, %s, %s)",
            [(chunk.sweep, chunk.file, first, n, 0 if n == 1 else MOST_DEATHS - 1) for first, n in parts],
        )


def bury(session: Session, chunk: Chunk, kind: str, subject: str) -> None:
    """A subject over whom workers die is set aside, by name."""
    with session.transaction():
        if not is_mine(session, chunk):
            return
        session.execute("UPDATE chunk SET state = 'dead' WHERE id = %s", (chunk.id,))
        session.execute(
            "INSERT INTO dead_letter (sweep, kind, id, deaths) VALUES (%s, %s, %s, %s)",
            (chunk.sweep, kind, subject, chunk.deaths),
        )


def progress(session: Session, sweep: int) -> Progress:
    """How far a sweep is."""
    with session.cursor(row_factory=class_row(Progress)) as cursor:
        found = cursor.execute(
            """
            SELECT coalesce(sum(subjects) FILTER (WHERE state = 'done'), 0)::bigint AS answered,
                   coalesce(sum(written), 0)::bigint AS written, coalesce(sum(same), 0)::bigint AS same,
                   coalesce(sum(determinations), 0)::bigint AS determinations,
                   coalesce(sum(subjects) FILTER (WHERE state = 'dead'), 0)::bigint AS dead,
                   count(*) FILTER (WHERE state = 'open') AS open_chunks,
                   coalesce(sum(subjects) FILTER (WHERE state <> 'split'), 0)::bigint AS planned,
                   coalesce(sum(claims), 0)::bigint AS claims
            FROM chunk WHERE sweep = %s
            """,
            (sweep,),
        ).fetchone()
        assert found is not None
        return found


def failures(session: Session, sweep: int) -> list[str]:
    """What workers said about chunks that they gave up, each once."""
    rows = session.execute(
        "SELECT DISTINCT failure FROM chunk WHERE sweep = %s AND failure IS NOT NULL ORDER BY failure", (sweep,)
    )
    return [str(row[0]) for row in rows]


def accounts(session: Session, sweep: int) -> list[dict[str, object]]:
    """What each done chunk counted."""
    rows = session.execute("SELECT account FROM chunk WHERE sweep = %s AND state = 'done' ORDER BY id", (sweep,))
    return [row[0] for row in rows if isinstance(row[0], dict)]
