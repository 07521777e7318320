"""Cases in a model's order: its figure stands beside them, is no change of them, and may do nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import polars as pl
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from features.documents import Findings
from features.facts.vocabulary import load_vocabulary
from models.outreach.objective import load_objective
from serving.casework.cases import Case, Subject, close_case, open_case, read_case
from serving.casework.clocks import Kind, shipped_clocks
from serving.casework.leases import claim
from serving.casework.queues import Desk, waiting
from serving.casework.states import Actor
from serving.day.ordering import case_priorities, write_priorities
from serving.store.engine import Role, open_engine
from serving.store.server import EmbeddedServer
from tests.casework_world import MORNING, casework_database

DISTRICT = "110101"
SYSTEM = (Actor.SYSTEM, "test")


@pytest.fixture
def engine(server: EmbeddedServer) -> Iterator[Engine]:
    with casework_database(server) as found:
        yield found


@pytest.fixture
def ordering(server: EmbeddedServer, engine: Engine) -> Iterator[Engine]:
    """With the rights of whoever orders."""
    assert engine is not None  # the tables are there
    found = open_engine(server.url, Role.ORDER)
    yield found
    found.dispose()


def opened(engine: Engine, *people: str) -> list[Case]:
    with engine.begin() as connection:
        return [
            open_case(
                connection, Kind.REVIEW, Subject("person", who, DISTRICT, "dibao"), [{"code": "discretion"}], SYSTEM,
                MORNING, shipped_clocks(),
            )
            for who in people
        ]  # fmt: skip


def figures(*rows: tuple[str, float]) -> pl.DataFrame:
    found = [("person", who, "dibao", priority) for who, priority in rows]
    return pl.DataFrame(found, ["subject", "id", "benefit", "priority"], orient="row")


def queue(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return [case.subject for case in waiting(connection, Desk(frozenset({DISTRICT})))]


def test_figures_order_a_queue_and_who_has_none_comes_last(engine: Engine, ordering: Engine) -> None:
    opened(engine, "p1", "p2", "p3")
    assert queue(engine) == ["p1", "p2", "p3"]
    assert write_priorities(ordering, figures(("p3", 9.0), ("p2", 5.0), ("nobody", 99.0))) == 2
    assert queue(engine) == ["p3", "p2", "p1"]
    assert write_priorities(ordering, figures(("p3", 9.0), ("p2", 5.0))) == 0


def test_a_figure_is_no_change_of_a_case(engine: Engine, ordering: Engine) -> None:
    (case,) = opened(engine, "p1")
    assert write_priorities(ordering, figures(("p1", 3.5))) == 1
    with engine.begin() as connection:
        assert read_case(connection, case.id).revision == case.revision
        assert claim(connection, case, "officer", MORNING).lease_holder == "officer"  # as it was read before


def test_a_closed_case_keeps_its_figure(engine: Engine, ordering: Engine) -> None:
    (case,) = opened(engine, "p1")
    with engine.begin() as connection:
        close_case(connection, case, SYSTEM, MORNING, "over")
    assert write_priorities(ordering, figures(("p1", 3.5))) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE case_file SET due_at = due_at + interval '1 day'",
        "UPDATE case_file SET district = '1', revision = revision + 1",
        "UPDATE case_file SET priority = 1, hardship = true, revision = revision + 1",
        "DELETE FROM case_file",
        "SELECT why FROM case_file",
        "SELECT count(*) FROM entitlement",
        "UPDATE entitlement SET tier = 'automatic'",
        "INSERT INTO outbox (delivery_key, kind, channel, benefit, created_at) "
        "VALUES (repeat('0', 64), 'grant', 'payment', 'dibao', now())",
    ],
)
def test_who_orders_may_do_nothing_else(engine: Engine, ordering: Engine, statement: str) -> None:
    opened(engine, "p1")
    with ordering.begin() as connection, pytest.raises(DBAPIError, match="permission denied"):
        connection.execute(text(statement))


def test_the_engine_itself_puts_nobody_first(engine: Engine) -> None:
    opened(engine, "p1")
    with engine.begin() as connection, pytest.raises(DBAPIError, match="permission denied"):
        connection.execute(text("UPDATE case_file SET priority = 1"))


def test_money_times_chance_decides_and_what_is_refused_is_not_ordered() -> None:
    amounts = [Decimal(100), Decimal(300), Decimal(200), Decimal(900)]
    found = pl.DataFrame(
        {
            "subject": ["person"] * 4, "id": ["sure", "unlikely", "likely", "no"], "benefit": ["dibao"] * 4,
            "outcome": ["eligible", "undetermined", "undetermined", "ineligible"],
            "amount": [Decimal(100), None, None, None], "amount_low": amounts, "amount_high": amounts,
            "per": ["month"] * 4, "unit": ["CNY"] * 4,
            "missing": [[], ["household_income_month"], ["household_income_month"], []],
            "next_change": [None] * 4,
        },
        schema_overrides={name: pl.Decimal(38, 2) for name in ("amount", "amount_low", "amount_high")}
        | {"next_change": pl.Date(), "missing": pl.List(pl.String)},
    )  # fmt: skip
    chances = pl.DataFrame(
        {"subject": ["person"] * 2, "id": ["unlikely", "likely"], "benefit": ["dibao"] * 2, "probability": [0.1, 0.9]}
    )
    vocabulary, objective = load_vocabulary("cn", Findings()), load_objective()
    day = MORNING.date()
    by_model = case_priorities(found, {}, vocabulary, objective, day, chances)
    assert "no" not in by_model["id"].to_list()
    assert by_model["id"].to_list()[-1] == "unlikely"
    by_rules = case_priorities(found, {}, vocabulary, objective, day)
    assert set(by_rules["id"]) == set(by_model["id"])
    assert by_rules["id"].to_list()[-1] != "unlikely"
