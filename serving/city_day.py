"""A day of the sample city, from what departments sent to determinations: the main job of the demo."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.city.making import DELIVERIES, Account, Plan, make_city
from features.city.margins import load_fault_rates, load_margins
from features.events.loading import LifeEvents, Loaded
from features.events.log import EventLog
from features.history.history import History
from rules.catalogue import Catalogue
from serving.evaluation import sound_rulebook
from serving.loading import Load, loader_of
from serving.scoring.score import Score, score
from serving.scoring.truths import open_truth
from serving.store.database import connect
from serving.store.export import write_current_determinations
from serving.store.server import open_server
from serving.sweep.run import Outcome, Settings, Sweeper
from serving.sweep.sources import recorded_facts
from serving.views import event_kinds_of, views_of

_EVENING = dt.time(20, tzinfo=dt.UTC)
"""When a delivery of a day is taken to have come; its rows are known from then on."""

Tell = Callable[[str, int, int | None], None]
"""Is told the phase, how much more of it is done, and of how much (None: said before)."""


@dataclass(frozen=True, slots=True)
class Round:
    """Everything that a day came to."""

    account: Account
    loads: tuple[Load, ...]
    events: Loaded
    outcome: Outcome
    score: Score

    @property
    def refused(self) -> list[Load]:
        """Deliveries that were refused."""
        return [load for load in self.loads if load.refusal is not None]

    def rows(self) -> Counter[str]:
        """Rows read, set aside and new, of all deliveries."""
        found: Counter[str] = Counter()
        for load in self.loads:
            if load.report is not None:
                found += Counter({"read": load.report.read, "set aside": load.report.set_aside})
        return found


def run_day(catalogue: Catalogue, persons: int, seed: int, on_date: dt.date, folder: Path, tell: Tell) -> Round:
    """Make the city, take in what its departments sent and what happened, answer everything, compare with the truth.

    Args:
        catalogue: the rules.
        persons: how many persons the city has on record.
        seed: the same seed makes the same city.
        on_date: the day of the answers.
        folder: `city/` and everything that the engine keeps go below it; nothing else may be there.
        tell: is told of progress.

    Raises:
        ServingError, FeaturesError, RulesError: one of the steps could not be done.
    """
    city = folder / "city"
    vocabulary = sound_rulebook(catalogue).vocabulary
    loader = loader_of(vocabulary, folder)
    tell("making the city", 0, persons)
    account = make_city(
        Plan(persons, seed, on_date), city, vocabulary, loader.contracts, load_margins(), load_fault_rates(None),
        lambda count: tell("making the city", count, None),
    )  # fmt: skip
    deliveries = pl.read_csv(city / DELIVERIES, try_parse_dates=True)
    tell("taking deliveries in", 0, deliveries.height)
    tables = tuple(loader.contracts.tables.values())
    loads: list[Load] = []
    for file, attested in deliveries.select("file", "attested_on").iter_rows():
        loads.append(loader.load_file(city / file, tables, dt.datetime.combine(attested, _EVENING)))
        tell("taking deliveries in", 1, None)
    events = _events(catalogue, folder, city, on_date, tell)
    outcome = _sweep(catalogue, folder, on_date, tell)
    answers = folder / "answers.csv"
    truth = open_truth(city / "truth", vocabulary)
    tell("comparing with the truth", 0, None)
    rated = score(
        truth, answers, sound_rulebook(catalogue), lambda count: tell("comparing with the truth", count, None)
    )
    return Round(account, tuple(loads), events, outcome, rated)


def _events(catalogue: Catalogue, folder: Path, city: Path, on_date: dt.date, tell: Tell) -> Loaded:
    kinds = event_kinds_of(sound_rulebook(catalogue).vocabulary)
    history = History(folder / "history", kinds.vocabulary, views_of(kinds.vocabulary))
    tell("taking life events in", 0, 1)
    life = LifeEvents(EventLog(folder / "events"), kinds, history)
    loaded = life.load(city / "events" / "events.jsonl", dt.datetime.combine(on_date, _EVENING))
    tell("taking life events in", 1, None)
    return loaded


def _sweep(catalogue: Catalogue, folder: Path, on_date: dt.date, tell: Tell) -> Outcome:
    server = open_server(None, folder)
    done: Counter[str] = Counter()

    def watch(phase: str, so_far: int, total: int) -> None:
        tell(phase, so_far - done[phase], total or None)
        done[phase] = so_far

    # The end of the day: everything that came on it is known.
    known_at = dt.datetime.combine(on_date, dt.time.max, dt.UTC)
    try:
        sweeper = Sweeper(server, folder, recorded_facts(catalogue, folder), Settings(), lambda: known_at, watch)
        try:
            outcome = sweeper.run(catalogue, on_date, known_at=known_at)
        finally:
            sweeper.close()
        with connect(server.url) as session:
            write_current_determinations(session, folder / "answers.csv")
    finally:
        server.close()
    return outcome
