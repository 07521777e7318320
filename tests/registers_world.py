"""Deliveries for tests: rows drawn by type, written as the departments of China write them."""

from __future__ import annotations

import datetime as dt
from functools import cache

import polars as pl

from features.documents import Findings
from features.facts.encoding import ID
from features.facts.vocabulary import Vocabulary, load_vocabulary
from features.history.records import ROW, STATED, STATUS, STATUS_TYPE, TRUE_FROM, TRUE_TO
from features.made.by_type import tables_by_type
from features.registers.contract_files import load_contracts
from features.registers.contracts import Contracts, Table
from features.registers.writing import as_written

ATTESTED = dt.date(2026, 3, 1)
LEARNED = dt.datetime(2026, 3, 2, 1, 30, tzinfo=dt.UTC)


@cache
def china() -> Vocabulary:
    """The shipped vocabulary of China."""
    findings = Findings()
    vocabulary = load_vocabulary("cn", findings)
    assert findings == []
    return vocabulary


@cache
def contracts() -> Contracts:
    """The shipped contracts of China."""
    findings = Findings()
    found = load_contracts(china(), findings)
    assert findings == []
    return found


@cache
def _people(count: int) -> dict[str, pl.DataFrame]:
    return tables_by_type(china(), count, (7,), share_unknown=0.1, share_true=0.4)


def rows_of(table: Table, count: int) -> pl.DataFrame:
    """Rows of a table as the history keeps them: `count` subjects at most, some cells unknown."""
    drawn = _people(count * (1 if table.kind == "person" else 25))[table.kind].head(count)
    facts = [drawn[name] for name in table.view.facts]
    begin = pl.int_range(0, pl.len()) % 3_000
    frame = pl.DataFrame([drawn[ID], *facts]).with_columns(
        (pl.lit(ATTESTED) - pl.duration(days=begin)).cast(pl.Date).alias(TRUE_FROM),
        pl.lit(None, dtype=pl.Date).alias(TRUE_TO),
        pl.lit(STATED, dtype=STATUS_TYPE).alias(STATUS),
    )
    return frame.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).alias(ROW))


def written(table: Table, count: int = 400) -> pl.DataFrame:
    """A delivery without a mistake, every cell text."""
    return as_written(table, rows_of(table, count), ATTESTED)
