"""CSV files of departments: UTF-8 or GB18030, with or without a byte order mark, whatever ends their lines.

The header is row 1. A row whose bytes are no text of the encoding keeps the character U+FFFD there, so that only it is
set aside; a file in another encoding than its contract says is refused as a whole.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from pyarrow import csv as arrow_csv

from features.registers.contracts import Table
from features.registers.deliveries import BrokenRow, Delivery, refuse_no_header
from features.registers.errors import UnreadableDeliveryError
from features.registers.garbling import as_utf8, first_bad_byte, meant_by, seems

_HEADER_BYTES = 1 << 20
_LARGEST_BLOCK = 1 << 30
_BLANK = ", \t\r\n"
_HIDDEN = "A quote that opens here closes rows later, so those rows cannot be seen. Write the file again."
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_csv(path: Path, table: Table) -> Delivery:
    """Read a CSV file.

    Raises:
        UnreadableDeliveryError: it is empty, in another encoding, or no table.
    """
    raw = path.read_bytes()
    return parse_csv(raw, table.encoding, path.name, table)


def parse_csv(raw: bytes, encoding: str, source: str, table: Table) -> Delivery:
    """Read the bytes of a CSV file. See :func:`read_csv`."""
    data = _in_utf8(raw, encoding)
    header = _header(data)
    _refuse_garbled_header(header, table)
    refuse_no_header(header, table, 1)
    rows = Rows(header, table.key)
    cells = rows.read(data)
    delivery = Delivery(source, "csv", hashlib.sha256(raw).hexdigest(), cells, 2, rows.broken, rows.skipped)
    _refuse_swallowed_rows(delivery)
    return delivery


# -- encoding ----------------------------------------------------------------------------------------------------------


def _in_utf8(raw: bytes, encoding: str) -> bytes:
    if raw[:2] in _UTF16:
        raise UnreadableDeliveryError(f"The file is UTF-16; its contract says {encoding}. Save it as {encoding}.", 1)
    if not raw.strip():
        raise UnreadableDeliveryError("The file is empty. Its first row names the columns.", 1)
    if encoding == "gb18030":
        if raw.startswith(codecs.BOM_UTF8) or seems(raw, "utf-8"):
            raise _wrong_encoding(raw, encoding, "utf-8")
        return as_utf8(raw, encoding)
    bad = first_bad_byte(raw, encoding)
    if bad is None:
        return raw.removeprefix(codecs.BOM_UTF8)
    if seems(raw, "gb18030"):
        raise _wrong_encoding(raw, encoding, "gb18030", bad)
    return as_utf8(raw.removeprefix(codecs.BOM_UTF8), encoding)


def _wrong_encoding(raw: bytes, said: str, likely: str, start: int = 0) -> UnreadableDeliveryError:
    row = raw.count(b"\n", 0, start) + 1
    return UnreadableDeliveryError(f"The contract says {said}; the file seems to be {likely}. Save it as {said}.", row)


def _header(data: bytes) -> list[str]:
    text = data[:_HEADER_BYTES].decode("utf-8", "ignore")  # a character may be cut at the end
    try:
        header = next(csv.reader(io.StringIO(text, newline="")), [])
    except csv.Error as error:
        raise UnreadableDeliveryError(f"This is not a table in CSV form: {error}.", 1) from error
    if not any(cell.strip() for cell in header):
        raise UnreadableDeliveryError("The first row is empty. It names the columns.", 1)
    return [cell.strip() for cell in header]


def _refuse_garbled_header(header: Sequence[str], table: Table) -> None:
    known = frozenset(table.headers)
    for cell in header:
        meant = None if cell in known else meant_by(cell, known)
        if meant is not None:
            raise UnreadableDeliveryError(
                f"The header `{meant}` is garbled: it was saved in one encoding and read in another before it reached "
                f"us, and so was the rest. Export the file again as {table.encoding}.",
                1,
                meant,
            )


# -- rows --------------------------------------------------------------------------------------------------------------


class Rows:
    """Reads the rows below a header, and remembers those that are none."""

    def __init__(self, header: Sequence[str], key: str) -> None:
        self.header = header
        self.key_is_first = header[0] == key
        self.broken: list[BrokenRow] = []
        self.skipped: list[int] = []
        self.hiding: int | None = None

    def read(self, data: bytes) -> pl.DataFrame:
        names = [str(position) for position in range(len(self.header))]
        try:
            reader = arrow_csv.open_csv(
                pa.BufferReader(data),
                # One thread: only then do the numbers of broken rows count from the beginning of the file.
                read_options=arrow_csv.ReadOptions(
                    use_threads=False,
                    block_size=min(len(data) + 1, _LARGEST_BLOCK),
                    column_names=names,
                    skip_rows_after_names=1,
                ),
                parse_options=arrow_csv.ParseOptions(
                    newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=self._note
                ),
                convert_options=arrow_csv.ConvertOptions(
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                    null_values=[""],
                    column_types={name: pa.string() for name in names},
                ),
            )
            parts = [pl.DataFrame(pl.from_arrow(batch)) for batch in reader]
        except pa.ArrowInvalid as error:
            raise UnreadableDeliveryError("This is not a table in CSV form, or a quote is never closed.") from error
        if self.hiding is not None:
            raise UnreadableDeliveryError(_HIDDEN, self.hiding)
        empty = pl.DataFrame(schema=dict.fromkeys(names, pl.String))
        return _named(pl.concat([empty, *parts], rechunk=True), self.header)

    def _note(self, row: Any) -> str:  # noqa: ANN401 pyarrow ships no types
        if not row.text.strip(_BLANK):
            self.skipped.append(row.number)
            return "skip"
        if self.hiding is None and self._hides_rows(row.text):
            self.hiding = row.number
        reason = f"The row has {row.actual_columns} cells, the header {len(self.header)}."
        self.broken.append(BrokenRow(row.number, reason, self._key(row.text)))
        return "skip"

    def _hides_rows(self, text: str) -> bool:
        """Are there lines within the row that look like rows of their own?"""
        return any(line.count(",") >= len(self.header) - 1 for line in text.strip().splitlines()[1:])

    def _key(self, text: str) -> str | None:
        """The first cell, where it is the key: what is wrong behind it does not move it."""
        if not self.key_is_first:
            return None
        try:
            return next(csv.reader([text]), [""])[0]
        except csv.Error:
            return None


def _named(cells: pl.DataFrame, header: Sequence[str]) -> pl.DataFrame:
    """The cells under their headers; a header that stands twice is refused, for neither silently wins."""
    twice = next((name for name in header if list(header).count(name) > 1), None)
    if twice is not None:
        raise UnreadableDeliveryError("The header stands twice. Remove one: neither silently wins.", 1, twice[:60])
    return cells.rename(dict(zip(cells.columns, header, strict=True)))


def _refuse_swallowed_rows(delivery: Delivery) -> None:
    """A quote that is opened and closed rows later hides those rows: their subjects would seem to have left."""
    cells = delivery.cells
    for name in cells.columns:
        after_first_line = pl.col(name).str.replace(r"\A[^\r\n]*", "")
        commas = after_first_line.str.count_matches(",", literal=True)
        hidden = pl.col(name).str.contains(r"[\r\n]") & (commas >= cells.width - 1)
        positions = cells.select(hidden.fill_null(value=False).arg_true()).to_series()
        if len(positions):
            row = delivery.row_numbers()[positions[0]]
            raise UnreadableDeliveryError(_HIDDEN, row, name[:60])
