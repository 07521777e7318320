"""Made people with a history of real registers' kinds, swept, for tests of tiers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.facts.encoding import STALE_SUFFIX
from features.history.history import History
from features.history.records import STATED, STATUS_TYPE, Batch, View
from serving.day.tiering import Tell, Tiered, tier_sweep
from serving.delivery.terms import Programmes, load_programmes
from serving.store.database import Session
from serving.store.server import EmbeddedServer
from serving.sweep.facts import RecordedFacts
from serving.sweep.rulebooks import pin
from serving.sweep.run import Guard, Outcome, Settings, Sweeper
from tests.sweep_world import FIRST, ON_DATE, cn_catalogue, cn_rulebook, made_tables

COLUMNS = ("subject", "id", "benefit", "outcome", "missing", "tier", "reasons", "effective_tier")


@dataclass(slots=True)
class World:
    """A home, its history, and a database; `now` is the clock."""

    server: EmbeddedServer
    session: Session
    home: Path
    views: tuple[View, ...]
    history: History
    now: dt.datetime

    def sweep(self, on_date: dt.date = ON_DATE, guard: Guard = lambda _sweep: None, *, full: bool = False) -> Outcome:
        """One sweep, an hour later."""
        self.now += dt.timedelta(hours=1)
        source = RecordedFacts(self.home / "history", self.views)
        runner = Sweeper(self.server, self.home, source, Settings(1, 1_000), lambda: self.now, guard=guard)
        try:
            return runner.run(cn_catalogue(), on_date, full=full)
        finally:
            runner.close()

    def tier(
        self,
        programmes: Programmes | None = None,
        chunk: int = 1_000,
        tell: Tell = lambda _done, _total: None,
    ) -> Tiered:
        """The tier step over the last sweep."""
        history = RecordedFacts(self.home / "history", self.views).open(cn_rulebook().vocabulary)
        return tier_sweep(
            self.session, pin(self.home, cn_catalogue()), history, programmes or load_programmes(), self.now,
            chunk_subjects=chunk, tell=tell,
        )  # fmt: skip

    def tell(self, kind: str, rows: pl.DataFrame) -> None:
        """A delivery about some subjects, an hour later: `id` and facts."""
        self.now += dt.timedelta(hours=1)
        view = next(view for view in self.views if view.kind == kind)
        told = rows.select("id", *(name for name in view.facts if name in rows.columns)).with_columns(
            true_from=pl.lit(dt.date(2020, 1, 1)),
            true_to=pl.lit(None, dtype=pl.Date),
            status=pl.lit(STATED).cast(STATUS_TYPE),
            row=pl.int_range(pl.len(), dtype=pl.UInt32),
        )
        batch = Batch(view.id, f"{self.now:%d%H%M}{kind}", "made", self.now, self.now.date())
        self.history.append(batch, told)


def made_world(server: EmbeddedServer, session: Session, home: Path, persons: int = 150) -> World:
    """A world that is neither swept nor tiered."""
    tables = made_tables(persons)
    views = tuple(
        View(f"test.{k}", "test", k, tuple(c for c in t.columns if c != "id" and STALE_SUFFIX not in c), full=False)
        for k, t in tables.items()
    )
    world = World(server, session, home, views, History(home / "history", cn_rulebook().vocabulary, views), FIRST)
    for kind, table in tables.items():
        world.tell(kind, table)
    return world


def current_tiers(session: Session) -> pl.DataFrame:
    """How everybody's determinations go on, in one order."""
    rows = session.execute(
        f"SELECT {', '.join(COLUMNS[:5])}, tier, reasons::text, effective_tier FROM current_tier".encode()
    )
    schema = dict.fromkeys(COLUMNS, pl.String()) | {"missing": pl.List(pl.String)}
    return pl.DataFrame(rows.fetchall(), schema=schema, orient="row").sort("subject", "id", "benefit")
