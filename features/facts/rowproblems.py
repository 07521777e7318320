"""What is wrong with the rows of fact files: counted in full, listed as far as somebody will read it."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from features.errors import FactProblem

FILE, ROW, COLUMN, REASON = "file", "row", "column", "reason"
SCHEMA = {FILE: pl.String, ROW: pl.UInt32, COLUMN: pl.String, REASON: pl.String}


class RowProblems:
    """Problems in the order in which they were found.

    Args:
        most: how many of each addition to keep; None keeps all. `total` counts all in any case.
    """

    def __init__(self, most: int | None) -> None:
        self.most = most
        self.total = 0
        self._parts: list[pl.DataFrame] = []

    def add(self, file: str, rows: pl.Series, column: str | None, reasons: pl.Series | str) -> None:
        """Some rows of a file have a problem in a column.

        Args:
            file: the file's name.
            rows: the numbers of the rows, as counted in the file.
            column: where in the row.
            reasons: one for each row, or one for all.
        """
        self.total += len(rows)
        kept = len(rows) if self.most is None else min(self.most, len(rows))
        told = pl.repeat(reasons, kept, eager=True) if isinstance(reasons, str) else reasons.head(kept)
        part = {
            FILE: pl.repeat(file, kept, eager=True),
            ROW: rows.head(kept),
            COLUMN: pl.repeat(column, kept, dtype=pl.String, eager=True),
            REASON: told,
        }
        self._parts.append(pl.DataFrame(part, schema_overrides=SCHEMA))

    @property
    def table(self) -> pl.DataFrame:
        """What was kept, by file, row and column."""
        empty = pl.DataFrame(schema=SCHEMA)
        return pl.concat([empty, *self._parts]).sort(FILE, ROW, COLUMN, nulls_last=False, maintain_order=True)

    def rows_of(self, file: str) -> pl.Series:
        """The numbers of the rows of a file that have a problem."""
        return self.table.filter(pl.col(FILE) == file).get_column(ROW).unique()

    def listed(self, most: int) -> list[FactProblem]:
        """The first problems, one object each."""
        return [FactProblem(*row) for row in self.table.head(most).iter_rows()]

    def write(self, path: Path) -> None:
        """The quarantine file: one line per problem."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.table.write_csv(path)
