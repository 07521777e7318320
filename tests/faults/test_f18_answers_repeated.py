"""F18: the same answer sent again, at once, a hundred times, or long after: it counts once and is told the same."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from sqlalchemy import Engine

from serving.casework.citizen.offers import confirm, refuse
from serving.casework.citizen.speaking import itself
from serving.casework.errors import RequestReusedError
from serving.casework.moves import read_entitlement
from serving.casework.states import State
from tests.casework_world import MORNING, an_entitlement, count, moved

ME = itself("p1")


def offered(engine: Engine) -> int:
    with engine.begin() as connection:
        return moved(connection, an_entitlement(connection), State.OFFERED).id


def test_twenty_at_once_count_once_and_are_all_told_the_same(engine: Engine) -> None:
    number = offered(engine)
    told: list[object] = []

    def send() -> None:
        with engine.begin() as connection:
            told.append(confirm(connection, ME, number, 1, "the-one-click", MORNING))

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [{"entitlement": number, "state": "confirmed", "revision": 2}] * 20
    with engine.connect() as connection:
        assert count(connection, "move", "to_state = 'confirmed'") == 1
        assert count(connection, "outbox", "kind = 'receipt'") == 1


def test_an_old_yes_replayed_after_a_no_does_not_undo_the_no(engine: Engine) -> None:
    number = offered(engine)
    later = MORNING + dt.timedelta(days=10)
    with engine.begin() as connection:
        first = confirm(connection, ME, number, 1, "yes-of-monday", MORNING)
        refuse(connection, ME, number, 2, "no-of-tuesday", later)
    with engine.begin() as connection:
        assert confirm(connection, ME, number, 1, "yes-of-monday", later) == first
        assert read_entitlement(connection, number).state is State.REFUSED


def test_a_key_that_served_is_no_key_for_something_else(engine: Engine) -> None:
    number = offered(engine)
    with engine.begin() as connection:
        confirm(connection, ME, number, 1, "yes-of-monday", MORNING)
    with engine.begin() as connection, pytest.raises(RequestReusedError):
        refuse(connection, ME, number, 2, "yes-of-monday", MORNING)


def test_a_client_that_dies_before_its_answer_is_kept_has_said_nothing(engine: Engine) -> None:
    number = offered(engine)
    with engine.connect() as connection:
        confirm(connection, ME, number, 1, "lost-on-the-way", MORNING)
        connection.rollback()
    with engine.begin() as connection:
        assert read_entitlement(connection, number).state is State.OFFERED
        assert confirm(connection, ME, number, 1, "lost-on-the-way", MORNING)["revision"] == 2
