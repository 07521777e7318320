"""CSV and Parquet files as they are: a header, and batches of rows that are still what the file says.

Rows are counted as a person counts them: in a CSV file the header is row 1; in a Parquet file the first row is row 1.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import parquet as arrow_parquet

BATCH_ROWS = 1 << 18
BLOCK_BYTES = 1 << 24
_PARQUET_MARK = b"PAR1"
_NO_PARQUET = "This is not a Parquet file. Write it again, or name it .csv if it is text."


class UnreadableFileError(Exception):
    """A file as a whole cannot be read; the message says why and what to do, `row` where, if that is known."""

    def __init__(self, reason: str, row: int | None = None) -> None:
        self.row = row
        super().__init__(reason)


@dataclass(slots=True)
class RawFile:
    """One file of facts.

    `broken` collects, while batches are read, the rows that are no rows of the table: their number and how many cells
    they have. They are in no batch.
    """

    path: Path
    columns: tuple[str, ...]
    first_row: int
    broken: list[tuple[int, int]] = field(default_factory=list)

    def batches(self) -> Iterator[pl.DataFrame]:
        """The rows, in the order of the file.

        Raises:
            UnreadableFileError: the file is damaged further down.
        """
        raise NotImplementedError


def open_file(path: Path) -> RawFile:
    """The file, with its header read.

    Raises:
        UnreadableFileError: it is empty, no Parquet file, not UTF-8, or names a column twice.
    """
    try:
        raw = _open_parquet(path) if path.suffix.lower() == ".parquet" else _open_csv(path)
    except OSError as error:
        raise UnreadableFileError(f"The file cannot be read ({error.strerror}).") from error
    twice = sorted({name for name in raw.columns if raw.columns.count(name) > 1})
    if twice:
        raise UnreadableFileError(
            f"The column `{twice[0][:60]}` stands here twice. Remove one: neither silently wins.", 1
        )
    return raw


# -- CSV ---------------------------------------------------------------------------------------------------------


class CsvFile(RawFile):
    """A text file with commas; every cell is text, an empty cell is null."""

    __slots__ = ()

    def batches(self) -> Iterator[pl.DataFrame]:
        names = [str(position) for position in range(len(self.columns))]
        self.broken.clear()
        try:
            reader = arrow_csv.open_csv(
                self.path,
                # One thread: only then do the numbers of broken rows count from the beginning of the file.
                read_options=arrow_csv.ReadOptions(
                    use_threads=False, block_size=BLOCK_BYTES, column_names=names, skip_rows_after_names=1
                ),
                parse_options=arrow_csv.ParseOptions(
                    newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=self._note_broken
                ),
                convert_options=arrow_csv.ConvertOptions(
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                    null_values=[""],
                    column_types={name: pa.string() for name in names},
                ),
            )
            for batch in reader:
                frame = pl.from_arrow(batch)
                assert isinstance(frame, pl.DataFrame)
                yield frame.rename(dict(zip(names, self.columns, strict=True)))
        except pa.ArrowInvalid as error:
            raise UnreadableFileError(f"This is not a table in CSV form: {error}.") from error

    def _note_broken(self, row: Any) -> str:  # noqa: ANN401 pyarrow ships no types
        self.broken.append((row.number, row.actual_columns))
        return "skip"


def _open_csv(path: Path) -> CsvFile:
    with path.open("rb") as file:
        start = file.read(BLOCK_BYTES)
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise UnreadableFileError("The file is UTF-16. Save it as CSV with the encoding UTF-8.", 1)
    if not start.strip():
        raise UnreadableFileError("The file is empty. Its first row names the columns.", 1)
    wrong = _not_utf8(path)
    if wrong is not None:
        raise wrong
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            header = next(csv.reader(text), [])
    except csv.Error as error:
        raise UnreadableFileError(f"This is not a table in CSV form: {error}.", 1) from error
    if not header:
        raise UnreadableFileError("The first row is empty. It names the columns.", 1)
    return CsvFile(path, tuple(header), 2)


def _not_utf8(path: Path) -> UnreadableFileError | None:
    """Where a file ceases to be UTF-8, and what it seems to be instead; None where it is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    row = 1
    with path.open("rb") as file:
        try:
            while block := file.read(BLOCK_BYTES):
                decoder.decode(block)
                row += block.count(b"\n")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            row += error.object.count(b"\n", 0, error.start)
            likely = "It seems to be GB18030. " if _is_gb18030(path) else ""
            return UnreadableFileError(f"The text is not UTF-8. {likely}Save the file with the encoding UTF-8.", row)
    return None


def _is_gb18030(path: Path) -> bool:
    try:
        path.read_bytes().decode("gb18030")
    except UnicodeDecodeError:
        return False
    return True


# -- Parquet -----------------------------------------------------------------------------------------------------


class ParquetFile(RawFile):
    """A Parquet file; its columns have types."""

    __slots__ = ()

    def batches(self) -> Iterator[pl.DataFrame]:
        try:
            with arrow_parquet.ParquetFile(self.path) as file:
                for batch in file.iter_batches(BATCH_ROWS):
                    frame = pl.from_arrow(batch)
                    assert isinstance(frame, pl.DataFrame)
                    yield frame
        except (pa.ArrowException, OSError) as error:
            raise UnreadableFileError(f"The Parquet file is damaged ({error}). Write it again.") from error


def _open_parquet(path: Path) -> ParquetFile:
    try:
        with arrow_parquet.ParquetFile(path) as file:
            columns = tuple(file.schema_arrow.names)
    except (pa.ArrowException, OSError) as error:
        with path.open("rb") as start:
            is_parquet = start.read(len(_PARQUET_MARK)) == _PARQUET_MARK
        raise UnreadableFileError(f"The file cannot be read ({error})." if is_parquet else _NO_PARQUET) from error
    return ParquetFile(path, columns, 1)
