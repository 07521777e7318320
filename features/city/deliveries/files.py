"""The files of deliveries, written as the partitions come: CSV in two encodings, Excel workbooks, Parquet.

The same rows give the same bytes: no moment of writing stands in any of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
from pyarrow import parquet as arrow_parquet

from features.registers.contracts import Table
from features.registers.workbook_writing import SheetFile

MOST_ROWS_OF_A_SHEET = 1_000_000
_LEVEL = 1
_FIRST = {"csv": 2, "xlsx": 2, "parquet": 1}
"""The number of the first row: headers of CSV files and workbooks are row 1."""


class Writer(Protocol):
    """Adds rows to a file."""

    def write(self, rows: pl.DataFrame, garbled: np.ndarray) -> None:
        """Add rows; `garbled` are written in another encoding than the file's."""

    def close(self) -> None:
        """Finish the file."""


def form_of(table: Table, persons: int) -> str:
    """The format in which a table is delivered: the first of its contract that is a file and can hold so many rows."""
    fitting = [form for form in table.formats if form in _FIRST]
    if fitting[0] == "xlsx" and persons * 1.5 > MOST_ROWS_OF_A_SHEET and len(fitting) > 1:
        return fitting[1]
    return fitting[0]


class DeliveryFile:
    """One delivery that is being written."""

    def __init__(self, path: Path, table: Table, form: str) -> None:
        self.path, self.table, self.form, self.rows = path, table, form, 0
        self._writer: Writer | None = None

    def write(self, rows: pl.DataFrame, garbled: np.ndarray) -> int:
        """Add rows.

        Returns:
            The number of the first of them in the file.
        """
        if self._writer is None:
            self._writer = self._open(rows)
        first = self.rows + _FIRST[self.form]
        self._writer.write(rows, garbled)
        self.rows += rows.height
        return first

    def _open(self, rows: pl.DataFrame) -> Writer:
        if self.form == "parquet":
            return _Parquet(self.path, rows)
        if self.form == "xlsx":
            return _Workbook(self.path, rows)
        return _Csv(self.path, rows, self.table.encoding)

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()


class _Csv:
    def __init__(self, path: Path, rows: pl.DataFrame, encoding: str) -> None:
        self._file = path.open("wb")
        self._encoding, self._other = encoding, "utf-8" if encoding == "gb18030" else "gb18030"
        self._end = "\r\n" if encoding == "gb18030" else "\n"
        self._file.write((",".join(rows.columns) + self._end).encode(encoding))

    def write(self, rows: pl.DataFrame, garbled: np.ndarray) -> None:
        start = 0
        for at in sorted(int(place) for place in garbled):
            self._put(rows.slice(start, at - start), self._encoding)
            self._put(rows.slice(at, 1), self._other)
            start = at + 1
        self._put(rows.slice(start), self._encoding)

    def _put(self, rows: pl.DataFrame, encoding: str) -> None:
        if rows.height:
            text = rows.write_csv(include_header=False, line_terminator=self._end)
            self._file.write(text.encode(encoding))

    def close(self) -> None:
        self._file.close()


class _Parquet:
    def __init__(self, path: Path, rows: pl.DataFrame) -> None:
        self._schema: Any = rows.to_arrow(compat_level=pl.CompatLevel.oldest()).schema
        self._file = arrow_parquet.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, rows: pl.DataFrame, garbled: np.ndarray) -> None:
        assert not len(garbled), "typed files have one encoding"
        self._file.write_table(rows.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(self._schema))

    def close(self) -> None:
        self._file.close()


class _Workbook:
    """One sheet of text cells."""

    def __init__(self, path: Path, rows: pl.DataFrame) -> None:
        self._sheet = SheetFile(path, _LEVEL)
        header = pl.DataFrame({name: [name] for name in rows.columns})
        self.write(header, np.zeros(0))

    def write(self, rows: pl.DataFrame, garbled: np.ndarray) -> None:
        assert not len(garbled), "a workbook has one encoding"
        cell = '<c t="inlineStr"><is><t>{}</t></is></c>'
        cells = [
            pl.when(pl.col(name).is_null()).then(pl.lit("<c/>")).otherwise(pl.format(cell, _escaped(pl.col(name))))
            for name in rows.columns
        ]
        line = pl.concat_str(pl.lit("<row>"), *cells, pl.lit("</row>")).alias("line")
        self._sheet.write("".join(rows.select(line).to_series().to_list()))

    def close(self) -> None:
        self._sheet.close()


def _escaped(text: pl.Expr) -> pl.Expr:
    return text.str.replace_all("&", "&amp;", literal=True).str.replace_all("<", "&lt;", literal=True)
