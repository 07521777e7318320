"""The application: the API put together with everything it works with. One of the two places that wire the parts."""

from __future__ import annotations

import datetime as dt
import gc
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter
from sqlalchemy import Engine, text
from starlette.types import ASGIApp

from features.events.loading import LifeEvents
from features.events.log import EventLog
from features.facts.vocabulary import Vocabulary
from features.history.history import History
from features.registers.errors import UnreadableDeliveryError
from serving import clock, settings
from serving.access.gate import Gate
from serving.access.limits import Limiter
from serving.api.application import THREADS, build
from serving.api.departments import Departments
from serving.api.health import Health, Probe
from serving.api.knowledge import Knowledge
from serving.api.own import HouseholdKin, ProxyGrants
from serving.api.parts import Parts
from serving.api.routes.doors import login_routes
from serving.api.tallies import Tallies
from serving.casework.clocks import shipped_clocks
from serving.doors import local_provider, open_provider, secrets_for_login
from serving.errors import ServingError
from serving.ledger.intents import is_behind
from serving.online import online_store
from serving.security.csrf import CsrfTokens
from serving.security.fields.cipher import FieldCipher
from serving.security.fields.keyring import KeyRing
from serving.security.secrets import CSRF, DCI_SIGNING, FIELD_KEK, SESSION, SecretFolder, open_secrets
from serving.store import sweeps
from serving.store.database import connect
from serving.store.engine import open_engine
from serving.store.fence import Fence
from serving.store.migrate import migrate
from serving.store.server import Server, open_server
from serving.sweep.dossiers.filing import Filed, file_all
from serving.sweep.facts import RecordedFacts
from serving.sweep.rulebooks import load_pinned
from serving.views import event_kinds_of, senders_of, views_of

CONNECTIONS = THREADS + 2
"""One for each request under way, and for what is looked at beside them."""
STATEMENT_SECONDS = 10.0
_TURN_SECONDS = 0.0005
"""So long one thread computes while others wait (Python's own: 0.005). A request asks the database a dozen times and
waits for its turn after each answer: behind one long explanation that came to a tenth of a second."""
_COLLECTIONS = (2_000, 20, 200)
"""So many new objects, young and middling collections until the next older one (Python's own: 700, 10, 10)."""
COUNTING_SECONDS = 3600.0
"""Counting how everybody stands, beside the requests."""
WAIT_SECONDS = 3.0
"""Whoever asks is told `not now` rather than kept waiting."""
STUCK = dt.timedelta(hours=4)
"""A notice that has waited so long says that its provider is away. Source: gates.md, service levels."""


class NothingSweptError(ServingError):
    """There is nothing to serve."""

    def __init__(self) -> None:
        super().__init__("There are no answers to serve. Run `applyfree sweep` first, or set APPLYFREE_HOME.")


@dataclass(frozen=True, slots=True)
class Opened:
    """An application that is ready, and what it stands on.

    Attributes:
        app: the application.
        parts: what it works with.
        server: of its database.
        accounts: the file of the demonstration's accounts, where there is one.
    """

    app: ASGIApp
    parts: Parts
    server: Server
    accounts: Path | None = None


@contextmanager
def open_app(
    home: Path,
    origins: Sequence[str],
    more: Sequence[APIRouter] = (),
    advance: Callable[[int], None] = lambda count: None,
    login_port: int | None = None,
) -> Iterator[Opened]:
    """The application over a home; dossiers of the last sweep are written first, where they are missing.

    Args:
        home: $APPLYFREE_HOME.
        origins: under which addresses browsers reach it; people come back from their login to the first.
        more: further routes.
        advance: is told how many more dossiers were written.
        login_port: start the local provider here, where the database is our own and no other provider is named;
            None: do not, another process has.

    Raises:
        NothingSweptError: there are no answers.
        SecurityError: a secret is missing or guessable.
        DatabaseUnreachableError: the database does not answer.
    """
    named = settings.database_url()
    keys = open_secrets(
        settings.secrets_folder(), makes_missing=named is None, also=[DCI_SIGNING, *secrets_for_login()]
    )
    server = open_server(named, home)
    try:
        engine = _engine(server, home)
        _prepare(server, home, engine, advance)
        slow = open_engine(server.url, pool_size=1, statement_seconds=COUNTING_SECONDS)
        parts = _parts(home, engine, slow, server, keys, settings.redis_url())
        with ExitStack() as stack:
            stack.callback(engine.dispose)
            stack.callback(slow.dispose)
            stack.callback(parts.tallies.wait)
            parts.tallies.count()
            accounts = None
            if login_port is not None and named is None and settings.issuer() is None:
                issuer, accounts = stack.enter_context(local_provider(home, origins[0], login_port, parts, keys))
                settings.log_in_at(issuer)
            provider = stack.enter_context(open_provider(origins[0], keys))
            doors = [] if provider is None else [login_routes(provider, "/")]
            yield Opened(build(parts, origins, [*doors, *more]), parts, server, accounts)
    finally:
        server.close()


def of_worker() -> ASGIApp:
    """The application of one of several processes that answer requests; it ends with its process."""
    opened = ExitStack().enter_context(open_app(settings.home(), settings.origins()))
    keep_turns_short()
    return opened.app


def keep_turns_short() -> None:
    """Let no request wait for another one's work, where that can be helped.

    What there is now stays as long as the process: rules, their words, code.

    A full collection that walks through it holds up every request that is under way, and finds nothing. Requests leave
    little that only a collection frees, so that collections may be rarer too.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTIONS)
    sys.setswitchinterval(_TURN_SECONDS)


def _engine(server: Server, home: Path) -> Engine:
    with connect(server.url, remedy=server.ensure_running) as session:
        migrate(session)
    opened = open_engine(
        server.url, pool_size=CONNECTIONS, statement_seconds=STATEMENT_SECONDS, wait_seconds=WAIT_SECONDS
    )
    return Fence(home / "fence.json").guard(opened)


def _prepare(server: Server, home: Path, engine: Engine, advance: Callable[[int], None]) -> None:
    """Bring the dossiers up to the last sweep."""
    with connect(server.url) as session:
        swept = sweeps.last_complete(session)
    if swept is None:
        raise NothingSweptError
    rulebook = load_pinned(home, swept.rulebook).rulebook
    history = RecordedFacts(home / "history", views_of(rulebook.vocabulary)).open(rulebook.vocabulary)
    of = Filed(swept.id, swept.on_date, swept.known_at, swept.rulebook)
    file_all(engine, history, rulebook, of, advance)


def _parts(
    home: Path, engine: Engine, slow: Engine, server: Server, keys: SecretFolder, redis_url: str | None
) -> Parts:
    knowledge = Knowledge(home)
    with engine.connect() as connection:
        vocabulary = knowledge.rulebook(connection, clock.now()).vocabulary
    limiter = Limiter(redis_url, keys.key(SESSION))
    senders = senders_of(settings.senders_file())
    return Parts(
        engine=engine,
        gate=Gate(vocabulary.areas, HouseholdKin(knowledge), ProxyGrants()),
        limiter=limiter,
        tokens=CsrfTokens(keys.key(CSRF)),
        cipher=FieldCipher(KeyRing(keys.versions(FIELD_KEK))),
        clocks=shipped_clocks(),
        knowledge=knowledge,
        health=Health(_probes(home, vocabulary, engine, server, limiter), is_behind, clock.now),
        departments=Departments(
            senders,
            settings.SENDER,
            Ed25519PrivateKey.from_private_bytes(keys.key(DCI_SIGNING)),
            lambda message, now: _take_event(home, vocabulary, message, now),
        ),
        tallies=Tallies(slow),
        now=clock.now,
        on_date=clock.today,
    )


def _probes(
    home: Path, vocabulary: Vocabulary, engine: Engine, server: Server, limiter: Limiter
) -> Mapping[str, Probe]:
    """What is looked at now and then; whatever raises is away."""

    def feature_store() -> bool:
        with online_store(home, vocabulary, clock.today(), embedded=server.url) as store:
            return store is None or store.filler is not None

    def notices() -> bool:
        with engine.connect() as connection:
            return connection.execute(_STUCK_NOTICE, {"before": clock.now() - STUCK}).first() is None

    verified = home / "models" / "verified"
    had_models = verified.exists()
    return {
        # A home that never had models misses none.
        "model_registry": lambda: not had_models or any(verified.iterdir()),
        "feature_store": feature_store,
        "redis": lambda: not limiter.is_degraded,
        "notices": notices,
    }


_STUCK_NOTICE = text(
    "SELECT 1 FROM outbox WHERE channel = 'notice' AND state = 'ready' AND created_at < :before LIMIT 1"
)


def _take_event(home: Path, vocabulary: Vocabulary, message: bytes, now: dt.datetime) -> int:
    """Take one life event in, as `applyfree events` does.

    Raises:
        UnreadableDeliveryError: it is not as events are.
    """
    kinds = event_kinds_of(vocabulary)
    history = History(home / "history", kinds.vocabulary, kinds.views.values())
    life = LifeEvents(EventLog(home / "events"), kinds, history, senders_of(settings.senders_file()))
    with TemporaryDirectory(prefix="applyfree-") as folder:
        file = Path(folder) / f"dci-{now:%Y%m%dT%H%M%S%f}.jsonl"
        file.write_bytes(message + b"\n")
        loaded = life.load(file, now)
    if loaded.problems:
        raise UnreadableDeliveryError(loaded.problems[0].reason)
    return loaded.logged.new
