"""The API over a small swept city: people, households and enterprises, staff of every role, offers and cases."""

from __future__ import annotations

import atexit
import datetime as dt
import functools
import shutil
import tempfile
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
from serving.access.limits import Limit, Limiter, Verdict
from serving.access.login.tokens import Identity
from serving.access.roles import Role
from serving.access.sessions import open_session
from serving.api.application import build
from serving.api.departments import Departments
from serving.api.health import Health
from serving.api.knowledge import Knowledge
from serving.api.own import HouseholdKin, ProxyGrants
from serving.api.parts import Parts
from serving.api.tallies import Tallies
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
from serving.store.database import connect
from serving.store.engine import Role as DatabaseRole
from serving.store.engine import open_engine
from serving.store.server import EmbeddedServer
from serving.sweep.dossiers.filing import Filed, file_all
from serving.sweep.facts import RecordedFacts
from serving.sweep.identities import UnifiedHistory
from serving.sweep.run import Settings, Sweeper
from tests.casework_world import an_entitlement, moved
from tests.databases import copy_folder, migrated
from tests.gates.gappy_city import KNOWN_AT, ON_DATE, gappy_city
from tests.sweep_world import cn_catalogue

NOW = dt.datetime(2026, 3, 2, 1, tzinfo=dt.UTC)
"""Nine o'clock on a Monday in Beijing."""
ORIGIN = "https://applyfree.test"
DEPARTMENT = "civil_affairs"
ISSUER = "https://provider.test"
STAFF: Mapping[str, Role] = {
    "ann": Role.CASEWORKER, "ben": Role.CASEWORKER, "far": Role.CASEWORKER, "sue": Role.SUPERVISOR,
    "pol": Role.POLICY, "aud": Role.AUDITOR, "ops": Role.OPERATOR, "sys": Role.SYSTEM_ADMIN,
    "sec": Role.SECURITY_ADMIN, "adm": Role.AUDIT_ADMIN,
}  # fmt: skip
"""By name what they are; all are posted where alice lives, but `far`, who is elsewhere."""
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
        people: by name `kind:id`: alice, bob, cleo, the enterprise firm, and `away`, who lives in another district.
        here: the district where alice lives.
        there: another.
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
    here: str
    there: str
    taken: list[bytes] = field(default_factory=list)

    def client(self, name: str | None) -> TestClient:
        """A browser of somebody; None: nobody."""
        client = TestClient(self.app, base_url=ORIGIN, raise_server_exceptions=False, follow_redirects=False)
        if name is not None:
            client.cookies.set(SESSION_COOKIE, self.sessions[name])
            client.headers["X-CSRF-Token"] = self.parts.tokens.make(self.sessions[name])
            client.headers["Origin"] = ORIGIN
        return client

    def ask(self, name: str | None, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 (what httpx takes)
        """One request of somebody."""
        headers = {"Idempotency-Key": more.pop("key", f"key-{next(_NUMBERS):08d}"), **more.pop("headers", {})}
        with self.client(name) as client:
            answer: httpx.Response = client.request(method, f"/api/v1{path}", headers=headers, **more)
            return answer


def _numbers() -> Iterator[int]:
    number = 0
    while True:
        number += 1
        yield number


_NUMBERS = _numbers()


@contextmanager
def api_world(*, change: Callable[[Parts], Parts] = lambda parts: parts) -> Iterator[World]:
    """A city that was swept, and everybody in it who matters here."""
    with swept_home() as home, EmbeddedServer(home / "postgres") as server:
        clock, key = Clock(), Ed25519PrivateKey.generate()
        engine, owner = open_engine(server.url, pool_size=10), open_engine(server.url, DatabaseRole.OWNER)
        taken: list[bytes] = []
        parts = change(_parts(home, engine, clock, key, taken))
        try:
            with engine.begin() as connection:
                people, here, there = _people(connection, parts.knowledge)
            _staff(engine, people, here, there, clock.now)
            with engine.begin() as connection:
                sessions = {name: _log_in(connection, name, clock.now) for name in (*STAFF, *people)}
                offers = _offers(connection, people, here)
                cases = _cases(connection, people, here, there, clock.now)
            app = build(parts, [ORIGIN])
            yield World(app, parts, owner, clock, sessions, people, offers, cases, key, here, there, taken)
        finally:
            engine.dispose()
            owner.dispose()


@contextmanager
def swept_home() -> Iterator[Path]:
    """A home of its own with a small city that was gathered, swept and filed; its database does not run."""
    # Not below pytest's folder: other runs of pytest close that to the user as whom PostgreSQL runs.
    with tempfile.TemporaryDirectory(prefix="applyfree-") as folder:
        copy_folder(_swept(), Path(folder) / "home")
        yield Path(folder) / "home"


@functools.cache
def _swept() -> Path:
    """Such a home, made once for each process of tests, to be copied."""
    folder = Path(tempfile.mkdtemp(prefix="applyfree-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)  # the server works as a user of its own where we are the administrator
    copy_folder(migrated(), folder / "postgres")
    with EmbeddedServer(folder / "postgres") as server:
        _sweep_city(server, folder)
    return folder


def _sweep_city(server: EmbeddedServer, home: Path) -> None:
    catalogue = cn_catalogue()
    rulebook = sound_rulebook(catalogue)
    history = gappy_city(home / "history", rulebook.vocabulary, PERSONS, 3)
    runner = Sweeper(server, home, RecordedFacts(home / "history", tuple(history.views.values())),
                     Settings(1, 400), lambda: KNOWN_AT)  # fmt: skip
    runner.run(catalogue, ON_DATE)
    runner.close()
    with connect(server.url) as session:
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
        tallies=Tallies(engine),
        now=clock,
        on_date=lambda: ON_DATE,
    )


def unlimited(parts: Parts) -> Parts:
    """The same, for tests that ask thousands of times in one minute."""
    return replace(parts, limiter=NeverFull(None, bytes(range(32)), parts.now))


class NeverFull(Limiter):
    """Counts, and never refuses."""

    def hit(self, limit: Limit, who: str) -> Verdict:
        return super().hit(replace(limit, amount=10_000_000), who)


def _people(connection: Connection, knowledge: Knowledge) -> tuple[dict[str, str], str, str]:
    """Persons, the first of whom lives in a district that registers name, and an enterprise."""
    query = text("SELECT DISTINCT id FROM standing Where kind = :kind ORDER BY id")
    persons = connection.execute(query, {"kind": "person"}).scalars().all()
    firm = connection.execute(query, {"kind": "enterprise"}).scalars().first()
    homes = {one: knowledge.district_of(connection, "person", one, NOW) for one in persons}
    placed = [one for one in persons if homes[one] is not None]
    alice = placed[0]
    away = next(one for one in placed if homes[one] != homes[alice])
    bob, cleo = [one for one in persons if one not in (alice, away)][:2]
    people = {name: f"person:{one}" for name, one in (("alice", alice), ("bob", bob), ("cleo", cleo), ("away", away))}
    return {**people, "firm": f"enterprise:{firm}"}, str(homes[alice]), str(homes[away])


def _staff(engine: Engine, people: Mapping[str, str], here: str, there: str, now: dt.datetime) -> None:
    with engine.begin() as connection:
        rows = [
            (name, Login(ISSUER, name), f"Office of {name}", _posting(role, there if name == "far" else here))
            for name, role in STAFF.items()
        ]
        install_staff(connection, rows, now)
    with engine.begin() as connection:
        for name, district in (("ann", here), ("ben", here), ("far", there)):
            assign(connection, name, Assignment(district, "*"), "sec", now)
        for name, subject in people.items():
            kind, _, number = subject.partition(":")
            make_citizen(connection, name, Login(ISSUER, name), kind, number)


def _posting(role: Role, district: str) -> Posting:
    posted = role in (Role.CASEWORKER, Role.SUPERVISOR, Role.POLICY)
    return Posting(frozenset({role}), district, frozenset({"*"} if posted else ()))


def _log_in(connection: Connection, name: str, now: dt.datetime) -> str:
    return open_session(connection, Identity(ISSUER, name, name in STAFF), now)


def _offers(connection: Connection, people: Mapping[str, str], here: str) -> dict[str, int]:
    def of(name: str, benefit: str = "advanced_age_allowance", period: str = "2026-03") -> Entitlement:
        kind, _, number = people[name].partition(":")
        return an_entitlement(connection, number, kind=kind, benefit=benefit, period=period, district=here)

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


def a_case_for_many(connection: Connection, world: World, name: str, period: str, district: str, **of: object) -> int:
    """A case that nobody has in hand, about an offer to be made: its number."""
    kind, _, number = world.people[name].partition(":")
    found = an_entitlement(connection, number, kind=kind, period=period, district=district, **of)  # type: ignore[arg-type]
    moved(connection, found, State.REVIEW)
    whose = Subject(kind, number, district, found.benefit, found.id)
    return open_case(
        connection, Kind.REVIEW, whose, [{"code": "discretion"}], (Actor.SYSTEM, "test"), NOW, shipped_clocks()
    ).id


def _cases(
    connection: Connection, people: Mapping[str, str], here: str, there: str, now: dt.datetime
) -> dict[str, int]:
    """One in hand, one in another's, one free, one elsewhere, one closed."""

    def made(name: str, district: str, period: str) -> Case:
        kind, _, number = people[name].partition(":")
        found = an_entitlement(
            connection,
            number,
            kind=kind,
            benefit="senior_transit_concession",
            period=period,
            district=district,
            tier="review",
        )
        moved(connection, found, State.REVIEW)
        of = Subject(kind, number, district, found.benefit, found.id)
        why = [{"code": "discretion"}]
        return open_case(connection, Kind.REVIEW, of, why, (Actor.SYSTEM, "test"), now, shipped_clocks())

    found = {
        "mine": claim(connection, made("cleo", here, "2026-01"), "ann", now),
        "bens": claim(connection, made("cleo", here, "2026-04"), "ben", now),
        "free": made("cleo", here, "2026-02"),
        "there": made("bob", there, "2026-01"),
        "closed": close_case(connection, made("cleo", here, "2026-03"), (Actor.SYSTEM, "test"), now, "decided"),
    }
    return {name: case.id for name, case in found.items()}
