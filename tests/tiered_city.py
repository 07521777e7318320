"""A small sample city with its planted faults: loaded, swept, tiered, beside its truth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.city.making import DELIVERIES, FAULTS
from features.history.records import View
from rules.catalogue import load_catalogue
from rules.rulebook import Rulebook
from serving.catalogues import as_shown, shipped_catalogues
from serving.city_day import run_day
from serving.day.tiering import tier_sweep
from serving.delivery.terms import load_programmes
from serving.evaluation import sound_rulebook
from serving.loading import Loader, loader_of
from serving.scoring.truths import open_truth, shares
from serving.store import sweeps
from serving.store.database import Session, connect
from serving.store.server import open_server
from serving.sweep.rulebooks import load_pinned
from serving.sweep.sources import recorded_facts
from tests.folders import passing_folder

DAY = dt.date(2026, 3, 1)
EVENING = dt.datetime(2026, 3, 1, 21, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class City:
    """A city's home after its day, the database open."""

    home: Path
    url: str
    session: Session
    rulebook: Rulebook
    loader: Loader
    views: tuple[View, ...]
    truth: pl.DataFrame
    """`id`, `benefit`, `outcome`, `amount` as the true facts say."""
    touched: pl.DataFrame
    """`id`, `kind`, `own`: whom planted faults touch."""

    def delivered(self, table: str) -> Path:
        """The file of the last delivery of a table."""
        contract = self.loader.contracts.tables[table]
        listed = pl.read_csv(self.home / "city" / DELIVERIES, try_parse_dates=True).sort("attested_on")
        files: list[str] = listed["file"].to_list()
        return self.home / "city" / [file for file in files if contract.matches(Path(file).name)][-1]


@contextmanager
def tiered_city(persons: int, seed: int) -> Iterator[City]:
    """Everything that a day comes to, of so many persons."""
    catalogue = load_catalogue(as_shown(shipped_catalogues() / "cn"))
    rulebook = sound_rulebook(catalogue)
    with passing_folder() as folder:
        home = Path(folder)
        run_day(catalogue, persons, seed, DAY, home, lambda *_: None)
        truth = open_truth(home / "city" / "truth", rulebook.vocabulary)
        told = list(shares(truth, rulebook, pl.read_parquet(truth.folder / FAULTS)))
        source = recorded_facts(catalogue, home)
        server = open_server(None, home)
        try:
            with connect(server.url) as session:
                swept = sweeps.last_complete(session)
                assert swept is not None
                history = source.open(rulebook.vocabulary)
                tier_sweep(session, load_pinned(home, swept.rulebook), history, load_programmes(), EVENING)
                yield City(
                    home, server.url, session, rulebook, loader_of(rulebook.vocabulary, home), source.views,
                    pl.concat([one.answers for one in told]), pl.concat([one.touched for one in told]),
                )  # fmt: skip
        finally:
            server.close()
