"""How everybody stands, as the file or table that `applyfree evaluate` would write."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from serving.store.database import Session

_ROWS = b"""
    SELECT subject, id, benefit, version, outcome, amount, amount_low, amount_high, per, unit,
           NULLIF(array_to_string(unmet, ';'), '') AS unmet, NULLIF(array_to_string(missing, ';'), '') AS missing,
           next_change
    FROM current_determination
"""
_AS_FILE = b"COPY (" + _ROWS + b") TO STDOUT (FORMAT csv, HEADER)"
_FOUND = b"COPY (" + _ROWS + b" WHERE outcome <> 'ineligible') TO STDOUT (FORMAT csv, HEADER)"


def write_current_determinations(session: Session, path: Path) -> None:
    """Write every current determination as CSV; the file appears under its name when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    with unfinished.open("wb") as file, session.cursor().copy(_AS_FILE) as copy:
        for block in copy:
            file.write(block)
    unfinished.replace(path)


def read_found_determinations(session: Session) -> pl.DataFrame:
    """Every current determination that is not ineligible, in the columns that `applyfree evaluate` writes."""
    buffer = io.BytesIO()
    with session.cursor().copy(_FOUND) as copy:
        for block in copy:
            buffer.write(block)
    buffer.seek(0)
    rows = pl.read_csv(buffer, infer_schema=False)
    amounts = (pl.col(name).cast(pl.Decimal(38, 6)) for name in ("amount", "amount_low", "amount_high"))
    lists = (
        pl.col(name).fill_null("").str.split(";").list.eval(pl.element().filter(pl.element() != ""))
        for name in ("unmet", "missing")
    )
    return rows.with_columns(*amounts, *lists, pl.col("next_change").str.to_date("%Y-%m-%d"))
