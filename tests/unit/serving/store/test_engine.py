"""What an error of the database tells: which statement and why, and never a value of a person."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from serving.store.engine import Role
from serving.store.server import EmbeddedServer
from tests.casework_world import an_entitlement, casework_database, owner_engine

VALUE = "11010519491231002X"


@pytest.fixture(scope="module")
def engine(server: EmbeddedServer) -> Iterator[Engine]:
    with casework_database(server) as engine:
        yield engine


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("SELECT CAST(:value AS integer)", "for type integer"),
        ("SELECT CAST(:value AS date)", "date"),
        ("SELECT CAST('[' || :value AS jsonb)", "invalid input syntax for type json"),
        ("SELECT :value FROM nowhere", "nowhere"),
        ("INSERT INTO opt_out (kind, subject) VALUES ('person', :value)", "since"),
        ("INSERT INTO hold (entitlement, code, since) VALUES (1, :value, now())", "hold_code_check"),
        ("INSERT INTO opt_out (kind, subject, since) SELECT 'person', :value, now() FROM generate_series(1, 2)",
         "opt_out_open"),
    ],
)  # fmt: skip
def test_no_error_tells_a_value(engine: Engine, statement: str, says: str) -> None:
    with engine.connect() as connection, pytest.raises(DBAPIError) as raised:
        connection.execute(text(statement), {"value": VALUE})
    told = "".join(traceback.format_exception(raised.value))
    assert says in told
    assert VALUE not in told
    assert VALUE not in repr(raised.value.__dict__)
    assert VALUE not in repr(raised.value.orig)


def test_our_own_refusals_say_what_they_did(engine: Engine, server: EmbeddedServer) -> None:
    with engine.connect() as connection:
        number = an_entitlement(connection).id
        move = text(
            "INSERT INTO move (entitlement, revision, from_state, to_state, actor_kind, actor, at) "
            "VALUES (:number, 7, 'detected', 'offered', 'system', :value, now())"
        )
        with pytest.raises(DBAPIError, match=f"entitlement {number} is at revision 0 and detected") as raised:
            connection.execute(move, {"number": number, "value": VALUE})
    assert VALUE not in str(raised.value)
    assert getattr(raised.value.orig, "sqlstate", None) == "AF409"
    owner = owner_engine(server)
    with owner.connect() as connection, pytest.raises(DBAPIError) as hidden:
        connection.execute(text("SELECT CAST(:value AS integer)"), {"value": VALUE})
    assert VALUE not in str(hidden.value)
    owner.dispose()
    assert Role.OWNER
