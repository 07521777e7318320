"""Writing plain Excel workbooks: one sheet, text and numbers, no styles.

Source:
    ECMA-376, Office Open XML: the parts of the smallest workbook there is.
"""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape  # nosec B406 # it writes XML and reads none

Cell = str | int | float | Decimal | None

_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_SHEET}" xmlns:r="{_RELATIONS}">'
        '<sheets><sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    ),
}
_WRITTEN_AT = (1980, 1, 1, 0, 0, 0)
"""The same rows give the same bytes: archives hold times, ours always this one."""


class SheetFile:
    """A workbook of one sheet that is written from the first row to the last, so that no size of it is ever held.

    Args:
        path: the file.
        level: how hard to compress, 1 to 9; the archive's own default by default.
    """

    def __init__(self, path: Path, level: int | None = None) -> None:
        self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=level)
        for name, content in _PARTS.items():
            with self._part(name) as part:
                part.write((_HEAD + content).encode())
        self._sheet = self._part("xl/worksheets/sheet1.xml")
        self._sheet.write(f'{_HEAD}<worksheet xmlns="{_SHEET}"><sheetData>'.encode())

    def _part(self, name: str) -> IO[bytes]:
        info = zipfile.ZipInfo(name, _WRITTEN_AT)
        info.compress_type = zipfile.ZIP_DEFLATED
        return self._archive.open(info, "w", force_zip64=True)

    def write(self, rows: str) -> None:
        """Add rows, in SpreadsheetML: `<row><c …>…</c></row>`."""
        self._sheet.write(rows.encode())

    def close(self) -> None:
        """Finish the file."""
        self._sheet.write(b"</sheetData></worksheet>")
        self._sheet.close()
        self._archive.close()


def write_workbook(path: Path, rows: Iterable[Sequence[Cell]]) -> None:
    """Write rows to the first sheet of a workbook. The first row holds the headers."""
    with contextlib.closing(SheetFile(path)) as sheet:
        for number, row in enumerate(rows, 1):
            cells = "".join(_cell(number, position, cell) for position, cell in enumerate(row))
            sheet.write(f'<row r="{number}">{cells}</row>')


def _cell(row: int, position: int, cell: Cell) -> str:
    if cell is None or cell == "":
        return ""
    place = f"{_letters(position)}{row}"
    if isinstance(cell, str):
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
    return f'<c r="{place}"><v>{cell}</v></c>'


def _letters(position: int) -> str:
    """The name of a column: A to Z, then AA and so on."""
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
