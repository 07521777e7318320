"""Files of determinations: Parquet or CSV, written as they come, complete or not at all."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import polars as pl
import pyarrow as pa
from pyarrow import parquet as arrow_parquet

from rules.errors import RulesError

SUFFIXES = (".parquet", ".csv")
LIST_SEPARATOR = ";"
_ROWS_IN_A_GROUP = 1 << 20


class OutputFileError(RulesError):
    """Determinations cannot be written to such a file."""


class DeterminationFile:
    """A file of determinations, by its ending. It appears under its name when the last row is in it.

    Args:
        path: ends with `.parquet` or `.csv`; folders above it are made.
        schema: see `rules.evaluate.output.schema`.

    Raises:
        OutputFileError: another ending, or no place to write to.
    """

    def __init__(self, path: Path, schema: dict[str, pl.DataType]) -> None:
        if path.suffix.lower() not in SUFFIXES:
            raise OutputFileError(f"{path}: determinations are written as .parquet or .csv. Name such a file.")
        self.path = path
        self.schema = schema
        self.rows = 0
        self._unfinished = path.with_name(f".{path.name}.unfinished")
        self._writer: _ParquetWriter | _CsvWriter
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            writer = _ParquetWriter if path.suffix.lower() == ".parquet" else _CsvWriter
            self._writer = writer(self._unfinished, schema)
        except OSError as error:
            raise OutputFileError(f"{path}: cannot be written ({error.strerror}).") from error

    def write(self, rows: pl.DataFrame) -> None:
        """Add rows."""
        self.rows += rows.height
        self._writer.write(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        if kind is None:
            self._unfinished.replace(self.path)
        else:
            self._unfinished.unlink(missing_ok=True)


class _ParquetWriter:
    """Rows are gathered to groups of a size that is read fast."""

    def __init__(self, path: Path, schema: dict[str, pl.DataType]) -> None:
        self._types = arrow_schema(schema)
        self._file = arrow_parquet.ParquetWriter(path, self._types, compression="zstd")
        self._waiting: list[pl.DataFrame] = []

    def write(self, rows: pl.DataFrame) -> None:
        self._waiting.append(rows)
        if sum(frame.height for frame in self._waiting) >= _ROWS_IN_A_GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._file.close()

    def _flush(self) -> None:
        if self._waiting:
            table = pl.concat(self._waiting).to_arrow(compat_level=pl.CompatLevel.oldest())
            self._file.write_table(table.cast(self._types))
            self._waiting.clear()


class _CsvWriter:
    """Lists are joined by a semicolon; what is not known or does not exist is empty."""

    def __init__(self, path: Path, schema: dict[str, pl.DataType]) -> None:
        self._file: BinaryIO = path.open("wb")
        self._lists = [name for name, dtype in schema.items() if dtype == pl.List(pl.String)]
        self.write(pl.DataFrame(schema=schema), header=True)

    def write(self, rows: pl.DataFrame, *, header: bool = False) -> None:
        flat = rows.with_columns(
            pl.when(pl.col(name).list.len() > 0).then(pl.col(name).list.join(LIST_SEPARATOR)) for name in self._lists
        )
        flat.write_csv(self._file, include_header=header)

    def close(self) -> None:
        self._file.close()


def arrow_schema(schema: dict[str, pl.DataType]) -> Any:  # noqa: ANN401 pyarrow ships no types
    """A table of determinations in the plain types that every reader of Parquet and Spark know."""
    return pa.schema([_arrow_field(name, dtype) for name, dtype in schema.items()])


def _arrow_field(name: str, dtype: pl.DataType) -> Any:  # noqa: ANN401 pyarrow ships no types
    if isinstance(dtype, pl.Decimal):
        return pa.field(name, pa.decimal128(dtype.precision, dtype.scale))
    if isinstance(dtype, pl.Date):
        return pa.field(name, pa.date32())
    return pa.field(name, pa.list_(pa.string()) if isinstance(dtype, pl.List) else pa.string())
