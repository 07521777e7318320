"""People of whom registers hold much, not all: missing, stale, disputed, unreadable and withheld, kept in a history."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl

from features.documents import Findings
from features.facts.encoding import ID, STALE_SUFFIX, Tables
from features.facts.vocabulary import Vocabulary, load_vocabulary
from features.history.history import History
from features.history.records import STATUS_TYPE, Batch, View
from features.history.withholding import CITIZEN
from features.made.by_type import tables_by_type

ON_DATE = dt.date(2026, 3, 1)
KNOWN_AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
LONG_AGO = dt.date(2018, 1, 1)
SECOND_SUFFIX = ".second"


def cn_vocabulary() -> Vocabulary:
    """The Chinese facts."""
    findings = Findings()
    vocabulary = load_vocabulary("cn", findings)
    assert findings == []
    return vocabulary


def register_views(vocabulary: Vocabulary, tables: Tables) -> list[View]:
    """For each register and kind of subject one list of everybody, and a second register that tells some of it too."""
    carried: dict[tuple[str, str], list[str]] = {}
    for fact in vocabulary.dictionary.facts.values():
        if fact.id in tables[fact.subject].columns:
            carried.setdefault((fact.register, fact.subject), []).append(fact.id)
    views: list[View] = []
    for (register, kind), facts in carried.items():
        views.append(View(f"{register}.{kind}", register, kind, tuple(facts), full=True))
        told_twice = tuple(name for name in facts if name not in vocabulary.subjects.links)
        views.append(View(f"{register}.{kind}{SECOND_SUFFIX}", "another", kind, told_twice, full=False))
    return views


def deliver(history: History, view: View, table: pl.DataFrame, attested_on: dt.date, status: pl.Series) -> None:
    """One delivery of rows of a table."""
    rows = table.select(ID, *view.facts).with_columns(
        pl.lit(LONG_AGO).alias("true_from"),
        pl.lit(None, dtype=pl.Date).alias("true_to"),
        status.cast(STATUS_TYPE).alias("status"),
        pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).alias("row"),
    )
    moment = dt.datetime.combine(attested_on, dt.time(8), tzinfo=dt.UTC)
    history.append(Batch(view.id, f"{view.id}-{attested_on}", "made", moment, attested_on), rows)


def gappy_city(folder: Path, vocabulary: Vocabulary, persons: int, seed: int) -> History:
    """A history of so many persons with every kind of gap there is."""
    rng = np.random.default_rng([seed, 5])
    tables = tables_by_type(vocabulary, persons, (seed, 1), share_unknown=0.15, share_true=0.4)
    other = tables_by_type(vocabulary, persons, (seed, 2), share_unknown=0.5, share_true=0.4)
    history = History(folder, vocabulary, register_views(vocabulary, tables))
    for view in history.views.values():
        second = view.id.endswith(SECOND_SUFFIX)
        table = (other if second else tables)[view.kind]
        chosen = table.filter(pl.Series(rng.random(table.height) < (0.05 if second else 0.9)))
        status = pl.Series(np.where(rng.random(chosen.height) < 0.04, "quarantined", "stated"), dtype=pl.String)
        attested = LONG_AGO + dt.timedelta(days=1) if rng.random() < 0.1 else dt.date(2026, 2, 20)
        deliver(history, view, chosen, attested, status)
    _withhold(history, rng)
    return history


def _withhold(history: History, rng: np.random.Generator) -> None:
    """Some people forbid the use of what registers know of them."""
    facts = [fact.id for fact in history.vocabulary.dictionary.of_subject("person") if fact.type.kind != "id"]
    day_before = KNOWN_AT - dt.timedelta(days=1)
    for person in history.subjects("person", KNOWN_AT).head(40):
        for fact in rng.choice(facts, 2, replace=False):
            history.withholding.withhold("person", person, str(fact), CITIZEN, day_before)


def completed(tables: Tables, vocabulary: Vocabulary, on_date: dt.date, seed: tuple[int, ...]) -> Tables:
    """The tables with some value in place of each fact that is unknown or too old; links stay as they are."""
    found: Tables = {}
    for kind, table in tables.items():
        drawn = tables_by_type(vocabulary, max(t.height for t in tables.values()) * 30, seed, share_unknown=0)[kind]
        facts = [f for f in vocabulary.dictionary.of_subject(kind) if f.type.kind != "id"]
        columns = [table.get_column(name) for name in table.columns if not _is_fact(name, {f.id for f in facts})]
        for fact in facts:
            values = drawn.get_column(fact.id).head(table.height)
            if fact.id in table.columns:
                held = table.get_column(fact.id)
                known = held.is_not_null()
                if fact.id + STALE_SUFFIX in table.columns:
                    known &= (table.get_column(fact.id + STALE_SUFFIX) > on_date).fill_null(value=True)
                values = held.zip_with(known, values)
            columns.append(values.alias(fact.id))
        found[kind] = pl.DataFrame(columns)
    return found


def _is_fact(name: str, facts: set[str]) -> bool:
    return name.removesuffix(STALE_SUFFIX) in facts
