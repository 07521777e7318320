"""Offline rows as tables of a PostgreSQL database, for installations that keep their facts there."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl
import psycopg
from psycopg import sql


def write_table(url: str, name: str, rows: pl.DataFrame) -> None:
    """Make a table of rows, replacing one of the same name."""
    table = sql.Identifier(name)
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(_type(dtype))) for column, dtype in rows.schema.items()
    )
    names = sql.SQL(", ").join(map(sql.Identifier, rows.columns))
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
        cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(table, columns))
        with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(table, names)) as copy:
            for row in rows.iter_rows():
                copy.write_row(row)
        cursor.execute(sql.SQL("CREATE INDEX ON {} ({})").format(table, sql.Identifier(rows.columns[0])))


def drop_tables(url: str, names: Iterable[str]) -> None:
    """Forget tables."""
    with psycopg.connect(url) as connection:
        for name in names:
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name)))


def _type(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.List):
        return "integer[]"
    if isinstance(dtype, pl.Datetime):
        return "timestamptz"
    return {pl.Boolean(): "boolean", pl.Int64(): "bigint", pl.Int32(): "integer"}.get(dtype, "text")
