"""A stop is pressed by one person and released by two, in code and in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from serving.stops.buttons import Scope, is_stopped, press, pressed, release
from serving.stops.errors import SamePersonError, UnknownStopError
from serving.store.server import EmbeddedServer
from tests.casework_world import MORNING, casework_database, owner_engine


@pytest.fixture(scope="module")
def engine(server: EmbeddedServer) -> Iterator[Engine]:
    with casework_database(server) as engine:
        yield engine


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        yield connection
        connection.rollback()


@pytest.mark.parametrize(
    ("scope", "name", "stopped"),
    [
        (Scope.ALL, "", {("dibao", "sms"), ("dibao", "payment"), ("allowance", "sms"), ("allowance", "payment")}),
        (Scope.BENEFIT, "dibao", {("dibao", "sms"), ("dibao", "payment")}),
        (Scope.CHANNEL, "sms", {("dibao", "sms"), ("allowance", "sms")}),
        (Scope.CHANNEL, "dibao", set()),
    ],
)
def test_a_stop_stops_what_it_names(
    connection: Connection, scope: Scope, name: str, stopped: set[tuple[str, str]]
) -> None:
    number = press(connection, scope, name, "o1", "a letter was wrong", MORNING).id
    every = [(benefit, channel) for benefit in ("dibao", "allowance") for channel in ("sms", "payment")]
    assert {one for one in every if is_stopped(connection, *one)} == stopped
    release(connection, number, "o1", MORNING)
    assert {one for one in every if is_stopped(connection, *one)} == stopped
    release(connection, number, "o2", MORNING)
    assert not any(is_stopped(connection, *one) for one in every)


def test_one_person_does_not_release_twice(connection: Connection) -> None:
    number = press(connection, Scope.ALL, "", "o1", "drill", MORNING).id
    assert release(connection, number, "o1", MORNING).released_at is None
    with pytest.raises(SamePersonError, match="second person"):
        release(connection, number, "o1", MORNING)
    assert release(connection, number, "o3", MORNING).released_at == MORNING
    with pytest.raises(UnknownStopError):
        release(connection, number, "o4", MORNING)
    with pytest.raises(UnknownStopError):
        release(connection, 10_000, "o4", MORNING)


def test_who_presses_again_is_not_overruled_by_a_release_that_others_began(connection: Connection) -> None:
    first = press(connection, Scope.BENEFIT, "dibao", "o1", "wrong amounts", MORNING)
    release(connection, first.id, "o1", MORNING)
    again = press(connection, Scope.BENEFIT, "dibao", "o5", "still wrong", MORNING)
    release(connection, first.id, "o2", MORNING)
    assert is_stopped(connection, "dibao", "sms")
    assert [stop.id for stop in pressed(connection)] == [again.id]


def test_every_step_is_in_the_ledger_with_who_took_it(connection: Connection) -> None:
    number = press(connection, Scope.ALL, "", "o1", "drill", MORNING).id
    release(connection, number, "o2", MORNING)
    release(connection, number, "o3", MORNING)
    query = text(
        "SELECT action, actor_kind, actor, at FROM audit_intent WHERE object = 'stop' AND object_id = :id ORDER BY id"
    )
    assert [tuple(row) for row in connection.execute(query, {"id": str(number)})] == [
        ("stop:pressed", "officer", "o1", MORNING),
        ("stop:release_begun", "officer", "o2", MORNING),
        ("stop:released", "officer", "o3", MORNING),
    ]  # fmt: skip


_BOTH = "released_first_by = 'o1', released_first_at = now(), released_second_by = 'o2', released_at = now()"
CARELESS = {
    "deleted": "DELETE FROM stop",
    "emptied": "TRUNCATE stop",
    "renamed": "UPDATE stop SET name = 'other'",
    "released in one step": f"UPDATE stop SET {_BOTH}",
    "released by one": "UPDATE stop SET released_at = now()",
    "released by the first again": "UPDATE stop SET released_first_by = 'o1', released_first_at = now();"
    "UPDATE stop SET released_second_by = 'o1', released_at = now()",
    "the first replaced": "UPDATE stop SET released_first_by = 'o1', released_first_at = now();"
    "UPDATE stop SET released_first_by = 'o2'",
    "taken back": "UPDATE stop SET released_first_by = 'o1', released_first_at = now();"
    "UPDATE stop SET released_first_by = NULL, released_first_at = NULL",
    "begun released": "INSERT INTO stop (scope, name, cause, pressed_by, reason, pressed_at, released_first_by, "
    "released_first_at, released_second_by, released_at) "
    "VALUES ('all', '', 'human', 'o1', 'x', now(), 'o1', now(), 'o2', now())",
    "everything with a name": "INSERT INTO stop (scope, name, cause, pressed_by, reason, pressed_at) "
    "VALUES ('all', 'x', 'human', 'o1', 'x', now())",
    "without a reason": "INSERT INTO stop (scope, name, cause, pressed_by, reason, pressed_at) "
    "VALUES ('all', '', 'human', 'o1', '', now())",
}


@pytest.mark.parametrize("statements", CARELESS.values(), ids=CARELESS)
def test_a_careless_query_of_the_owner_releases_nothing(
    server: EmbeddedServer, engine: Engine, statements: str
) -> None:
    owner = owner_engine(server)
    with owner.connect() as connection:
        press(connection, Scope.BENEFIT, "dibao", "o1", "drill", MORNING)
        *before, last = statements.split(";")
        for statement in before:
            connection.execute(text(statement))
        with pytest.raises(DBAPIError, match=r"two steps|violates check|append-only|never edited|begins pressed"):
            connection.execute(text(last))
        connection.rollback()
    owner.dispose()
