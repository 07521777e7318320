"""Tables that leave as files: no cell is taken for a formula, and no fact of the highest sensitivity class is in them.

A cell that a spreadsheet could take for a formula gets an apostrophe in front, in CSV and in workbooks alike (whoever
has a workbook saves it as CSV); in workbooks text is text by its type as well. Numbers are written as numbers, exactly.

Source:
    OWASP ASVS 5.0, 1.2.10; OWASP, CSV Injection: also separators inside a cell begin a cell for a reader who splits
    otherwise. Sensitivity classes: features/facts/dictionary, 4 is the highest.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from defusedcsv import csv

from features.facts.dictionary import Dictionary, Fact
from features.registers.workbook_writing import Cell, write_workbook
from serving.security.errors import SensitiveExportError

Value = str | int | float | Decimal | dt.date | None
"""What a cell may say. Money is a Decimal or whole minor units."""

HIGHEST_CLASS: Final = 4
"""Facts of this sensitivity class are in no export."""
# `|` and `%` begin calls of other programs (DDE); U+2212 is the minus sign that typing aids put in.
_BEGINS_A_FORMULA: Final = frozenset("=+-@|%\t\r\n\x00\u2212")
# A reader who splits at another separator than ours begins a new cell behind it.
_BEGINS_A_CELL: Final = re.compile(r"[;\t\r\n]")
_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_EXACT_DIGITS: Final = 15
"""A spreadsheet keeps so many digits of a number: longer ones are written as text, and stay what they are."""


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """One column of an export.

    Attributes:
        header: what stands above it.
        facts: the facts that its cells are made of; empty for counts, codes and words of ours.
    """

    header: str
    facts: tuple[Fact, ...] = ()


def write_csv(path: Path, columns: Sequence[ExportColumn], rows: Iterable[Sequence[Value]], facts: Dictionary) -> None:
    """Write an export as CSV in UTF-8, with the mark by which spreadsheets know it.

    Raises:
        SensitiveExportError: a column is of the highest sensitivity class; nothing is written.
        ValueError: a row is not as wide as the header, or a number is not finite.
    """
    refuse_sensitive(columns, facts)
    with path.open("w", encoding="utf-8-sig", newline="", errors="replace") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerows(_cells(columns, rows))


def write_xlsx(path: Path, columns: Sequence[ExportColumn], rows: Iterable[Sequence[Value]], facts: Dictionary) -> None:
    """Write an export as a workbook: text as text, numbers as numbers, no formulas.

    Raises:
        SensitiveExportError, ValueError: as :func:`write_csv`.
    """
    refuse_sensitive(columns, facts)
    write_workbook(path, _cells(columns, rows))


def refuse_sensitive(columns: Sequence[ExportColumn], facts: Dictionary) -> None:
    """Refuse columns made of facts of the highest class, also where one is only named so.

    Args:
        columns: of the export.
        facts: the dictionary, for headers that name a fact which the column does not own up to.

    Raises:
        SensitiveExportError: there are such columns.
    """
    names = {name for fact in facts.facts.values() if fact.sensitivity >= HIGHEST_CLASS for name in _names(fact)}
    refused = [
        column.header
        for column in columns
        if any(fact.sensitivity >= HIGHEST_CLASS for fact in column.facts) or _plain(column.header) in names
    ]
    if refused:
        raise SensitiveExportError(refused)


def _names(fact: Fact) -> Iterator[str]:
    yield _plain(fact.id)
    yield from map(_plain, (fact.names.zh, fact.names.en))


def _plain(header: str) -> str:
    return "".join(unicodedata.normalize("NFKC", header).casefold().replace("_", " ").split())


def _cells(columns: Sequence[ExportColumn], rows: Iterable[Sequence[Value]]) -> Iterator[list[Cell]]:
    yield [neutralised(column.header) for column in columns]
    for number, row in enumerate(rows, 1):
        if len(row) != len(columns):
            raise ValueError(f"Row {number} of the export has {len(row)} cells under {len(columns)} headers.")
        yield [_cell(value) for value in row]


def _cell(value: Value) -> Cell:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.date):  # a moment is one too
        return value.isoformat()
    if isinstance(value, str):
        return neutralised(value)
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError("A number in the export is not finite.")
    if len(number.as_tuple().digits) > _EXACT_DIGITS:
        return f"{number:f}"  # digits, a point and a sign: no formula can be made of them
    return number


def neutralised(text: str) -> str:
    """A text that no spreadsheet takes for a formula, however it splits the file; other text stays as it is.

    What a file of XML cannot hold (NUL and the like) becomes U+FFFD.
    """
    kept, began = [], 0
    for end in [found.end() for found in _BEGINS_A_CELL.finditer(text)] + [len(text)]:
        kept.append(text[began:end])
        began = end
    return _NOT_IN_XML.sub("\ufffd", "".join(_harmless(part) for part in kept))


def _harmless(part: str) -> str:
    """The text of what somebody may take for one cell, with an apostrophe where it would begin a formula."""
    if part[:1] in _BEGINS_A_FORMULA and part:
        return "'" + part
    for character in part:
        if not _is_skipped(character):
            return "'" + part if unicodedata.normalize("NFKC", character)[:1] in _BEGINS_A_FORMULA else part
    return part


def _is_skipped(character: str) -> bool:
    """White space, controls and invisible characters: programs drop them from the beginning of a cell."""
    return character.isspace() or unicodedata.category(character) in {"Cc", "Cf", "Cn", "Co", "Cs"}
