"""Dossiers in the database: those of a complete sweep, brought up to the next one by what has changed since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, Engine, delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from features.facts.encoding import ID
from features.facts.population import NONE
from features.facts.subjects import PERSON
from rules.rulebook import Rulebook
from serving.store.tables.dossiers import dossier, dossier_state
from serving.sweep.dossiers.content import Dossier, Dossiers
from serving.sweep.dossiers.making import Making
from serving.sweep.identities import UnifiedHistory

SUBJECTS_AT_ONCE = 5_000
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Filed:
    """Of which sweep the dossiers are."""

    sweep: int
    on_date: dt.date
    known_at: dt.datetime
    rulebook: str


def filed(connection: Connection) -> Filed | None:
    """Of which sweep the dossiers are; None: there are none, or they are being written."""
    columns = (dossier_state.c.sweep, dossier_state.c.on_date, dossier_state.c.known_at, dossier_state.c.rulebook)
    row = connection.execute(select(*columns).where(dossier_state.c.is_complete)).one_or_none()
    return None if row is None else Filed(row.sweep, row.on_date, row.known_at, row.rulebook)


def loaded(connection: Connection, wanted: Collection[Key]) -> Dossiers:
    """The dossiers of some subjects; of whom there is none is left out."""
    rows = connection.execute(
        select(dossier.c.kind, dossier.c.id, dossier.c.content).where(
            tuple_(dossier.c.kind, dossier.c.id).in_(list(wanted))
        )
    )
    return {(row.kind, row.id): Dossier.read(row.content) for row in rows}


def file_all(
    engine: Engine,
    history: UnifiedHistory,
    rulebook: Rulebook,
    of: Filed,
    advance: Callable[[int], None] = lambda count: None,
) -> int:
    """Write the dossiers of a sweep: all, or those that changed since the sweep whose dossiers there are.

    While it is at work nobody reads dossiers; when it is broken off, the next call writes all.

    Args:
        engine: with the rights of the application.
        history: the facts.
        rulebook: the sweep's.
        of: the sweep.
        advance: is told how many more were written.

    Returns:
        How many were written.
    """
    with engine.begin() as connection:
        before = filed(connection)
        if before == of:
            return 0
        _note(connection, of, is_complete=False)
    making = Making(history, rulebook, of.on_date, of.known_at)
    if before is None or before.rulebook != of.rulebook or before.on_date > of.on_date or before.known_at > of.known_at:
        with engine.begin() as connection:
            connection.execute(delete(dossier))
        keys: list[Key] = [(kind, i) for kind, ids in making.ids.items() for i in ids]
    else:
        keys = sorted(_changed(engine, history, making, before, of))
    written = 0
    for some in _by_kind(keys):
        with engine.begin() as connection:
            _write(connection, making, *some)
        written += len(some[1])
        advance(len(some[1]))
    with engine.begin() as connection:
        _note(connection, of, is_complete=True)
    return written


def _changed(engine: Engine, history: UnifiedHistory, making: Making, before: Filed, of: Filed) -> set[Key]:
    """Of whom anything may read differently: what was learned, what a day brought, and to whom their links lead."""
    news = [history.changed(before.known_at, of.known_at)]
    if before.on_date < of.on_date:
        news.append(history.turned(before.on_date, of.on_date, of.known_at))
    keys: set[Key] = {(str(kind), str(i)) for some in news for kind, i in some.select("kind", ID).iter_rows()}
    persons = [i for kind, i in keys if kind == PERSON]
    with engine.connect() as connection:
        for some in _batched(persons):
            for known in loaded(connection, [(PERSON, i) for i in some]).values():
                keys |= making.targets(known.links)
    for _, known in making.of(PERSON, persons) if persons else ():
        keys |= making.targets(known.links)
    return {(kind, i) for kind, i in keys if i != NONE} | making.doubtful


def _batched(items: Collection[str]) -> Iterator[list[str]]:
    rest = iter(items)
    while some := list(islice(rest, SUBJECTS_AT_ONCE)):
        yield some


def _by_kind(keys: Sequence[Key]) -> Iterator[tuple[str, list[str]]]:
    kinds: dict[str, list[str]] = {}
    for kind, i in keys:
        kinds.setdefault(kind, []).append(i)
    for kind, ids in kinds.items():
        for some in _batched(ids):
            yield kind, some


def _write(connection: Connection, making: Making, kind: str, ids: Sequence[str]) -> None:
    rows = [{"kind": kind, "id": i, "content": found.written()} for i, found in making.of(kind, ids)]
    statement = insert(dossier)
    statement = statement.on_conflict_do_update(
        index_elements=[dossier.c.kind, dossier.c.id], set_={"content": statement.excluded.content}
    )
    connection.execute(statement, rows)


def _note(connection: Connection, of: Filed, *, is_complete: bool) -> None:
    values = {
        "one": True, "sweep": of.sweep, "on_date": of.on_date, "known_at": of.known_at, "rulebook": of.rulebook,
        "is_complete": is_complete,
    }  # fmt: skip
    statement = insert(dossier_state).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=[dossier_state.c.one], set_=values))
