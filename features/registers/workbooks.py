"""Excel workbooks: the first sheet, its first row the headers.

Excel keeps 15 digits of a number: an identity number that was typed as a number has lost its end. Such cells are told
apart from text and set aside; guessing the digits would make another person of it.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Literal

import fastexcel
import polars as pl

from features.registers.contracts import Table
from features.registers.deliveries import BrokenRow, Delivery, hash_of_file, refuse_no_header
from features.registers.errors import UnreadableDeliveryError

_MOST_BYTES = 2 << 30
_EXACT = 10**15
_NO_WORKBOOK = "This is not an Excel workbook (.xlsx), or it is damaged. Save it again."
_CUT = "The id was typed as a number, and Excel has cut its end. Format the column as text and type it again."


def read_workbook(path: Path, table: Table) -> Delivery:
    """Read a workbook.

    Args:
        path: the file.
        table: its contract.

    Raises:
        UnreadableDeliveryError: it is no workbook, or has no headers.
    """
    _refuse_what_unpacks_too_large(path)
    try:
        book = fastexcel.read_excel(path)
        cells = book.load_sheet(0, header_row=None, skip_rows=0, dtypes="string").to_polars()
        if not cells.height:
            raise UnreadableDeliveryError("The first sheet is empty. Its first row names the columns.", 1)
        header = _header(cells)
        refuse_no_header(header, table, 1)
        cut = _cut_ids(book, header, table, cells.height)
    except fastexcel.FastExcelError as error:
        raise UnreadableDeliveryError(_NO_WORKBOOK) from error
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        reason = "The header stands twice. Remove one: neither silently wins."
        raise UnreadableDeliveryError(reason, 1, twice[:60] or None)
    rows = cells[1:, : len(header)].rename(dict(zip(cells.columns, header, strict=False)))
    blank = rows.select(pl.all_horizontal(pl.all().is_null())).to_series()
    broken = [BrokenRow(int(position) + 2, _CUT) for position in cut.arg_true()]
    skipped = [int(position) + 2 for position in blank.arg_true()]
    return Delivery(path.name, "xlsx", hash_of_file(path), rows.filter(~blank & ~cut), 2, broken, skipped)


def _header(cells: pl.DataFrame) -> list[str]:
    """The first row, without the empty cells behind the last header."""
    header = [str(name or "").strip() for name in cells.row(0)]
    return header[: max((at for at, name in enumerate(header, 1) if name), default=0)]


def _cut_ids(book: fastexcel.ExcelReader, header: list[str], table: Table, height: int) -> pl.Series:
    """In which rows an id was typed as a number that is longer than Excel keeps."""
    ids = [table.key, *(column.header for column in table.columns if column.fact.type.kind == "id")]
    places = [header.index(name) for name in ids if name in header]
    if not places:
        return pl.repeat(value=False, n=height - 1, eager=True)
    cut = pl.repeat(value=False, n=height - 1, eager=True)
    for place in places:
        cut |= _cut_in(book, place)
    return cut


def _cut_in(book: fastexcel.ExcelReader, place: int) -> pl.Series:
    """In which rows of a column a number stands that is longer than Excel keeps."""

    def column(coercion: Literal["coerce", "strict"]) -> pl.Series:
        sheet = book.load_sheet(
            0, header_row=0, use_columns=[place], schema_sample_rows=None, dtype_coercion=coercion, skip_rows=0
        )
        return sheet.to_polars().to_series()

    cells = column("coerce")
    if cells.dtype.is_numeric():
        return (cells >= _EXACT).fill_null(value=False)
    if cells.dtype != pl.String:
        return pl.repeat(value=False, n=len(cells), eager=True)
    try:
        column("strict")
    except fastexcel.UnsupportedColumnTypeCombinationError:
        # Text and numbers: a number shows itself by being what a floating-point number can hold to the last digit. One
        # text in a hundred does so too, and is set aside with them.
        whole = cells.str.strip_chars().cast(pl.Int128, strict=False)
        held = whole.cast(pl.Float64).cast(pl.Int128)
        return ((whole >= _EXACT) & (whole == held)).fill_null(value=False)
    return pl.repeat(value=False, n=len(cells), eager=True)


def _refuse_what_unpacks_too_large(path: Path) -> None:
    """A workbook is a zip archive; what it says it unpacks to is checked before anything is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(item.file_size for item in archive.infolist())
    except (zipfile.BadZipFile, ValueError) as error:
        raise UnreadableDeliveryError(_NO_WORKBOOK) from error
    if size > _MOST_BYTES:
        raise UnreadableDeliveryError("The workbook unpacks to more than 2 GB. Send it as CSV or Parquet.")
