"""The sample city swept in full, and the day after: one more delivery, with news of one person in a hundred.

Facts come from the real history: registers' files ingested by the loader, life events by the event log. The delivery of
the second day lists everybody again, as departments do, with other figures for one in a hundred.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.report import Figure, Result
from benchmarks.rule_depth import rule_depth
from benchmarks.sweep_costs import MEBI, Swept, differing, timed
from features.city.making import DELIVERIES, REGISTERS, Plan, make_city
from features.city.margins import load_fault_rates, load_margins
from features.events.loading import LifeEvents
from features.events.log import EventLog
from features.history.history import History
from rules.catalogue import Catalogue, load_catalogue
from serving.catalogues import shipped_catalogues
from serving.evaluation import sound_rulebook
from serving.loading import loader_of
from serving.store.database import connect
from serving.store.server import EmbeddedServer
from serving.sweep.run import Settings, Sweeper
from serving.sweep.sources import recorded_facts
from serving.views import event_kinds_of, views_of

SHARE_CHANGED = 0.01
DAY = dt.date(2026, 3, 1)
LISTED_AGAIN = "healthcare_security.spending"
"""Comes as Parquet, names everybody, and is read by benefits of persons and of households."""
_EVENING = dt.time(18, tzinfo=dt.UTC)


def measure_city(persons: int, processes: int, folder: Path) -> Result:
    """Run the benchmark."""
    catalogue = load_catalogue(shipped_catalogues() / "cn")
    home = folder / f"swept-city-{persons}"
    started = time.process_time()
    _take_in(catalogue, home, persons)
    intake = time.process_time() - started
    moments = [_end_of(DAY)]
    place = Path(tempfile.mkdtemp(prefix="applyfree-"))
    try:
        with EmbeddedServer(place / "postgres") as server:
            facts = recorded_facts(catalogue, home)
            sweeper = Sweeper(server, home, facts, Settings(processes), lambda: moments[-1])
            first = timed(lambda: sweeper.run(catalogue, DAY), server)
            changed = _next_delivery(catalogue, home)
            day = DAY + dt.timedelta(days=1)
            moments.append(_end_of(day))
            part = timed(lambda: sweeper.run(catalogue, day), server)
            moments.append(_end_of(day) + dt.timedelta(hours=1))
            full = timed(lambda: sweeper.run(catalogue, day, full=True), server)
            sweeper.close()
            with connect(server.url) as session:
                differs = differing(session, full.outcome.sweep.id)
    finally:
        shutil.rmtree(place, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)
    return Result(
        "sweep of the sample city, from its history",
        {"persons": persons, "processes": processes, **rule_depth(sound_rulebook(catalogue), DAY)},
        [
            Figure("making the city and taking it in", intake, "CPU s"),
            *_costs("first full sweep", first),
            *_costs("incremental sweep, 1 % of persons in a new delivery", part),
            *_costs("full sweep over an earlier one", full),
            Figure("incremental sweep", part.cpu.total, "CPU s", "full sweep", part.cpu.total / full.cpu.total),
            Figure("incremental sweep", part.seconds, "s", "full sweep", part.seconds / full.seconds),
            Figure("persons with other figures", changed, "persons"),
            Figure("subjects looked at", part.outcome.looked_at, "subjects", "all",
                   part.outcome.looked_at / full.outcome.looked_at),
            Figure("subjects with new rows", part.outcome.written, "subjects"),
            *differs.figures(),
        ],
    )  # fmt: skip


def _costs(name: str, swept: Swept) -> list[Figure]:
    return [
        Figure(name, swept.cpu.total, "CPU s"),
        Figure(f"{name}: in the sweeper", swept.cpu.sweeper, "CPU s"),
        Figure(f"{name}: in workers", swept.cpu.workers, "CPU s"),
        Figure(f"{name}: in PostgreSQL", swept.cpu.postgres, "CPU s"),
        Figure(f"{name}: memory", swept.memory.ours / MEBI, "MiB"),
    ]


def _take_in(catalogue: Catalogue, home: Path, persons: int) -> None:
    """Make the city and load what its departments sent and what happened."""
    shutil.rmtree(home, ignore_errors=True)
    kinds = event_kinds_of(sound_rulebook(catalogue).vocabulary)
    loader = loader_of(kinds.vocabulary, home)
    city = home / "city"
    make_city(
        Plan(persons, 1, DAY), city, kinds.vocabulary, loader.contracts, load_margins(), load_fault_rates(None)
    )  # fmt: skip
    tables = tuple(loader.contracts.tables.values())
    deliveries = pl.read_csv(city / DELIVERIES, try_parse_dates=True)
    for file, attested in deliveries.select("file", "attested_on").iter_rows():
        assert loader.load_file(city / file, tables, dt.datetime.combine(attested, _EVENING)).refusal is None
    history = History(home / "history", kinds.vocabulary, views_of(kinds.vocabulary))
    life = LifeEvents(EventLog(home / "events"), kinds, history)
    life.load(city / "events" / "events.jsonl", dt.datetime.combine(DAY, _EVENING))


def _next_delivery(catalogue: Catalogue, home: Path) -> int:
    """Deliver a list again, with other figures for some persons; returns for how many."""
    loader = loader_of(sound_rulebook(catalogue).vocabulary, home)
    table = loader.contracts.tables[LISTED_AGAIN]
    folder = home / "city" / REGISTERS
    rows = pl.read_parquet(folder / table.file_name(DAY - dt.timedelta(days=1), "parquet"))
    rng = np.random.default_rng(9)
    chosen = np.flatnonzero(rng.random(rows.height) < SHARE_CHANGED)
    columns = [
        column.scatter(chosen, rng.integers(1, 3_000_000, len(chosen))) if column.dtype.is_integer() else column
        for column in rows.get_columns()
    ]
    path = folder / table.file_name(DAY, "parquet")
    pl.DataFrame(columns).write_parquet(path)
    day = DAY + dt.timedelta(days=1)
    assert loader.load_file(path, (table,), dt.datetime.combine(day, dt.time(6, tzinfo=dt.UTC))).refusal is None
    return len(chosen)


def _end_of(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.max, dt.UTC)
