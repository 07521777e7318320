"""A sheet in the words of its contract: headers, codes, dates and amounts as the department writes them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from features.city.deliveries.planting import Planted
from features.facts.population import NONE
from features.history.records import STATED, STATUS, TRUE_FROM
from features.registers.contracts import DATE_FORMS, MONEY_UNITS, Column

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
GIVEN = "安邦昌达恩芳刚海慧佳健静康兰丽敏宁平琪荣山书婷伟文晓欣雅怡颖勇宇云泽哲珍志忠"


def in_words(planted: Planted, attested_on: dt.date, typed: bool) -> pl.DataFrame:
    """The table as delivered.

    Args:
        planted: rows and faults.
        attested_on: the day for which the delivery speaks.
        typed: leave days, truths and whole numbers typed (Parquet); all is text otherwise.
    """
    table, rows = planted.sheet.table, planted.sheet.rows
    found: dict[str, pl.Series] = {table.key: rows.get_column("id")}
    for column in table.columns:
        written = _written(rows.get_column(column.fact.id), column, typed)
        if column.fact.id in planted.words:
            at, word = planted.words[column.fact.id]
            written = written.scatter(pl.Series(at.astype(np.uint32)), pl.Series([word] * len(at)))
        found[column.header] = written
    empty = pl.Series([None], dtype=pl.String).new_from_index(0, rows.height)
    for header in table.ignored[:1]:
        found[header] = _names(rows.height, header)
    if table.true_from is not None and table.true_from not in found:
        found[table.true_from] = _day(rows.get_column(TRUE_FROM), table.dates, typed)
    if table.true_to is not None:
        found[table.true_to] = empty.cast(pl.Date) if typed else empty
    if table.attested_on is not None:
        day = pl.Series([attested_on], dtype=pl.Date).new_from_index(0, rows.height)
        found[table.attested_on] = _day(day, table.dates, typed)
    if table.status is not None:
        words = {STATED: table.status.stated}
        found[table.status.header] = rows.get_column(STATUS).replace_strict(words, default=table.status.withdrawn)
    return pl.DataFrame([series.alias(name) for name, series in found.items()])


def _written(values: pl.Series, column: Column, typed: bool) -> pl.Series:
    kind, name = column.fact.type.kind, values.name
    if kind == "boolean":
        if typed:
            return values
        return values.replace_strict({True: column.yes[0], False: column.no[0]}, default=None, return_dtype=pl.String)
    if kind == "code":
        words: dict[str, str] = {}
        for word, code in column.codes.items():
            words.setdefault(code, word)
        return values.cast(pl.String).replace_strict(words, default=None, return_dtype=pl.String)
    if kind == "date":
        return _day(values, column.dates, typed)
    if kind == "id":
        return values.replace(NONE, column.nobody)
    if kind == "months":
        return _months(values)
    if kind in ("integer", "number", "money"):
        decimals = MONEY_UNITS[column.money or "yuan"] if kind == "money" else column.fact.type.decimals
        if decimals == 0:
            return values if typed else values.cast(pl.String)
        shown = pl.col(name).cast(pl.Decimal(38, 0)) / 10**decimals
        return values.to_frame().select(shown.cast(pl.Decimal(38, decimals)).cast(pl.String)).to_series()
    return values.cast(pl.String)


def _day(days: pl.Series, form: str, typed: bool) -> pl.Series:
    return days if typed else days.dt.strftime(DATE_FORMS[form])


def _months(values: pl.Series) -> pl.Series:
    """Runs of months, like 2024-01..2025-02; `;` says that there is none."""
    def month(number: pl.Expr) -> pl.Expr:
        return pl.format("{}-{}", number // 12, (number % 12 + 1).cast(pl.String).str.zfill(2))

    run = pl.concat_str(month(pl.col("v").list.first()), pl.lit(".."), month(pl.col("v").list.last()))
    text = pl.when(pl.col("v").list.len() > 0).then(run).when(pl.col("v").is_not_null()).then(pl.lit(";"))
    return values.alias("v").to_frame().select(text.alias(values.name)).to_series()


def _names(count: int, header: str) -> pl.Series:
    """Made-up names for a column that nobody reads; they follow the row, not the person."""
    at = np.arange(count, dtype=np.uint32)
    if "姓名" not in header:
        return pl.Series(["样本城第"]).new_from_index(0, count) + pl.Series(at).cast(pl.String) + "号"
    surname, given = pl.Series(list(SURNAMES)), pl.Series(list(GIVEN))
    first = surname.gather(pl.Series(at * 7 % len(SURNAMES)))
    return first + given.gather(pl.Series(at * 13 % len(GIVEN))) + given.gather(pl.Series(at * 5 // 3 % len(GIVEN)))
