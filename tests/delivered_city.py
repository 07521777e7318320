"""The sample city after its day: its departments' files taken in, swept, delivered, beside the truth and the faults.

Made once for all tests that only look at it. Who breaks something takes :func:`copied` of the home as it was before
anything was delivered, and delivers anew.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from sqlalchemy import Engine

from features.city.making import DELIVERIES, FAULTS
from features.facts.encoding import ID
from features.history.records import View
from rules.catalogue import Catalogue, load_catalogue
from rules.rulebook import Rulebook
from serving.casework.clocks import shipped_clocks
from serving.catalogues import as_shown, shipped_catalogues
from serving.city_day import run_day
from serving.day.delivering import Delivered, Ground, deliver
from serving.delivery.terms import load_programmes
from serving.evaluation import sound_rulebook
from serving.loading import Loader, loader_of
from serving.scoring.truths import open_truth, shares
from serving.store import sweeps
from serving.store.database import Session, connect
from serving.store.engine import open_engine
from serving.store.migrate import migrate
from serving.store.server import open_server
from serving.store.sweeps import Sweep
from serving.sweep.identities import UnifiedHistory
from serving.sweep.rulebooks import load_pinned
from serving.sweep.sources import recorded_facts
from tests.databases import copy_folder
from tests.folders import passing_folder

DAY = dt.date(2026, 3, 1)
NIGHT = dt.datetime(2026, 3, 2, 1, tzinfo=dt.UTC)
"""After everything that came on the day was known: what follows the sweep follows then."""
SEED = 5
QUICK, WHOLE = 900, 100_000
_IN_MEMORY = 5_000
"""Up to so many persons a city finds room in memory."""
_LONGEST_STATEMENT_SECONDS = 3_600
_TEXT = ("subject", ID, "benefit", "outcome", "amount", "tier", "codes")


@dataclass(frozen=True, slots=True)
class Opened:
    """A home whose database is open.

    Attributes:
        home: $APPLYFREE_HOME.
        url: of its database.
        session: as the owner.
        engine: with the application's rights.
        catalogue: that was swept.
        rulebook: of it.
        loader: takes deliveries in.
        views: of its history.
        sweep: the one sweep.
    """

    home: Path
    url: str
    session: Session
    engine: Engine
    catalogue: Catalogue
    rulebook: Rulebook
    loader: Loader
    views: tuple[View, ...]
    sweep: Sweep

    def history(self) -> UnifiedHistory:
        """The facts, as they are now."""
        return recorded_facts(self.catalogue, self.home).open(self.rulebook.vocabulary)

    def deliver(self, at: dt.datetime = NIGHT) -> Delivered:
        """What `applyfree deliver` does, at a moment."""
        ground = Ground(
            load_pinned(self.home, self.sweep.rulebook), self.history(), self.views, self.home / "loads",
            load_programmes(), shipped_clocks(),
        )  # fmt: skip
        return deliver(self.session, self.engine, ground, at)

    def last_file(self, table: str) -> Path:
        """The file of the last delivery of a table."""
        contract = self.loader.contracts.tables[table]
        listed = pl.read_csv(self.home / "city" / DELIVERIES, try_parse_dates=True).sort("attested_on")
        files: list[str] = listed["file"].to_list()
        return self.home / "city" / [file for file in files if contract.matches(Path(file).name)][-1]

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """What a statement finds, as the owner."""
        return self.session.execute(statement.encode()).fetchall()

    def tiers(self) -> pl.DataFrame:
        """Of every determination `subject`, `id`, `benefit`, `outcome`, `amount`, `tier`, `codes`, `missing`."""
        rows = self.rows(
            "SELECT subject, id, benefit, outcome, trim_scale(amount)::text, effective_tier, "
            "jsonb_path_query_array(reasons, '$[*].code')::text, missing FROM current_tier"
        )
        schema = {**dict.fromkeys(_TEXT, pl.String()), "missing": pl.List(pl.String)}
        return pl.DataFrame(rows, orient="row", schema=schema)

    def entitlements(self) -> pl.DataFrame:
        """Every entitlement: `subject` (its kind), `id`, `benefit`, `tier`, `state`, `amount_minor`, `period`."""
        rows = self.rows("SELECT kind, subject, benefit, tier, state, amount_minor, period FROM entitlement")
        names = ("subject", ID, "benefit", "tier", "state")
        schema = {**dict.fromkeys(names, pl.String()), "amount_minor": pl.Int64(), "period": pl.String()}
        return pl.DataFrame(rows, orient="row", schema=schema)


@dataclass(frozen=True, slots=True)
class City:
    """The city after its day.

    Attributes:
        persons: on record.
        swept: its home as it was before anything was delivered, with nothing running in it.
        opened: its home now.
        done: what the delivery came to.
        truth: `id`, `benefit`, `outcome`, `amount` as the true facts say.
        touched: `id`, `kind`, `own`: whom planted faults touch.
    """

    persons: int
    swept: Path
    opened: Opened
    done: Delivered
    truth: pl.DataFrame
    touched: pl.DataFrame

    @property
    def is_whole(self) -> bool:
        """Is it the one of full size?"""
        return self.persons >= WHOLE


@contextmanager
def room_for(persons: int) -> Iterator[Path]:
    """A folder that ends with its block; in memory for a small city."""
    with passing_folder() if persons <= _IN_MEMORY else TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the embedded server works as a user of its own where we are the administrator
        yield Path(folder)


def shipped_china() -> Catalogue:
    """The catalogue of the sample city."""
    return load_catalogue(as_shown(shipped_catalogues() / "cn"))


@contextmanager
def opened(home: Path) -> Iterator[Opened]:
    """A home that was swept, its database open and up to date."""
    catalogue = shipped_china()
    rulebook = sound_rulebook(catalogue)
    server = open_server(None, home)
    try:
        with connect(server.url) as session:
            migrate(session)
            swept = sweeps.last_complete(session)
            assert swept is not None
            engine = open_engine(server.url, statement_seconds=_LONGEST_STATEMENT_SECONDS)
            source = recorded_facts(catalogue, home)
            try:
                yield Opened(
                    home, server.url, session, engine, catalogue, rulebook, loader_of(rulebook.vocabulary, home),
                    source.views, swept,
                )  # fmt: skip
            finally:
                engine.dispose()
    finally:
        server.close()


def copy_home(home: Path, to: Path) -> Path:
    """A copy of a home in which nothing runs; files keep their owners."""
    copy_folder(home, to)
    return to


@contextmanager
def copied(city: City) -> Iterator[Opened]:
    """The city's home as it was before anything was delivered, to break something in."""
    with room_for(city.persons) as folder, opened(copy_home(city.swept, folder / "home")) as found:
        yield found


@contextmanager
def delivered_city(persons: int) -> Iterator[City]:
    """Everything that a day comes to, of so many persons."""
    with room_for(persons) as folder:
        swept = folder / "swept"
        swept.mkdir()
        run_day(shipped_china(), persons, SEED, DAY, swept, lambda *_: None)
        with opened(copy_home(swept, folder / "home")) as found:
            done = found.deliver()
            truth = open_truth(found.home / "city" / "truth", found.rulebook.vocabulary)
            told = list(shares(truth, found.rulebook, pl.read_parquet(truth.folder / FAULTS)))
            yield City(
                persons, swept, found, done, pl.concat([one.answers for one in told]),
                pl.concat([one.touched for one in told]),
            )  # fmt: skip


def stands(home: Opened) -> dict[str, str]:
    """SHA-256 of how everything stands that law, terms and officers decide: rows by what they are about, not by number.

    Left out is what only orders (a case's `priority`), and the numbers of rows.
    """
    found: dict[str, str] = {}
    for name, statement in _STANDS.items():
        digest = hashlib.sha256()
        with home.session.cursor().copy(f"COPY ({statement}) TO STDOUT".encode()) as copy:
            for block in copy:
                digest.update(block)
        found[name] = digest.hexdigest()
    return found


_WHOSE = "e.kind, e.subject, e.benefit, e.period"
_STANDS = {
    "tiers": "SELECT subject, id, benefit, version, outcome, amount, amount_low, amount_high, missing, tier, reasons, "
    "ceiling, effective_tier FROM current_tier ORDER BY subject, id, benefit",
    "entitlements": f"SELECT {_WHOSE}, e.version, e.unit, e.amount_minor, e.over_cap, e.tier, e.reasons, e.district, "
    f"e.state, e.revision, e.next_step_at, e.detected_at FROM entitlement e ORDER BY {_WHOSE}",
    "moves": f"SELECT {_WHOSE}, m.revision, m.from_state, m.to_state, m.actor_kind, m.actor, m.at "
    f"FROM move m JOIN entitlement e ON e.id = m.entitlement ORDER BY {_WHOSE}, m.revision",
    "cases": f"SELECT {_WHOSE}, c.kind, c.district, c.state, c.why, c.opened_at, c.due_at, c.escalation, c.revision, "
    f"c.hardship FROM case_file c LEFT JOIN entitlement e ON e.id = c.entitlement ORDER BY {_WHOSE}, c.kind",
    "knots": "SELECT kind, subject, number, verdict, reasons, items, cliffs FROM knot ORDER BY kind, subject, number",
    "outbox": "SELECT delivery_key, kind, channel, benefit, state FROM outbox ORDER BY delivery_key",
}
