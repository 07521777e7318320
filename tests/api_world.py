"""The API over a small swept city: people, households and enterprises, staff of every role, offers and cases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, text
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from features.senders import Senders
from serving.access.accounts import Login, Posting, assign, install_staff, make_citizen
from serving.access.actors import Assignment
from serving.access.cookies import SESSION_COOKIE
from serving.access.gate import Gate
from serving.access.limits import Limiter
from serving.access.login.tokens import Identity
from serving.access.roles import Role
from serving.access.sessions import open_session
from serving.api.application import build
from serving.api.departments import Departments
from serving.api.health import Health
from serving.api.knowledge import Knowledge
from serving.api.own import HouseholdKin, ProxyGrants
from serving.api.parts import Parts
from serving.casework.cases import Case, Subject, close_case, open_case
from serving.casework.citizen.proxies import Established, Proxy, establish
from serving.casework.clocks import Kind, shipped_clocks
from serving.casework.leases import claim
from serving.casework.moves import Entitlement
from serving.casework.states import Actor, State
from serving.evaluation import sound_rulebook
from serving.ledger.intents import is_behind
from serving.security.csrf import CsrfTokens
from serving.security.fields.cipher import FieldCipher
from serving.security.fields.keyring import KeyRing
from serving.store import sweeps
from serving.store.engine import Role as DatabaseRole
from serving.store.engine import open_engine
from serving.store.server import EmbeddedServer
from serving.sweep.dossiers.filing import Filed, file_all
from serving.sweep.facts import RecordedFacts
from serving.sweep.identities import UnifiedHistory
from serving.sweep.run import Settings, Sweeper
from tests.casework_world import an_entitlement, moved
from tests.gates.gappy_city import KNOWN_AT, ON_DATE, gappy_city
from tests.sweep_world import cn_catalogue, emptied

NOW = dt.datetime(2026, 3, 2, 1, tzinfo=dt.UTC)
"""Nine o'clock on a Monday in Beijing."""
ORIGIN = "https://applyfree.test"
HERE, THERE = "110101", "110108"
DEPARTMENT = "civil_affairs"
ISSUER = "https://provider.test"
STAFF: Mapping[str, Posting] = {
    "ann": Posting(frozenset({Role.CASEWORKER}), HERE, frozenset({"*"})),
    "ben": Posting(frozenset({Role.CASEWORKER}), HERE, frozenset({"*"})),
    "far": Posting(frozenset({Role.CASEWORKER}), THERE, frozenset({"*"})),
    "sue": Posting(frozenset({Role.SUPERVISOR}), HERE, frozenset({"*"})),
    "pol": Posting(frozenset({Role.POLICY}), HERE, frozenset({"*"})),
    "aud": Posting(frozenset({Role.AUDITOR}), HERE),
    "ops": Posting(frozenset({Role.OPERATOR}), HERE),
    "sys": Posting(frozenset({Role.SYSTEM_ADMIN}), HERE),
    "sec": Posting(frozenset({Role.SECURITY_ADMIN}), HERE),
    "adm": Posting(frozenset({Role.AUDIT_ADMIN}), HERE),
}
PERSONS = 60


@dataclass(slots=True)
class Clock:
    """Stands, until somebody moves it."""

    now: dt.datetime = NOW

    def __call__(self) -> dt.datetime:
        return self.now


@dataclass(slots=True)
class World:
    """Everything of it.

    Attributes:
        app: with all layers around it.
        parts: what it works with.
        owner: the database with every right.
        clock: the moment.
        sessions: by name the session's id.
        people: by name `kind:id`: alice, bob, and the enterprise firm.
        offers: by name the number of an entitlement.
        cases: by name the number of a case.
        key: a department's.
        taken: what departments notified.
    """

    app: ASGIApp
    parts: Parts
    owner: Engine
    clock: Clock
    sessions: dict[str, str]
    people: dict[str, str]
    offers: dict[str, int]
    cases: dict[str, int]
    key: Ed25519PrivateKey
    taken: list[bytes] = field(default_factory=list)

    def client(self, name: str | None) -> TestClient:
        """A browser of somebody; None: nobody."""
        client = TestClient(self.app, base_url=ORIGIN, raise_server_exceptions=False, follow_redirects=False)
        if name is not None:
            client.cookies.set(SESSION_COOKIE, self.sessions[name])
            client.headers["X-CSRF-Token"] = self.parts.tokens.make(self.sessions[name])
            client.headers["Origin"] = ORIGIN
        return client

    def ask(self, name: str | None, method: str, path: str, **more: Any) -> httpx.Response:
        """One request of somebody."""
        headers = {"Idempotency-Key": more.pop("key", f"key-{next(_NUMBERS):08d}"), **more.pop("headers", {})}
        with self.client(name) as client:
            return client.request(method, f"/api/v1{path}", headers=headers, **more)


def _numbers() -> Iterator[int]:
    number = 0
    while True:
        number += 1
        yield number


_NUMBERS = _numbers()


@contextmanager
def api_world(
    server: EmbeddedServer, home: Path, *, change: Callable[[Parts], Parts] = lambda parts: parts
) -> Iterator[World]:
    """A city that was swept, and everybody in it who matters here."""
    _sweep(server, home)
    clock, engine, owner = Clock(), open_engine(server.url, pool_size=10), open_engine(server.url, DatabaseRole.OWNER)
    taken: list[bytes] = []
    key = Ed25519PrivateKey.generate()
    parts = change(_parts(home, engine, clock, key, taken))
    try:
        with owner.begin() as connection:
            people = _people(connection)
        _staff(engine, people, clock.now)
        with engine.begin() as connection:
            sessions = {name: _log_in(connection, name, clock.now) for name in (*STAFF, *people)}
            offers = _offers(connection, people)
            cases = _cases(connection, people, clock.now)
        yield World(build(parts, [ORIGIN]), parts, owner, clock, sessions, people, offers, cases, key, taken)
    finally:
        engine.dispose()
        owner.dispose()


def _sweep(server: EmbeddedServer, home: Path) -> None:
    catalogue = cn_catalogue()
    rulebook = sound_rulebook(catalogue)
    history = gappy_city(home / "history", rulebook.vocabulary, PERSONS, 3)
    with emptied(server, home) as session:
        runner = Sweeper(server, home, RecordedFacts(home / "history", tuple(history.views.values())),
                         Settings(1, 400), lambda: KNOWN_AT)  # fmt: skip
        runner.run(catalogue, ON_DATE)
        runner.close()
        swept = sweeps.last_complete(session)
    assert swept is not None
    engine = open_engine(server.url)
    of = Filed(swept.id, swept.on_date, swept.known_at, swept.rulebook)
    file_all(engine, UnifiedHistory(history), rulebook, of)
    engine.dispose()


def _parts(home: Path, engine: Engine, clock: Clock, key: Ed25519PrivateKey, taken: list[bytes]) -> Parts:
    knowledge = Knowledge(home)
    areas = sound_rulebook(cn_catalogue()).vocabulary.areas

    def take(message: bytes, now: dt.datetime) -> int:
        taken.append(message)
        return 1

    return Parts(
        engine=engine,
        gate=Gate(areas, HouseholdKin(knowledge), ProxyGrants()),
        limiter=Limiter(None, bytes(range(32)), clock),
        tokens=CsrfTokens(bytes(range(32))),
        cipher=FieldCipher(KeyRing({1: bytes(range(1, 33))})),
        clocks=shipped_clocks(),
        knowledge=knowledge,
        health=Health({}, is_behind, clock),
        departments=Departments(
            Senders({DEPARTMENT: (key.public_key(),)}), "applyfree", Ed25519PrivateKey.generate(), take
        ),
        now=clock,
        on_date=lambda: ON_DATE,
    )


def unlimited(parts: Parts) -> Parts:
    """The same, for tests that ask thousands of times in one minute."""
    return replace(parts, limiter=NeverFull(None, bytes(range(32)), parts.now))


class NeverFull(Limiter):
    """Counts, and never refuses."""

    def hit(self, limit: Any, who: str) -> Any:
        return super().hit(replace(limit, amount=10_000_000), who)


def _people(connection: Connection) -> dict[str, str]:
    """Two persons of two households, a third, and an enterprise; each has answers."""
    rows = connection.execute(text("""
        SELECT DISTINCT ON (id) id FROM standing WHERE kind = 'person' ORDER BY id
    """)).scalars().all()  # fmt: skip
    firm = connection.execute(
        text("SELECT id FROM standing WHERE kind = 'enterprise' ORDER BY id LIMIT 1")
    ).scalar_one()
    return {
        "alice": f"person:{rows[0]}", "bob": f"person:{rows[1]}", "cleo": f"person:{rows[2]}", "firm": f"enterprise:{firm}",
    }  # fmt: skip


def _staff(engine: Engine, people: Mapping[str, str], now: dt.datetime) -> None:
    with engine.begin() as connection:
        rows = [(name, Login(ISSUER, name), f"Office of {name}", posting) for name, posting in STAFF.items()]
        install_staff(connection, rows, now)
    with engine.begin() as connection:
        for name in ("ann", "ben"):
            assign(connection, name, Assignment(HERE, "*"), "sec", now)
        assign(connection, "far", Assignment(THERE, "*"), "sec", now)
        for name, subject in people.items():
            kind, _, number = subject.partition(":")
            make_citizen(connection, name, Login(ISSUER, name), kind, number)


def _log_in(connection: Connection, name: str, now: dt.datetime) -> str:
    return open_session(connection, Identity(ISSUER, name, name in STAFF), now)


def _offers(connection: Connection, people: Mapping[str, str]) -> dict[str, int]:
    def of(name: str, benefit: str = "advanced_age_allowance", period: str = "2026-03") -> Entitlement:
        kind, _, number = people[name].partition(":")
        return an_entitlement(connection, number, kind=kind, benefit=benefit, period=period)

    offers = {
        "alice": moved(connection, of("alice"), State.OFFERED),
        "alice2": moved(connection, of("alice", period="2026-04"), State.OFFERED),
        "bob": moved(connection, of("bob"), State.OFFERED),
        "notice": moved(connection, of("bob", period="2026-02"), State.PUBLIC_NOTICE),
    }
    kind, _, elder = people["bob"].partition(":")
    helper = people["alice"].partition(":")[2]
    until = NOW + dt.timedelta(days=30)
    establish(
        connection,
        Proxy((kind, elder), helper, NOW, until, Established.COUNTER, entitlements=(offers["bob"].id,)),
        "ann",
        NOW,
    )
    return {name: one.id for name, one in offers.items()}


def _cases(connection: Connection, people: Mapping[str, str], now: dt.datetime) -> dict[str, int]:
    """One in hand, one free, one elsewhere, one closed."""

    def made(name: str, district: str, period: str) -> Case:
        kind, _, number = people[name].partition(":")
        found = an_entitlement(
            connection, number, kind=kind, benefit="senior_transit_concession", period=period, district=district, tier="review"
        )  # fmt: skip
        moved(connection, found, State.REVIEW)
        of = Subject(kind, number, district, found.benefit, found.id)
        why = [{"code": "discretion"}]
        return open_case(connection, Kind.REVIEW, of, why, (Actor.SYSTEM, "test"), now, shipped_clocks())

    found = {
        "mine": claim(connection, made("cleo", HERE, "2026-01"), "ann", now),
        "free": made("cleo", HERE, "2026-02"),
        "there": made("bob", THERE, "2026-01"),
        "closed": close_case(connection, made("cleo", HERE, "2026-03"), (Actor.SYSTEM, "test"), now, "decided"),
    }
    return {name: case.id for name, case in found.items()}
