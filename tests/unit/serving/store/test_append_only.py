"""Determinations are never edited, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
import psycopg
import pytest

from serving.store import migrate, standings
from serving.store.answers import Answer, intern
from serving.store.database import Session, connect
from serving.store.errors import NewerSchemaError
from serving.store.server import EmbeddedServer
from serving.store.standings import NEVER, Standings


@pytest.fixture(scope="module")
def session(server: EmbeddedServer) -> Iterator[Session]:
    session = connect(server.url)
    migrate.migrate(session)
    yield session
    session.close()


def rows(ids: list[str], sweep: int) -> Standings:
    n = len(ids)
    answers = np.arange(3 * n, dtype=np.int32).reshape(n, 3)
    days = np.full((n, 3), NEVER, dtype=np.int32)
    days[:, 1] = 20_000 + np.arange(n)
    again = np.where(days == NEVER, NEVER, days - 10).astype(np.int32)
    return Standings("person", pl.Series("id", ids), answers, days, np.full((n, 3), sweep, dtype=np.int32), again)


def test_what_is_written_is_read_back(session: Session) -> None:
    written = rows(["a", "bb", "张三", "a longer id"], 5)
    standings.write(session, 5, written)
    (found,) = standings.read(session, "person", written.ids, 6).values()
    assert found.ids.to_list() == written.ids.to_list()
    assert (found.answers == written.answers).all()
    assert (found.next_change == written.next_change).all()
    assert (found.look_again == written.look_again).all()
    assert (found.made_by == 5).all()
    stored = session.execute("SELECT due::text, next_change[3]::text FROM standing WHERE id = 'a'").fetchone()
    assert stored == ("2024-09-24", "infinity")
    assert standings.read(session, "person", written.ids, 5) == {}


def test_a_row_says_who_made_each_answer(session: Session) -> None:
    earlier = rows(["c", "d"], 6)
    earlier.made_by[0, 0] = 2
    standings.write(session, 6, earlier)
    found = standings.read_of(session, 6, "person", pl.Series(["d", "c"]))
    assert found is not None
    assert dict(zip(found.ids, found.made_by.tolist(), strict=True)) == {"c": [2, 6, 6], "d": [6, 6, 6]}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE standing SET due = 'infinity'", "DELETE FROM standing", "TRUNCATE standing",
        "UPDATE answer SET unit = ''",
        "DELETE FROM answer", "TRUNCATE answer",
    ],
)  # fmt: skip
def test_nothing_is_edited(session: Session, statement: str) -> None:
    if standings.read_of(session, 7, "person", pl.Series(["e"])) is None:
        standings.write(session, 7, rows(["e"], 7))
    intern(session, [Answer("b", "2020-01-01", "eligible", "1", "1", "1", "month", "CNY", (), ())])
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
        session.execute(statement.encode())


def test_one_subject_has_one_row_of_a_sweep(session: Session) -> None:
    standings.write(session, 8, rows(["f"], 8))
    with pytest.raises(psycopg.errors.UniqueViolation):
        standings.write(session, 8, rows(["f"], 8))


def test_open_answers_name_what_is_missing(session: Session) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        intern(session, [Answer("b", "2020-01-01", "undetermined", None, "0", None, "month", "CNY", (), ())])


def test_equal_answers_are_one(session: Session) -> None:
    one = Answer("b", "2020-01-01", "eligible", "1.5", "1.5", "1.5", "month", "CNY", (), ())
    two = Answer("b", "2020-01-01", "eligible", "2", "2", "2", "month", "CNY", (), ())
    assert intern(session, [one, two, one]) == intern(session, [one, two, one])


def test_an_older_release_leaves_a_newer_database_alone(session: Session) -> None:
    with session.transaction(force_rollback=True):
        session.execute("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(NewerSchemaError, match="schema version 9999"):
            migrate.migrate(session)
