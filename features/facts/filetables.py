"""One file of facts to one table: every cell converted or, where that fails, reported with its row and column."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import polars as pl

from features.facts.areas import Areas
from features.facts.conversion import accepted_types, convert, convert_id
from features.facts.dictionary import Fact
from features.facts.encoding import ID, link_columns
from features.facts.rawfiles import RawFile, UnreadableFileError
from features.facts.reading import UnreadableValueError, read_value
from features.facts.rowproblems import RowProblems
from features.facts.vocabulary import Vocabulary

ROW = "@row"
"""The column that holds each row's number as counted in the file."""


def read_table(
    raw: RawFile, kind: str, vocabulary: Vocabulary, problems: RowProblems, on_rows: Callable[[int], None]
) -> pl.DataFrame:
    """The table of a file whose columns are known, with the row numbers of the file in the column `@row`.

    Raises:
        UnreadableFileError: the file is damaged, or a column has a type that cannot hold its fact.
    """
    return _Reader(raw, kind, vocabulary, problems).read(on_rows)


class _Reader:
    def __init__(self, raw: RawFile, kind: str, vocabulary: Vocabulary, problems: RowProblems) -> None:
        self.raw = raw
        self.areas: Areas = vocabulary.areas
        self.problems = problems
        links = link_columns(vocabulary, kind)
        facts = vocabulary.dictionary.facts
        self.facts: dict[str, Fact | None] = {c: None if c == ID or c in links else facts[c] for c in raw.columns}
        self.parts: list[pl.DataFrame] = []
        self.blank: list[pl.Series] = []
        self.unread: list[tuple[str, pl.Series, pl.Series]] = []
        self.count = 0

    def read(self, on_rows: Callable[[int], None]) -> pl.DataFrame:
        for batch in self.raw.batches():
            self._take(batch)
            self.count += batch.height
            on_rows(batch.height)
        numbers = self._row_numbers()
        for column, positions, reasons in self.unread:
            self.problems.add(self.raw.path.name, numbers.gather(positions), column, reasons)
        for row, cells in self.raw.broken:
            reason = f"The row has {cells} cells, the header {len(self.raw.columns)}."
            self.problems.add(self.raw.path.name, pl.Series([row], dtype=pl.UInt32), None, reason)
        if not self.parts:
            self._take(pl.DataFrame(schema=dict.fromkeys(self.raw.columns, pl.String)))
        table = pl.concat(self.parts, rechunk=True).with_columns(numbers.alias(ROW))
        self.parts.clear()
        blank = pl.concat(self.blank)
        return table.filter(~blank) if blank.any() else table

    def _take(self, batch: pl.DataFrame) -> None:
        columns = []
        for name, fact in self.facts.items():
            cells = batch.get_column(name)
            if cells.dtype == pl.String:
                cells = pl.select(pl.when(cells != "").then(cells).alias(name)).to_series()
            values = convert_id(cells) if fact is None else convert(cells, fact, self.areas)
            if values is None:
                raise UnreadableFileError(_wrong_type(name, fact, cells.dtype), self._first_row(cells))
            if fact is not None:
                self._note_unread(name, fact, cells, values)
            columns.append(values.alias(name))
        self.parts.append(pl.DataFrame(columns))
        self.blank.append(batch.select(pl.all_horizontal(pl.all().is_null())).to_series())

    def _first_row(self, cells: pl.Series) -> int:
        return self.raw.first_row + self.count + int(cells.is_not_null().arg_max() or 0)

    def _note_unread(self, name: str, fact: Fact, cells: pl.Series, values: pl.Series) -> None:
        if values.null_count() == cells.null_count():
            return
        positions = (cells.is_not_null() & values.is_null()).arg_true()
        texts = _as_text(cells.gather(positions))
        distinct = texts.unique()
        reasons = {text: _reason(fact, text, self.areas) for text in distinct}
        self.unread.append(
            (name, positions.cast(pl.UInt32) + self.count, texts.replace_strict(reasons, return_dtype=pl.String))
        )

    def _row_numbers(self) -> pl.Series:
        """The number of each row in the file: broken rows have numbers too, but are in no batch."""
        broken = np.array([row for row, _ in self.raw.broken], dtype=np.int64)
        every = np.arange(self.raw.first_row, self.raw.first_row + self.count + len(broken))
        return pl.Series(np.setdiff1d(every, broken, assume_unique=True), dtype=pl.UInt32)


def _wrong_type(name: str, fact: Fact | None, dtype: pl.DataType) -> str:
    wanted = "text or whole numbers" if fact is None else accepted_types(fact)
    return f"The column `{name}` holds {dtype}; it must hold {wanted}."


def _as_text(cells: pl.Series) -> pl.Series:
    """Cells as they would be written in a CSV file."""
    if cells.dtype == pl.String:
        return cells
    if isinstance(cells.dtype, pl.List):
        return cells.list.join(";")
    if cells.dtype.is_float():
        written = [f"{Decimal(repr(cell)):f}" for cell in cells]
        return pl.Series(written, dtype=pl.String)
    return pl.Series([str(cell) for cell in cells], dtype=pl.String)


def _reason(fact: Fact, text: str, areas: Areas) -> str:
    """Why a cell cannot be read, without what it holds."""
    try:
        read_value(fact, text.lower() if fact.type.kind == "boolean" else text, areas)
    except UnreadableValueError as error:
        return f"The value {error}."
    return "The value does not fit its fact."
