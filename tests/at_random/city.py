"""A small city for random tests: its database, its clock, providers that fail, and connections that are cut off.

Everything that chance decides comes from numbers that the test hands in, so that a failure comes again.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
import psycopg.rows
import sqlalchemy.exc
from sqlalchemy import Connection, event

from serving.errors import ServingError
from serving.outbox.deliveries import Delivery
from serving.outbox.providers import Answer, Reply
from serving.store.database import connect
from serving.store.engine import open_engine
from serving.store.migrate import migrate
from serving.store.server import EmbeddedServer
from tests.casework_world import MORNING

_TEMPLATE = "casework_template"
_numbers = itertools.count(1)
T = TypeVar("T")


class Killed(BaseException):
    """The process of a worker ended here: nothing after it was done."""


def prepare(server: EmbeddedServer) -> None:
    """A migrated database with one sweep, from which each city is copied."""
    with psycopg.connect(server.url, autocommit=True) as session:
        # What a killed server had written survives in the system's memory; only a power cut would ask for more.
        session.execute("ALTER SYSTEM SET fsync = off")
        session.execute("SELECT pg_reload_conf()")
        session.execute(f"CREATE DATABASE {_TEMPLATE}")
    with connect(_address(server, _TEMPLATE)) as session:
        migrate(session)
        session.execute("INSERT INTO rulebook VALUES (repeat('0', 64), 'cn', '{}')")
        session.execute(
            "INSERT INTO sweep (jurisdiction, on_date, known_at, rulebook, is_full, state, subjects, population, "
            "started_at, completed_at) "
            "VALUES ('cn', '2026-03-01', %s, repeat('0', 64), true, 'complete', 1, 1, %s, %s)",
            (MORNING, MORNING, MORNING),
        )


def _address(server: EmbeddedServer, database: str) -> str:
    return server.url.replace("/postgres?", f"/{database}?", 1)


class FailingProvider:
    """A provider of one channel: takes, takes and does not answer, is away, refuses; and keeps its own record.

    It looks for itself whether a call to it may begin: no stop, no hold on money, no ledger that is behind.
    """

    def __init__(self, city: City, channel: str, *, may_repeat: bool) -> None:
        self._city, self.channel, self.may_repeat = city, channel, may_repeat
        self.effects: Counter[str] = Counter()
        self.wrongly: list[str] = []

    def deliver(self, delivery: Delivery) -> Reply:
        chance = self._city.rng.random()
        stopped = self._city.watching.execute(_MUST_NOT, {"id": delivery.id, "now": self._city.now}).fetchall()
        # Noted, not raised: a sender takes what a provider raises for one of its failures.
        self.wrongly += [f"a {delivery.kind} is delivered against a {why}" for (why,) in stopped]
        if chance < 0.1:
            return Reply(Answer.NOT_TAKEN, trouble="http_503")
        if chance < 0.13:
            return Reply(Answer.REFUSED, trouble="http_422")
        if not (self.may_repeat and self.effects[delivery.key]):
            self.effects[delivery.key] += 1
        if chance < 0.2:
            return Reply(Answer.UNKNOWN, trouble="timeout")
        if chance < 0.25:
            raise Killed
        return Reply(Answer.TAKEN, reference="r-" + delivery.key[:8])


_MUST_NOT = """
    SELECT 'stop' FROM outbox o JOIN stop s ON s.released_at IS NULL
        AND (s.scope = 'all' OR s.name = CASE s.scope WHEN 'benefit' THEN o.benefit ELSE o.channel END)
        WHERE o.id = %(id)s
    UNION ALL SELECT 'hold' FROM outbox o JOIN hold h ON h.entitlement = o.entitlement AND h.released_at IS NULL
        WHERE o.id = %(id)s AND o.kind = 'grant'
    UNION ALL SELECT 'state ' || e.state FROM outbox o JOIN entitlement e ON e.id = o.entitlement
        WHERE o.id = %(id)s AND o.kind = 'grant' AND e.state <> 'approved'
    UNION ALL SELECT 'ledger' FROM audit_intent a WHERE a.at < %(now)s - interval '15 minutes'
        AND NOT EXISTS (SELECT FROM ledger_leaf l WHERE l.intent = a.id)
"""


class City:
    """One city over a database of its own.

    Attributes:
        engine: with the application's rights; its connections can be cut off.
        watching: with every right, for whoever looks on.
        now: the moment.
        rng: chance.
        came_to: by operation and outcome (ok, refused, cut off), how often.
    """

    def __init__(self, server: EmbeddedServer, came_to: Counter[tuple[str, str]]) -> None:
        self._server, self._name = server, f"city_{next(_numbers)}"
        with psycopg.connect(server.url, autocommit=True) as session:
            session.execute(f"CREATE DATABASE {self._name} TEMPLATE {_TEMPLATE}")
        self._url = _address(server, self._name)
        self.engine, self.watching = open_engine(self._url), psycopg.connect(self._url, autocommit=True)
        self.now, self.rng, self.came_to = MORNING, random.Random(0), came_to
        self.money = FailingProvider(self, "payment", may_repeat=False)
        self.notices = FailingProvider(self, "notice", may_repeat=True)
        self._fuse: int | None = None
        event.listen(self.engine, "before_cursor_execute", self._burn_statement)
        event.listen(self.engine, "commit", self._burn)

    def close(self) -> None:
        """Drop it."""
        self.engine.dispose()
        self.watching.close()
        with psycopg.connect(self._server.url, autocommit=True) as session:
            session.execute(f"DROP DATABASE {self._name} WITH (FORCE)")

    def kill_server(self) -> None:
        """SIGKILL; and start it again."""
        os.kill(self._server.pid, signal.SIGKILL)
        self.watching.close()
        time.sleep(1)  # until it is dead to all who ask whether it runs
        self.watching = connect(self._url, remedy=self._server.ensure_running)

    def try_to(self, what: str, work: Callable[[Connection], T]) -> T | None:
        """One request in one transaction; None: it was refused, or cut off."""

        def request() -> T:
            with self.engine.begin() as connection:
                return work(connection)

        return self.run(what, request)

    def run(self, what: str, work: Callable[[], T]) -> T | None:
        """Something that makes transactions of its own; now and then its connection is cut off at some statement.

        Whatever the services refuse, they refuse in their own words: any other error is the test's failure.
        """
        self._fuse = self.rng.randint(1, 25) if self.rng.random() < 0.06 else None
        outcome = "ok"
        try:
            return work()
        except ServingError as error:
            outcome = f"refused: {type(error).__name__}"
        except Killed:
            outcome = "killed"
        except sqlalchemy.exc.DBAPIError as error:
            if self._fuse != 0 or not isinstance(error.orig, psycopg.OperationalError):
                raise
            outcome = "cut off"
        finally:
            self._fuse = None
            self.came_to[what, outcome] += 1
        return None

    def _burn_statement(self, connection: Connection, *_: object) -> None:
        self._burn(connection)

    def _burn(self, connection: Connection) -> None:
        if not self._fuse:
            return
        self._fuse -= 1
        if not self._fuse:
            backend = connection.connection.driver_connection
            assert isinstance(backend, psycopg.Connection)
            self.watching.execute("SELECT pg_terminate_backend(%s, 5000)", (backend.info.backend_pid,))

    def both_at_once(self, what: str, first: Callable[[Connection], T], second: Callable[[Connection], T]) -> list[str]:
        """Two workers: the second begins while the first has done its work and not committed.

        Returns:
            How each of the two ended.
        """
        ended = ["", ""]

        def work(number: int, one: Callable[[Connection], T], then: Callable[[], None]) -> None:
            try:
                with self.engine.begin() as connection:
                    one(connection)
                    then()
                ended[number] = "ok"
            except ServingError as error:
                ended[number] = f"refused: {type(error).__name__}"

        failed: list[BaseException] = []

        def later() -> None:
            try:
                work(1, second, lambda: None)
            except BaseException as error:  # noqa: BLE001 it is raised again in the thread of the test
                failed.append(error)

        thread = threading.Thread(target=later)

        def begin_the_other() -> None:
            thread.start()
            while thread.is_alive() and not self._somebody_waits():
                thread.join(0.002)

        work(0, first, begin_the_other)
        if thread.ident is None:
            thread.start()
        thread.join()
        if failed:
            raise failed[0]
        for one in ended:
            self.came_to[what, one] += 1
        return ended

    def rows(self, query: str, **parameters: object) -> list[dict[str, Any]]:
        """What a query finds, as whoever looks on sees it."""
        with self.watching.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            return cursor.execute(query.encode(), parameters).fetchall()

    def _somebody_waits(self) -> bool:
        found = self.watching.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
        return bool(found and found[0])


def one_of(city: City, query: str, **parameters: object) -> dict[str, Any] | None:
    """A row at random of what an ordered query finds; None: nothing."""
    found = city.rows(query, **parameters)
    return city.rng.choice(found) if found else None
