"""A sheet in the words of its contract: headers, codes, dates and amounts as the department writes them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from features.city.deliveries.planting import Planted
from features.history.records import STATED, STATUS, TRUE_FROM
from features.registers.contracts import DATE_FORMS, Column
from features.registers.writing import written_cells

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
    kind = column.fact.type.kind
    whole = kind == "integer" or (kind == "money" and column.money == "fen")
    return values if typed and (kind in ("boolean", "date") or whole) else written_cells(values, column)


def _day(days: pl.Series, form: str, typed: bool) -> pl.Series:
    return days if typed else days.dt.strftime(DATE_FORMS[form])


def _names(count: int, header: str) -> pl.Series:
    """Made-up names for a column that nobody reads; they follow the row, not the person."""
    at = np.arange(count, dtype=np.uint32)
    if "姓名" not in header:
        return pl.Series(["样本城第"]).new_from_index(0, count) + pl.Series(at).cast(pl.String) + "号"
    surname, given = pl.Series(list(SURNAMES)), pl.Series(list(GIVEN))
    first = surname.gather(pl.Series(at * 7 % len(SURNAMES)))
    return first + given.gather(pl.Series(at * 13 % len(GIVEN))) + given.gather(pl.Series(at * 5 // 3 % len(GIVEN)))
