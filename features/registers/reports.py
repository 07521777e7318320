"""What became of a delivery: figures for people and programs, never a value."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from features.facts.rowproblems import COLUMN, REASON, ROW


@dataclass(frozen=True, slots=True)
class ColumnCount:
    """How many cells of a column said something, said nothing, or could not be read."""

    header: str
    fact: str
    known: int
    empty: int
    bad: int


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many rows were set aside in one column for one reason, and the first of them."""

    column: str | None
    reason: str
    rows: int
    first_row: int


@dataclass(frozen=True, slots=True)
class LoadReport:
    """One delivery that was taken in.

    Attributes:
        read: rows in the delivery, blank ones left out.
        stated: rows that say something of their subject.
        withdrawn: rows that take something back.
        repeated: rows that stood in the delivery twice, word for word; each was taken once.
        set_aside: rows with a mistake.
        nameless: of these, rows whose subject cannot be read, so that nobody can be told that something is unknown.
        tidied: cells that were read only after spaces or full-width signs were removed.
        unchecked_messages: of messages, those whose sender need not sign, because no key of theirs is named.
        limit: the share of rows set aside above which the delivery would have been refused.
    """

    register: str
    owner_zh: str
    owner_en: str
    table: str
    table_zh: str
    table_en: str
    source: str
    form: str
    content_hash: str
    attested_on: dt.date
    learned_at: dt.datetime
    read: int
    stated: int
    withdrawn: int
    repeated: int
    set_aside: int
    nameless: int
    tidied: int
    unchecked_messages: int
    limit: str
    columns: tuple[ColumnCount, ...]
    reasons: tuple[ReasonCount, ...]

    def as_json(self) -> dict[str, Any]:
        """The report for programs: days and moments in ISO form."""
        found = asdict(self)
        found["attested_on"] = self.attested_on.isoformat()
        found["learned_at"] = self.learned_at.isoformat()
        return found


def count_reasons(quarantine: pl.DataFrame) -> tuple[ReasonCount, ...]:
    """The reasons of a quarantine, the most frequent first."""
    counted = (
        quarantine.group_by(COLUMN, REASON)
        .agg(rows=pl.len(), first_row=pl.col(ROW).min())
        .sort(["rows", "first_row", COLUMN, REASON], descending=[True, False, False, False])
    )
    return tuple(ReasonCount(*row) for row in counted.select(COLUMN, REASON, "rows", "first_row").iter_rows())
