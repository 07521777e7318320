"""The sample city as its departments sent it: files taken in by their contracts, events folded, facts read back."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

from features.city.making import DELIVERIES, Plan, make_city
from features.city.margins import load_fault_rates, load_margins
from features.events.loading import LifeEvents
from features.events.log import EventLog
from features.facts.encoding import Tables
from features.facts.vocabulary import Vocabulary
from features.history.history import History
from serving.loading import loader_of
from serving.views import event_kinds_of, views_of

_EVENING = dt.time(20, tzinfo=dt.UTC)


def city_tables(vocabulary: Vocabulary, persons: int, seed: int, on_date: dt.date, folder: Path) -> Tables:
    """What the history knows of a sample city on a day, gaps, disputes and all.

    Args:
        vocabulary: of China.
        persons: how many persons are on record.
        seed: the same seed makes the same city.
        on_date: the day of the facts; everything that came until its end is known.
        folder: an empty one.
    """
    loader = loader_of(vocabulary, folder)
    city = folder / "city"
    make_city(Plan(persons, seed, on_date), city, vocabulary, loader.contracts, load_margins(), load_fault_rates(None))
    tables = tuple(loader.contracts.tables.values())
    for file, attested in (
        pl.read_csv(city / DELIVERIES, try_parse_dates=True).select("file", "attested_on").iter_rows()
    ):
        loader.load_file(city / file, tables, dt.datetime.combine(attested, _EVENING))
    kinds = event_kinds_of(vocabulary)
    history = History(folder / "history", vocabulary, views_of(vocabulary))
    events = LifeEvents(EventLog(folder / "events"), kinds, history)
    events.load(city / "events" / "events.jsonl", dt.datetime.combine(on_date, _EVENING))
    return History(folder / "history", vocabulary, views_of(vocabulary)).as_of(
        on_date, dt.datetime.combine(on_date, dt.time.max, dt.UTC)
    )
