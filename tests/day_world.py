"""A small sample city, swept, for tests of what follows: the same city each time, as if nothing had been delivered."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Engine, text

from rules.catalogue import load_catalogue
from serving.catalogues import as_shown, shipped_catalogues
from serving.city_day import run_day
from serving.commands.deliver import ground_of
from serving.day.delivering import Delivered, Ground, deliver
from serving.store import sweeps
from serving.store.database import Session, connect
from serving.store.engine import Role, open_engine
from serving.store.server import NamedServer, Server, open_server
from serving.sweep.run import Settings, Sweeper
from serving.sweep.sources import recorded_facts, swept_catalogue
from tests.folders import passing_folder

DAY = dt.date(2026, 3, 1)
AT = dt.datetime(2026, 3, 2, 1, tzinfo=dt.UTC)
"""Nine o'clock in Beijing, on the Monday after the sweep."""
_DELIVERED = (
    "entitlement, case_file, outbox, day_run, knot, tiering, tiering_run, demotion, register_health, stop, "
    "audit_intent, sample_commitment, automation_refusal, opt_out, bundle"
)


def fixed_secret(month: str) -> bytes:
    """The same for a month each time."""
    return hashlib.sha256(f"a secret of {month}, for tests".encode()).digest()


@dataclass(slots=True)
class City:
    """A swept city.

    Attributes:
        home: with its history, its events and its database.
        server: of the database.
        session: as the owner of the tables.
        engine: with the application's rights.
    """

    home: Path
    server: Server
    session: Session
    engine: Engine

    def ground(self) -> Ground:
        """What a delivery rests on; the secrets of samples are fixed ones."""
        made = sweeps.last_complete(self.session)
        assert made is not None
        return replace(ground_of(made.rulebook, self.home, swept_catalogue(None)), month_secret=fixed_secret)

    def deliver(self, at: dt.datetime = AT) -> Delivered:
        """What follows the last sweep."""
        return deliver(self.session, self.engine, self.ground(), at)

    def sweep(self, on_date: dt.date, now: dt.datetime) -> None:
        """Another one."""
        catalogue = load_catalogue(as_shown(shipped_catalogues() / "cn"))
        runner = Sweeper(self.server, self.home, recorded_facts(catalogue, self.home), Settings(1), lambda: now)
        try:
            runner.run(catalogue, on_date)
        finally:
            runner.close()

    def rows(self, query: str, **parameters: object) -> list[tuple[object, ...]]:
        """What a query finds."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), parameters)]

    def number(self, query: str, **parameters: object) -> int:
        """The one figure that a query finds."""
        return int(str(self.rows(query, **parameters)[0][0]))

    def say(self, statement: str, **parameters: object) -> None:
        """Do something, with the application's rights."""
        with self.engine.begin() as connection:
            connection.execute(text(statement), parameters)

    def undeliver(self) -> None:
        """As if nothing had ever been delivered; only tests can."""
        owner = open_engine(self.server.url, Role.OWNER)
        with owner.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text(f"TRUNCATE {_DELIVERED} CASCADE"))
            for table in ("standing", "chunk", "dead_letter"):
                connection.execute(text(f"DELETE FROM {table} WHERE sweep > 1"))
            connection.execute(text("DELETE FROM sweep WHERE id > 1"))
        owner.dispose()


@contextmanager
def swept_city(persons: int, seed: int) -> Iterator[City]:
    """A city of so many persons after its first sweep."""
    with passing_folder() as folder:
        home = Path(folder)
        run_day(load_catalogue(as_shown(shipped_catalogues() / "cn")), persons, seed, DAY, home, lambda *_: None)
        server = open_server(None, home)
        engine = open_engine(server.url)
        try:
            with connect(server.url) as session:
                yield City(home, server, session, engine)
        finally:
            engine.dispose()
            server.close()


def reopened(home: Path, url: str) -> City:
    """The same city in another process."""
    return City(home, NamedServer(url), connect(url), open_engine(url))
