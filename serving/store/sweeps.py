"""Statements about sweeps, rulebooks and dead letters: one function each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import polars as pl
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from serving.store.database import Session

COMPLETE, PLANNING, RUNNING = "complete", "planning", "running"
_SWEEP_LOCK = 0x41465357
_COLUMNS = "id, jurisdiction, on_date, known_at, rulebook, is_full, base, state, subjects, population, account"
_SELECT = "SELECT " + _COLUMNS + " FROM sweep "  # nosec B608 # columns of ours, no value of anybody


@dataclass(frozen=True, slots=True)
class Sweep:
    """One run over a population: pinned to a day, a moment of knowledge and a rulebook.

    `subjects` are those it looks at (None before it is planned), `population` all who were known. `base` is the
    sweep that an incremental one builds on.
    """

    id: int
    jurisdiction: str
    on_date: dt.date
    known_at: dt.datetime
    rulebook: str
    is_full: bool
    base: int | None
    state: str
    subjects: int | None
    population: int | None
    account: dict[str, object] | None


def take_sweep_lock(session: Session) -> bool:
    """Become the one process that sweeps this database; False where another is. Held while the session lives."""
    row = session.execute("SELECT pg_try_advisory_lock(%s, 0)", (_SWEEP_LOCK,)).fetchone()
    return row is not None and row[0] is True


def keep_rulebook(
    session: Session, content_hash: str, jurisdiction: str, benefits: dict[str, list[tuple[str, str]]]
) -> None:
    """Note a rulebook and the order of its benefits; once."""
    session.execute(
        "INSERT INTO rulebook (hash, jurisdiction, benefits) VALUES (%s, %s, %s) ON CONFLICT (hash) DO NOTHING",
        (content_hash, jurisdiction, Jsonb(benefits)),
    )


def benefits_of_sweeps(session: Session) -> dict[int, dict[str, list[tuple[str, str]]]]:
    """For every sweep the benefits of its rulebook, by kind of subject, in the order of stored answers."""
    found: dict[int, dict[str, list[tuple[str, str]]]] = {}
    for sweep, benefits in session.execute(
        "SELECT s.id, r.benefits FROM sweep s JOIN rulebook r ON r.hash = s.rulebook"
    ):
        assert isinstance(sweep, int)
        assert isinstance(benefits, dict)
        found[sweep] = {kind: [(name, mark) for name, mark in pairs] for kind, pairs in benefits.items()}
    return found


def other_jurisdiction(session: Session, jurisdiction: str) -> str | None:
    """A jurisdiction other than this one that the database holds sweeps of."""
    row = session.execute("SELECT jurisdiction FROM sweep WHERE jurisdiction <> %s LIMIT 1", (jurisdiction,)).fetchone()
    return None if row is None else str(row[0])


def begin(session: Session, sweep: Sweep, now: dt.datetime) -> Sweep:
    """Note a new sweep; `id` and `state` of what is given do not count.

    Raises:
        psycopg.errors.UniqueViolation: there is one with the same dates and rulebook, or another is unfinished.
    """
    with session.cursor(row_factory=class_row(Sweep)) as cursor:
        cursor.execute(
            "INSERT INTO sweep (jurisdiction, on_date, known_at, rulebook, is_full, base, started_at) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING " + _COLUMNS,  # nosec B608 # as above
            (sweep.jurisdiction, sweep.on_date, sweep.known_at, sweep.rulebook, sweep.is_full, sweep.base, now),
        )
        return cursor.fetchone() or sweep


def sweep_of(session: Session, sweep: int) -> Sweep | None:
    """One sweep."""
    with session.cursor(row_factory=class_row(Sweep)) as cursor:
        return cursor.execute(_SELECT + "WHERE id = %s", (sweep,)).fetchone()


def all_sweeps(session: Session) -> list[Sweep]:
    """Every sweep, in the order in which they were made."""
    with session.cursor(row_factory=class_row(Sweep)) as cursor:
        return cursor.execute(_SELECT + "ORDER BY id").fetchall()


def unfinished(session: Session) -> Sweep | None:
    """The sweep that was begun and is not complete."""
    with session.cursor(row_factory=class_row(Sweep)) as cursor:
        return cursor.execute(_SELECT + "WHERE state <> 'complete' ORDER BY id").fetchone()


def last_complete(session: Session) -> Sweep | None:
    """The sweep on which the next one builds."""
    with session.cursor(row_factory=class_row(Sweep)) as cursor:
        return cursor.execute(_SELECT + "WHERE state = 'complete' ORDER BY id DESC LIMIT 1").fetchone()


def plan(session: Session, sweep: int, subjects: int, population: int, chunks: list[tuple[str, int]]) -> None:
    """Note whom a sweep looks at: its chunks as (file, subjects). All or nothing."""
    with session.transaction():
        if chunks:
            session.cursor().executemany(
                "INSERT INTO chunk (sweep, file, first_row, subjects) VALUES (%s, %s, 0, %s)",
                [(sweep, file, count) for file, count in chunks],
            )
        session.execute(
            "UPDATE sweep SET state = 'running', subjects = %s, population = %s WHERE id = %s AND state = 'planning'",
            (subjects, population, sweep),
        )


def complete(session: Session, sweep: int, account: dict[str, object], now: dt.datetime) -> None:
    """A sweep is done; where its rows are is noted, for those who look for the rows of another."""
    session.execute("SELECT brin_summarize_new_values('standing_of_sweep')")
    session.execute(
        "UPDATE sweep SET state = 'complete', account = %s, completed_at = %s WHERE id = %s",
        (Jsonb(account), now, sweep),
    )


def due(session: Session, after: dt.date, until: dt.date) -> Iterator[tuple[str, int, int, pl.Series]]:
    """The subjects with a current answer that is to be made again, for its day has come.

    Yields:
        The kind of subject; the sweep in whose order its answers stand; the place of the answer, counted from 0; the
        ids of all subjects of whom that is so.
    """
    rows = session.execute(
        """
        SELECT s.kind, s.sweep, u.place - 1, array_agg(s.id)
        FROM standing s
        CROSS JOIN LATERAL unnest(coalesce(s.look_again, s.next_change)) WITH ORDINALITY AS u(day, place)
        WHERE s.due > %(after)s AND s.due <= %(until)s AND s.due < 'infinity'
          AND u.day > %(after)s AND u.day <= %(until)s
          AND NOT EXISTS (SELECT 1 FROM standing n WHERE n.kind = s.kind AND n.id = s.id AND n.sweep > s.sweep)
        GROUP BY s.kind, s.sweep, u.place ORDER BY s.kind, s.sweep, u.place
        """,
        {"after": after, "until": until},
    ).fetchall()
    for kind, sweep, place, ids in rows:
        assert isinstance(sweep, int)
        assert isinstance(place, int)
        assert isinstance(ids, list)
        yield str(kind), sweep, place, pl.Series("id", ids, dtype=pl.String)


def rows_written(session: Session, sweep: int) -> int:
    """How many subjects have a row of a sweep."""
    row = session.execute("SELECT count(*) FROM standing WHERE sweep = %s", (sweep,)).fetchone()
    assert row is not None
    assert isinstance(row[0], int)
    return row[0]


def dead_letters(session: Session, sweep: int) -> pl.DataFrame:
    """The subjects that a sweep could not answer: columns `kind`, `id`."""
    rows = session.execute("SELECT kind, id FROM dead_letter WHERE sweep = %s ORDER BY kind, id", (sweep,)).fetchall()
    return pl.DataFrame(rows, schema={"kind": pl.String, "id": pl.String}, orient="row")


def written_ids(session: Session, sweep: int, kind: str) -> pl.Series:
    """The subjects of a kind that have a row of a sweep."""
    rows = session.execute("SELECT id FROM standing WHERE sweep = %s AND kind = %s", (sweep, kind)).fetchall()
    return pl.Series("id", [row[0] for row in rows], dtype=pl.String)


def determinations_made(session: Session, sweep: int) -> int:
    """How many determinations a sweep made, as stored."""
    row = session.execute(
        """
        SELECT count(*) FROM standing s CROSS JOIN LATERAL unnest(s.answers, s.made_by) AS u(answer, made_by)
        WHERE s.sweep = %s AND u.answer <> 0 AND (u.made_by IS NULL OR u.made_by = s.sweep)
        """,
        (sweep,),
    ).fetchone()
    assert row is not None
    assert isinstance(row[0], int)
    return row[0]


def outcomes_of(session: Session, persons: Sequence[str]) -> list[tuple[int, str, str, str]]:
    """Every determination of some persons: sweep, id, benefit, outcome, in the order in which they were made."""
    rows = session.execute(
        "SELECT sweep, id, benefit, outcome FROM determination WHERE subject = 'person' AND id = ANY(%s) "
        "ORDER BY sweep, id, benefit",
        (list(persons),),
    ).fetchall()
    return cast(list[tuple[int, str, str, str]], rows)
