"""Demotions in PostgreSQL: begun and ended once, both recorded, and stronger than any tier that is less careful."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from serving.delivery.demotions import in_force, settle
from serving.delivery.health import Cause, Demoted, Trouble
from serving.store.database import Session
from serving.store.engine import open_engine
from serving.store.server import EmbeddedServer
from tests.sweep_world import emptied

MONDAY = dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC)
TUESDAY = MONDAY + dt.timedelta(days=1)
REFUSED = Trouble(Cause.DELIVERY_REFUSED, "tax.wages, 2026-03-01, 3")
DEMOTED = Demoted("rent_help", "tax", REFUSED.cause, REFUSED.detail)
WRONG = Demoted("old_age_grant", None, Cause.MEASURED_ERROR, "4 / 300 > 1.00%")


@pytest.fixture
def engine(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    session: Session = emptied(server, tmp_path_factory.mktemp("home"))
    session.close()
    opened = open_engine(server.url)
    yield opened
    opened.dispose()


def test_a_register_that_breaks_demotes_and_one_that_is_mended_promotes(engine: Engine) -> None:
    with engine.begin() as connection:
        found = settle(connection, {"tax": [REFUSED], "clinic": []}, [DEMOTED], [], MONDAY)
        assert found.registers == (("tax", "degraded"),)
        assert (found.demoted, found.promoted) == ((("rent_help", "tax"),), ())
        assert [(one.benefit, one.ceiling, one.since) for one in in_force(connection)] == [
            ("rent_help", "confirm", MONDAY)
        ]
        again = settle(connection, {"tax": [REFUSED], "clinic": []}, [DEMOTED], [], TUESDAY)
        assert (again.registers, again.demoted, again.promoted) == ((), (), ())
        mended = settle(connection, {"tax": [], "clinic": []}, [], [], TUESDAY)
        assert mended.registers == (("tax", "healthy"),)
        assert (mended.demoted, mended.promoted) == ((), (("rent_help", "tax"),))
        assert in_force(connection) == []
        rows = connection.execute(text("SELECT action, at FROM audit_intent ORDER BY id")).all()
        assert [tuple(row) for row in rows] == [("benefit:demoted", MONDAY), ("benefit:promoted", TUESDAY)]
        states = connection.execute(text("SELECT register, state FROM register_health ORDER BY id")).all()
        assert [tuple(row) for row in states] == [("tax", "degraded"), ("tax", "healthy")]


def test_a_demotion_for_measured_error_ends_only_where_it_was_measured_again(engine: Engine) -> None:
    with engine.begin() as connection:
        settle(connection, {}, [WRONG], ["old_age_grant"], MONDAY)
        assert settle(connection, {}, [], [], TUESDAY).promoted == ()
        assert settle(connection, {}, [], ["old_age_grant"], TUESDAY).promoted == (("old_age_grant", None),)


def test_a_benefit_may_hang_on_two_broken_registers(engine: Engine) -> None:
    other = Demoted("rent_help", "housing", Cause.DELIVERY_OVERDUE, "housing.homes, 2025-01-01")
    with engine.begin() as connection:
        settle(connection, {}, [DEMOTED, other], [], MONDAY)
        assert settle(connection, {}, [other], [], TUESDAY).promoted == (("rent_help", "tax"),)
        assert [one.register for one in in_force(connection)] == ["housing"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE demotion SET until = now()",  # a second end
        "UPDATE demotion SET until = NULL",
        "DELETE FROM demotion",
        "UPDATE demotion SET ceiling = 'review'",
        "UPDATE register_health SET state = 'healthy'",
        "DELETE FROM register_health",
        "INSERT INTO demotion (benefit, cause, detail, ceiling, since) VALUES ('x', 'y', 'z', 'automatic', now())",
        "UPDATE ruling SET tier = 'automatic'",
        "INSERT INTO ruling (digest, tier, reasons) VALUES ('\\x00', 'automatic', '[]')",
    ],
)
def test_a_careless_query_is_refused(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        settle(connection, {"tax": [REFUSED]}, [DEMOTED], [], MONDAY)
        settle(connection, {"tax": []}, [], [], TUESDAY)
    with pytest.raises(DBAPIError), engine.begin() as connection:
        connection.exec_driver_sql(statement.replace("%", "%%"))


def test_the_owner_cannot_change_what_a_demotion_says(server: EmbeddedServer, engine: Engine) -> None:
    with engine.begin() as connection:
        settle(connection, {}, [DEMOTED], [], MONDAY)
    with psycopg.connect(server.url) as owner, pytest.raises(psycopg.errors.RestrictViolation):
        owner.execute("UPDATE demotion SET ceiling = 'review', until = now()")
