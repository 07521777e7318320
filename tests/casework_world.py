"""A database with entitlements to move and cases to decide, for tests of casework."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, insert, text

from serving.casework.moves import By, Entitlement, make_move, read_entitlement
from serving.casework.states import Actor, State
from serving.store.database import connect
from serving.store.engine import Role, open_engine
from serving.store.server import EmbeddedServer
from serving.store.tables.casework import entitlement
from tests.databases import renew

MORNING = dt.datetime(2026, 3, 2, 1, tzinfo=dt.UTC)
"""Nine o'clock on a Monday in Beijing."""
SYSTEM = By(Actor.SYSTEM, "test")
CITIZEN = By(Actor.CITIZEN, "p1")


@contextmanager
def casework_database(server: EmbeddedServer) -> Iterator[Engine]:
    """No rows but one complete sweep (number 1); the engine has the application's rights."""
    with connect(server.url) as session:
        renew(session)
        session.execute("INSERT INTO rulebook VALUES (repeat('0', 64), 'cn', '{}')")
        session.execute(
            "INSERT INTO sweep (jurisdiction, on_date, known_at, rulebook, is_full, state, subjects, population, "
            "started_at, completed_at) "
            "VALUES ('cn', '2026-03-01', %s, repeat('0', 64), true, 'complete', 1, 1, %s, %s)",
            (MORNING, MORNING, MORNING),
        )
    engine = open_engine(server.url)
    try:
        yield engine
    finally:
        engine.dispose()


def owner_engine(server: EmbeddedServer) -> Engine:
    """With every right: to try what even a careless query of the owner must not do."""
    return open_engine(server.url, Role.OWNER)


def an_entitlement(
    connection: Connection,
    subject: str = "p1",
    *,
    kind: str = "person",
    benefit: str = "advanced_age_allowance",
    period: str = "2026-03",
    tier: str = "confirm",
    amount_minor: int | None = 20_000,
    over_cap: bool = False,
    district: str = "110101",
) -> Entitlement:
    """A new one, detected."""
    number = connection.execute(
        insert(entitlement)
        .values(
            kind=kind, subject=subject, benefit=benefit, version="2019-10-01", period=period, unit="CNY",
            amount_minor=amount_minor, over_cap=over_cap, sweep=1, tier=tier, reasons=[], district=district,
            detected_at=MORNING,
        )
        .returning(entitlement.c.id)
    ).scalar_one()  # fmt: skip
    return read_entitlement(connection, number)


def moved(connection: Connection, of: Entitlement, *way: State, by: By = SYSTEM) -> Entitlement:
    """Along a way, all by one."""
    for state in way:
        of = make_move(connection, of, state, by, MORNING)
    return of


def count(connection: Connection, table: str, where: str = "true") -> int:
    """How many rows."""
    return int(connection.execute(text(f'SELECT count(*) FROM "{table}" WHERE {where}')).scalar_one())
