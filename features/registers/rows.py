"""The rows of a delivery: whose they are, from when to when they hold, what they say; and which cannot be used.

A row that cannot be used still says that somebody is there: its subject gets a row of status `quarantined`, so that the
facts are unknown for that reason and nothing older is taken for the last word.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from features.facts.encoding import ID, link_columns
from features.facts.rowproblems import ROW as PROBLEM_ROW
from features.facts.rowproblems import RowProblems
from features.facts.vocabulary import Vocabulary
from features.history.records import (
    QUARANTINED,
    ROW,
    STATED,
    STATUS,
    STATUS_TYPE,
    TRUE_FROM,
    TRUE_TO,
    WITHDRAWN,
)
from features.registers.cells import read_cells, read_tidied_days, why_bad, why_no_day
from features.registers.contracts import Column, Table
from features.registers.deliveries import Delivery
from features.registers.errors import UnreadableDeliveryError
from features.registers.identifiers import WHY_NOT, read_ids
from features.registers.reports import ColumnCount

ROW_NUMBER = "@row"
_NO_START = "The day from which it holds is missing."
_NO_PERIOD = "It ends before it begins."
_TWO_ANSWERS = "Another row says something else of the same subject from the same day."
_BESIDE_BAD = "Another row of the same subject and day cannot be read."


@dataclass(frozen=True, slots=True)
class ReadRows:
    """What was read; `rows` is the frame for the history. The counts are those of `LoadReport`."""

    rows: pl.DataFrame
    problems: RowProblems
    attested_on: dt.date
    count: int
    stated: int
    withdrawn: int
    repeated: int
    nameless: int
    tidied: int
    columns: tuple[ColumnCount, ...]


def read_rows(
    table: Table, delivery: Delivery, vocabulary: Vocabulary, attested_on: dt.date, *, fixed: bool
) -> ReadRows:
    """Read the rows of a delivery whose columns are as agreed.

    Args:
        table: the contract.
        delivery: as it came.
        vocabulary: what areas there are.
        attested_on: the day it speaks for, unless a column says so.
        fixed: the day is known from elsewhere; a column does not change it.

    Raises:
        UnreadableDeliveryError: a column has a type that cannot hold what was agreed.
    """
    return _Reader(table, delivery, vocabulary, attested_on).read(fixed=fixed)


class _Reader:
    def __init__(self, table: Table, delivery: Delivery, vocabulary: Vocabulary, attested_on: dt.date) -> None:
        self.table, self.delivery, self.vocabulary, self.attested_on = table, delivery, vocabulary, attested_on
        self.cells = _said(table, delivery)
        self.numbers = self.cells[ROW_NUMBER]
        self.problems = RowProblems(None)
        self.tidied = 0

    def read(self, *, fixed: bool) -> ReadRows:
        if not fixed:
            self._find_attested_on()
        withdrawn = self._withdrawn()
        columns = {ID: self._ids()} | self._period()
        counts = []
        for column in self.table.columns:
            columns[column.fact.id], count = self._facts(column, withdrawn)
            counts.append(count)
        status = pl.select(pl.when(withdrawn).then(pl.lit(WITHDRAWN)).otherwise(pl.lit(STATED)).cast(STATUS_TYPE))
        frame = pl.DataFrame({**columns, STATUS: status.to_series(), ROW: self.numbers})
        frame, repeated = self._once(frame)
        good, quarantined, nameless = self._set_aside(frame)
        taken_back = good.filter(pl.col(STATUS) == WITHDRAWN).height
        rows = pl.concat([good, quarantined], how="diagonal") if quarantined.height else good
        return ReadRows(
            rows=rows.select(ID, *self.table.view.facts, TRUE_FROM, TRUE_TO, STATUS, ROW).sort(ROW),
            problems=self.problems,
            attested_on=self.attested_on,
            count=self.cells.height + len(self.delivery.broken),
            stated=good.height - taken_back,
            withdrawn=taken_back,
            repeated=repeated,
            nameless=nameless,
            tidied=self.tidied,
            columns=tuple(counts),
        )

    def _note(self, where: pl.Series, column: str | None, reasons: pl.Series | str) -> None:
        if where.any():
            self.problems.add(self.delivery.source, self.numbers.filter(where), column, reasons)

    # -- what is said of the row itself ---------------------------------------------------------------------------

    def _ids(self) -> pl.Series:
        cells = self.cells[self.table.key]
        ids = read_ids(cells)
        if ids is None:
            reason = f"The column holds {cells.dtype}; ids are text, for numbers lose their ends."
            raise UnreadableDeliveryError(reason, None, self.table.key)
        empty = cells.is_null() | (cells == "" if cells.dtype == pl.String else cells.is_null())
        self._note(empty, self.table.key, "The id is missing.")
        self._note(ids.is_null() & ~empty, self.table.key, WHY_NOT)
        if cells.dtype == pl.String:
            self.tidied += int((ids != cells).sum())
        return ids

    def _withdrawn(self) -> pl.Series:
        status = self.table.status
        if status is None:
            return pl.repeat(value=False, n=self.cells.height, eager=True)
        words = self.cells[status.header]
        if words.dtype != pl.String:
            words = words.cast(pl.String)
        words = words.str.strip_chars()
        known = words.is_in([status.stated, status.withdrawn]).fill_null(value=False)
        self._note(~known, status.header, f"The value is neither {status.stated} nor {status.withdrawn}.")
        return (words == status.withdrawn).fill_null(value=False)

    def _days(self, header: str) -> tuple[pl.Series, pl.Series]:
        """The days of a column, and where a cell is none."""
        days = read_tidied_days(self.cells[header], self.table.dates)
        if days is None:
            raise UnreadableDeliveryError(
                f"The column holds {self.cells[header].dtype}; it must hold dates or text.", None, header
            )
        return days

    def _period(self) -> dict[str, pl.Series]:
        """From when to when each row holds."""
        count = self.cells.height
        begin = pl.repeat(self.attested_on, count, dtype=pl.Date, eager=True)
        end = pl.repeat(None, count, dtype=pl.Date, eager=True)
        if self.table.true_from is not None:
            begin, bad = self._days(self.table.true_from)
            self._note(bad, self.table.true_from, why_no_day(self.table.dates))
            self._note(begin.is_null() & ~bad, self.table.true_from, _NO_START)
        if self.table.true_to is not None:
            end, bad = self._days(self.table.true_to)
            self._note(bad, self.table.true_to, why_no_day(self.table.dates))
            self._note((end <= begin).fill_null(value=False), self.table.true_to, _NO_PERIOD)
        return {TRUE_FROM: begin, TRUE_TO: end}

    def _find_attested_on(self) -> None:
        """The day that most rows name; rows that name another, or none, are set aside."""
        header = self.table.attested_on
        if header is None or not self.cells.height:
            return
        days, _ = self._days(header)
        common = days.drop_nulls().mode().sort()
        if not len(common):
            raise UnreadableDeliveryError("No row says for which day the delivery speaks.", None, header)
        self.attested_on = common[0]
        other = (days != self.attested_on).fill_null(value=True)
        self._note(other, header, f"The delivery speaks for {self.attested_on}; this row does not say so.")

    # -- what it says -------------------------------------------------------------------------------------------------

    def _facts(self, column: Column, withdrawn: pl.Series) -> tuple[pl.Series, ColumnCount]:
        """The values of a column; what a row says that is taken back is not read."""
        cells = self.cells[column.header]
        areas = self.vocabulary.areas
        read = read_cells(cells, column, areas)
        if read is None:
            reason = f"The column holds {cells.dtype}; it cannot be read as a fact of type `{column.fact.type.kind}`."
            raise UnreadableDeliveryError(reason, None, column.header)
        bad = read.bad & ~withdrawn
        if bad.any():
            self._note(bad, column.header, why_bad(read.written.filter(bad), column, areas))
        self.tidied += read.tidied
        values = read.values
        if withdrawn.any():
            values = pl.select(pl.when(~withdrawn).then(values)).to_series()
        known, wrong = values.len() - values.null_count(), int(bad.sum())
        count = ColumnCount(column.header, column.fact.id, known, values.len() - known - wrong, wrong)
        return values, count

    # -- rows among themselves ----------------------------------------------------------------------------------------

    def _once(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        """Rows that say the same twice are taken once; rows of one subject and day that disagree are set aside."""
        if frame[ID].n_unique() == frame.height:
            return frame, 0
        key = [ID, TRUE_FROM]
        usable = frame.filter(pl.all_horizontal(pl.col(key).is_not_null()) & ~pl.col(ROW).is_in(self._bad().implode()))
        several = usable.filter(pl.struct(key).is_duplicated())
        if not several.height:
            return frame, 0
        once = several.unique([c for c in frame.columns if c != ROW], keep="first", maintain_order=True)
        repeated = several.join(once, on=ROW, how="anti")
        disagree = once.filter(pl.struct(key).is_duplicated())
        if disagree.height:
            self.problems.add(self.delivery.source, disagree[ROW], self.table.key, _TWO_ANSWERS)
        if repeated.height:
            frame = frame.join(repeated.select(ROW), on=ROW, how="anti", maintain_order="left")
        return frame, repeated.height

    def _bad(self) -> pl.Series:
        """The numbers of the rows that have a mistake as far as is known."""
        return self.problems.table[PROBLEM_ROW].unique()

    def _set_aside(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, int]:
        """The rows that can be used; for the subjects of the others one row each; and how many of them have no name."""
        broken = _broken_rows(self.delivery)
        for row in self.delivery.broken:
            self.problems.add(self.delivery.source, pl.Series([row.row], dtype=pl.UInt32), None, row.reason)
        if not self.problems.total:
            return frame, frame.clear(), 0
        is_bad = pl.col(ROW).is_in(self._bad().implode())
        bad, good = frame.filter(is_bad), frame.filter(~is_bad)
        start = pl.col(TRUE_FROM).fill_null(self.attested_on)
        links = [name for name in self.table.view.facts if name in link_columns(self.vocabulary, self.table.kind)]
        rows = pl.concat([bad.select(ID, TRUE_FROM, ROW, *links), broken], how="diagonal")
        named = rows.filter(pl.col(ID).is_not_null()).with_columns(start)
        named = named.group_by(ID, TRUE_FROM, maintain_order=True).agg(pl.col(ROW).first(), *map(_agreed, links))
        beside = good.join(named.select(ID, TRUE_FROM), on=[ID, TRUE_FROM], how="semi")
        if beside.height:
            self.problems.add(self.delivery.source, beside[ROW], self.table.key, _BESIDE_BAD)
            good = good.join(beside.select(ROW), on=ROW, how="anti", maintain_order="left")
        quarantined = named.with_columns(pl.lit(QUARANTINED, dtype=STATUS_TYPE).alias(STATUS))
        return good, quarantined, int(rows[ID].null_count())


def _said(table: Table, delivery: Delivery) -> pl.DataFrame:
    """The columns agreed, without rows that say nothing at all, with their numbers in `@row`."""
    cells = delivery.cells
    absent = [pl.lit(None, dtype=pl.String).alias(h) for h in table.headers if h not in cells.columns]
    cells = cells.with_columns(absent) if absent else cells  # a message leaves out what it does not say
    cells = cells.select(table.headers).with_columns(delivery.row_numbers().alias(ROW_NUMBER))
    blank = _blank(cells, (table.key,))
    if blank.any():  # a row that says nothing at all has no key either: look at the rest only then
        blank = _blank(cells, table.headers)
    return cells.filter(~blank) if blank.any() else cells


def _blank(cells: pl.DataFrame, headers: Sequence[str]) -> pl.Series:
    """Which rows have nothing, or only spaces, under all of these headers."""
    empty = [pl.col(h).is_null() | _only_spaces(pl.col(h), cells.schema[h]) for h in headers]
    return cells.select(pl.all_horizontal(empty)).to_series()


def _only_spaces(cell: pl.Expr, kind: pl.DataType) -> pl.Expr:
    return (cell.str.strip_chars() == "").fill_null(value=True) if kind == pl.String else pl.lit(value=False)


def _agreed(link: str) -> pl.Expr:
    """What rows of one subject say of a link, where they agree: it shows whose household they are unknown in."""
    return pl.when(pl.col(link).n_unique() == 1).then(pl.col(link).first()).alias(link)


def _broken_rows(delivery: Delivery) -> pl.DataFrame:
    """Rows that are none of the table: their subjects, where a key could be read."""
    keys = pl.Series([row.key for row in delivery.broken], dtype=pl.String)
    ids = read_ids(keys)
    assert ids is not None, "text can hold ids"
    numbers = pl.Series([row.row for row in delivery.broken], dtype=pl.UInt32)
    return pl.DataFrame({ID: ids, TRUE_FROM: pl.repeat(None, len(ids), dtype=pl.Date, eager=True), ROW: numbers})
