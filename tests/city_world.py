"""People for tests of rules: the true facts of a small sample city, some of them not known."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from features.city.making import TRUTH, Plan, make_city
from features.city.margins import load_fault_rates, load_margins
from features.facts.dictionary import Fact
from features.facts.encoding import ID, Tables
from features.facts.population import NONE
from features.registers.contracts import Column
from features.registers.writing import written_cells
from tests.folders import passing_folder
from tests.registers_world import china, contracts

SEED = 1


@cache
def _true(persons: int, on_date: dt.date) -> Tables:
    with passing_folder() as folder:
        plan = Plan(persons, SEED, on_date)
        make_city(plan, Path(folder), china(), contracts(), load_margins(), load_fault_rates())
        return {
            kind: pl.concat(
                [pl.read_parquet(path) for path in sorted((Path(folder) / TRUTH).glob(f"{kind}-*.parquet"))]
            )
            for kind in china().subjects.kinds
        }


def city_tables(persons: int, on_date: dt.date, share_unknown: float = 0.1) -> Tables:
    """Everybody in a city of so many persons, as rules read them; of each fact this share is not known, of links none.

    The same each time.
    """
    links = china().subjects.links
    rng = np.random.default_rng(SEED)
    tables: Tables = {}
    for kind, true in _true(persons, on_date).items():
        facts = [name for name in true.columns if name not in (ID, *links)]
        known = {name: pl.Series(rng.random(true.height) >= share_unknown) for name in facts}
        tables[kind] = true.with_columns(pl.when(known[name]).then(name).alias(name) for name in facts)
    return tables


def write_city(folder: Path, persons: int, on_date: dt.date) -> None:
    """The same people as files of facts, one CSV file per kind of subject."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = china().dictionary.facts
    for kind, table in city_tables(persons, on_date).items():
        columns = {
            name: written_cells(table[name], _plain(facts[name])) if name in facts else table[name]
            for name in table.columns
        }
        pl.DataFrame(columns).write_csv(folder / f"{kind}.csv")


def _plain(fact: Fact) -> Column:
    """A fact as files of facts write it, under its own name and in its own codes."""
    return Column(
        fact.id, fact, {code: code for code in fact.type.codes}, ("true",), ("false",), "yuan", "YYYY-MM-DD", NONE, ""
    )
