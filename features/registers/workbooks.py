"""Excel workbooks: the first sheet, its first row the headers.

Excel keeps 15 digits of a number: an identity number that was typed as a number has lost its end. Such cells are told
apart from text and set aside; guessing the digits would make another person of it.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import fastexcel
import polars as pl

from features.registers.deliveries import BrokenRow, Delivery, hash_of_file
from features.registers.errors import UnreadableDeliveryError

_MOST_BYTES = 2 << 30
_EXACT = 10**15
_CUT = "The id was typed as a number, and Excel has cut its end. Format the column as text and type it again."


def read_workbook(path: Path, key: str) -> Delivery:
    """Read a workbook.

    Args:
        path: the file.
        key: the header of the subject's id.

    Raises:
        UnreadableDeliveryError: it is no workbook, or has no headers.
    """
    _refuse_what_unpacks_too_large(path)
    try:
        book = fastexcel.read_excel(path)
        cells = book.load_sheet(0, header_row=None, skip_rows=0, dtypes="string").to_polars()
        if not cells.height:
            raise UnreadableDeliveryError("The first sheet is empty. Its first row names the columns.", 1)
        header = [str(name or "").strip() for name in cells.row(0)]
        numbers = None
        if key in header:
            numbers = book.load_sheet(
                0, header_row=None, skip_rows=0, dtypes="float", use_columns=[header.index(key)]
            ).to_polars()
    except fastexcel.FastExcelError as error:
        raise UnreadableDeliveryError(
            "This is not an Excel workbook (.xlsx), or it is damaged. Save it again."
        ) from error
    header = header[: max((at for at, name in enumerate(header, 1) if name), default=0)]
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None or not header:
        raise UnreadableDeliveryError("A header stands twice, or there is none.", 1, (twice or "")[:60] or None)
    rows = cells[1:, : len(header)].rename(dict(zip(cells.columns, header, strict=False)))
    blank = rows.select(pl.all_horizontal(pl.all().is_null())).to_series()
    cut = (
        pl.Series([False] * rows.height)
        if numbers is None
        else (numbers[1:].to_series() >= _EXACT).fill_null(value=False)
    )
    broken = [BrokenRow(int(position) + 2, _CUT) for position in cut.arg_true()]
    skipped = [int(position) + 2 for position in blank.arg_true()]
    return Delivery(path.name, "xlsx", hash_of_file(path), rows.filter(~blank & ~cut), 2, broken, skipped)


def _refuse_what_unpacks_too_large(path: Path) -> None:
    """A workbook is a zip archive; what it says it unpacks to is checked before anything is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(item.file_size for item in archive.infolist())
    except (zipfile.BadZipFile, ValueError) as error:
        raise UnreadableDeliveryError(
            "This is not an Excel workbook (.xlsx), or it is damaged. Save it again."
        ) from error
    if size > _MOST_BYTES:
        raise UnreadableDeliveryError("The workbook unpacks to more than 2 GB. Send it as CSV or Parquet.")
