"""The cells of one column of a delivery to values of its fact, whole columns at a time.

What cannot be read is null and counted as bad; what had to be tidied first (spaces, full-width digits) is counted too.
A reason names the words that a cell may hold, never the word that it held.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import polars as pl

from features.facts.areas import Areas
from features.facts.conversion import convert
from features.facts.dictionary import Fact
from features.facts.encoding import column_type
from features.facts.population import NONE
from features.facts.reading import UnreadableValueError, read_value
from features.facts.units import FIRST_DAY, LAST_DAY
from features.registers.contracts import DATE_FORMS, MONEY_UNITS, Column
from features.registers.garbling import looks_garbled
from features.registers.identifiers import WHY_NOT, half_width, read_ids

_LONGEST_REASONED = 4_000
_MOST_WORDS_SHOWN = 12
_DATE_PATTERNS = {
    "YYYY-MM-DD": r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z",
    "YYYYMMDD": r"\A[0-9]{8}\z",
    "YYYY/MM/DD": r"\A[0-9]{4}/[0-9]{2}/[0-9]{2}\z",
    "YYYY年MM月DD日": r"\A[0-9]{4}年[0-9]{2}月[0-9]{2}日\z",
}
_TYPED_DAY = r"\A([0-9]{4}-[0-9]{2}-[0-9]{2}) 00:00:00\z"
"""How a day that was typed as a day in a workbook reads as text."""


@dataclass(frozen=True, slots=True)
class ReadCells:
    """One column, read.

    Attributes:
        values: encoded as `features.facts.encoding` says; null where empty or bad.
        bad: where a cell is not empty and cannot be read.
        tidied: how many cells could be read only without spaces or with plain digits.
        written: the cells as text, to tell the reason of a bad one.
    """

    values: pl.Series
    bad: pl.Series
    tidied: int
    written: pl.Series


def read_cells(raw: pl.Series, column: Column, areas: Areas) -> ReadCells | None:
    """Read a column of cells; None where the column's type cannot hold the fact."""
    cells = _without_blanks(raw)
    values = _values(cells, column, areas)
    if values is None:
        return None
    bad = cells.is_not_null() & values.is_null()
    tidied = 0
    if cells.dtype == pl.String and bad.any():
        again = pl.DataFrame({"cell": cells, "bad": bad}).select(pl.when("bad").then(half_width(pl.col("cell"))))
        second = _values(_without_blanks(again.to_series()), column, areas)
        assert second is not None, "text was accepted before"
        tidied = second.len() - second.null_count()
        values = values.zip_with(values.is_not_null(), second)
        bad = cells.is_not_null() & values.is_null()
    return ReadCells(values.alias(raw.name), bad, tidied, cells)


def _without_blanks(raw: pl.Series) -> pl.Series:
    """Cells without space around them; what is empty then is null."""
    if isinstance(raw.dtype, pl.Categorical | pl.Enum):
        raw = raw.cast(pl.String)
    if raw.dtype != pl.String:
        return raw
    text = pl.col(raw.name).str.strip_chars()
    return raw.to_frame().select(pl.when(text != "").then(text).alias(raw.name)).to_series()


def _values(cells: pl.Series, column: Column, areas: Areas) -> pl.Series | None:
    kind = column.fact.type.kind
    if cells.dtype == pl.Null:
        return cells.cast(column_type(column.fact, areas))
    if kind == "id":
        return _links(cells, column)
    if kind == "code":
        return _codes(cells, column, areas)
    if cells.dtype == pl.String and kind == "boolean":
        return _yes_or_no(cells, column)
    if cells.dtype == pl.String and kind == "date":
        return read_days(cells, column.dates)
    if kind == "area" and cells.dtype.is_integer():
        cells = cells.cast(pl.String)
    return convert(cells, as_written(column), areas)


def as_written(column: Column) -> Fact:
    """The fact in the unit in which the department writes it: money in fen is a whole number of them."""
    fact = column.fact
    if column.money is None or MONEY_UNITS[column.money]:
        return fact
    return dataclasses.replace(fact, type=dataclasses.replace(fact.type, kind="integer"))


def _links(cells: pl.Series, column: Column) -> pl.Series | None:
    ids = read_ids(cells)
    if ids is None or cells.dtype != pl.String:
        return ids
    nobody = (cells == column.nobody).fill_null(value=False)
    return ids.zip_with(~nobody, pl.Series([NONE])) if nobody.any() else ids


def _codes(cells: pl.Series, column: Column, areas: Areas) -> pl.Series | None:
    if cells.dtype.is_integer():
        cells = cells.cast(pl.String)
    if cells.dtype != pl.String:
        return None
    kind = column_type(column.fact, areas)
    return cells.replace_strict(dict(column.codes), default=None, return_dtype=kind)


def _yes_or_no(cells: pl.Series, column: Column) -> pl.Series:
    words = {"true": True, "false": False} | dict.fromkeys(column.yes, True) | dict.fromkeys(column.no, False)
    return cells.replace_strict(words, default=None, return_dtype=pl.Boolean)


def read_days(cells: pl.Series, form: str) -> pl.Series | None:
    """Days of the calendar from text in one of `DATE_FORMS`, or from typed days; None where the type will not do."""
    if cells.dtype == pl.Null:
        return cells.cast(pl.Date)
    if cells.dtype == pl.String:
        text = pl.col("cell")
        days = pl.when(text.str.contains(_DATE_PATTERNS[form])).then(text).str.to_date(DATE_FORMS[form], strict=False)
        typed = text.str.extract(_TYPED_DAY).str.to_date("%Y-%m-%d", strict=False)
        day = pl.coalesce(days, typed)
        frame = pl.DataFrame({"cell": cells})
    elif cells.dtype == pl.Date or (isinstance(cells.dtype, pl.Datetime) and cells.dtype.time_zone is None):
        day = pl.col("cell").cast(pl.Date)
        frame = pl.DataFrame({"cell": cells})
        if cells.dtype != pl.Date:
            day = pl.when(day.cast(cells.dtype) == pl.col("cell")).then(day)
    else:
        return None
    return frame.select(pl.when(day.is_between(FIRST_DAY, LAST_DAY)).then(day)).to_series()


def read_tidied_days(raw: pl.Series, form: str) -> tuple[pl.Series, pl.Series] | None:
    """The days of a column, after tidying where need be, and where a cell is none. See :func:`read_days`."""
    cells = _without_blanks(raw)
    days = read_days(cells, form)
    if days is None:
        return None
    bad = cells.is_not_null() & days.is_null()
    if cells.dtype == pl.String and bad.any():
        tidied = pl.DataFrame({"cell": cells}).select(half_width(pl.col("cell"))).to_series()
        again = read_days(tidied, form)
        assert again is not None, "text was accepted before"
        days = days.zip_with(~bad, again)
        bad = cells.is_not_null() & days.is_null()
    return days, bad


def why_bad(written: pl.Series, column: Column, areas: Areas) -> pl.Series:
    """The reason of each bad cell, in words that do not repeat it."""
    texts = _as_text(written)
    distinct = texts.unique().to_list()
    return texts.replace_strict(distinct, [_reason(text, column, areas) for text in distinct], return_dtype=pl.String)


def _as_text(cells: pl.Series) -> pl.Series:
    if cells.dtype == pl.String:
        return cells
    if cells.dtype.is_nested():
        return pl.Series(["\ufffd"] * len(cells), dtype=pl.String)
    return pl.Series([str(cell) for cell in cells], dtype=pl.String)


def _reason(text: str, column: Column, areas: Areas) -> str:
    if len(text) > _LONGEST_REASONED:
        return f"The cell holds more than {_LONGEST_REASONED:,} characters."
    if looks_garbled(text):
        return "The text is garbled (saved in one encoding, read in another)."
    kind = column.fact.type.kind
    if kind == "id":
        return WHY_NOT
    if kind == "code":
        return f"The value is none of the words agreed ({_listed(list(column.codes))})."
    if kind == "boolean":
        return f"The value is neither {'/'.join(column.yes)} nor {'/'.join(column.no)}."
    if kind == "date":
        return why_no_day(column.dates)
    try:
        read_value(as_written(column), text, areas)
    except UnreadableValueError as error:
        return f"The value {error}."
    return "The value does not fit its fact."


def why_no_day(form: str) -> str:
    """Why a cell is no day, in words."""
    return f"The value is not a day of the calendar from {FIRST_DAY.year} to {LAST_DAY.year}, written like {form}."


def _listed(words: list[str]) -> str:
    more = ", …" if len(words) > _MOST_WORDS_SHOWN else ""
    return ", ".join(words[:_MOST_WORDS_SHOWN]) + more
