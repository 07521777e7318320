"""Tables of a department's exchange database (PostgreSQL), read as text in the words of the contract.

`COPY … TO STDOUT` gives every value exactly as the database writes it; days and yes or no are asked for in the words of
the contract, so that a table reads like the file it replaces. Rows are counted from 1 in the order of their content.
"""

from __future__ import annotations

import hashlib

import polars as pl
import psycopg
from psycopg import sql

from features.registers.contracts import Column, Table
from features.registers.csv_deliveries import Rows
from features.registers.deliveries import Delivery
from features.registers.errors import UnreadableDeliveryError

_DAYS = {"YYYY-MM-DD": "YYYY-MM-DD", "YYYYMMDD": "YYYYMMDD", "YYYY/MM/DD": "YYYY/MM/DD",
         "YYYY年MM月DD日": 'YYYY"年"MM"月"DD"日"'}  # fmt: skip
_BOOLEAN, _DATE = 16, 1082
"""The type codes of PostgreSQL for yes or no, and for a day."""


def read_relation(connection_url: str, table: Table) -> Delivery:
    """Read a table of another database, in one read-only transaction.

    Raises:
        UnreadableDeliveryError: the database cannot be reached, or the table is not there or not ours to read.
    """
    assert table.relation is not None, "the contract names a relation where `postgres` is one of its formats"
    name = sql.Identifier(*table.relation.split("."))
    try:
        with psycopg.connect(connection_url) as connection:
            connection.read_only = True
            with connection.cursor() as cursor:
                cursor.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(name))
                types = {column.name: column.type_code for column in cursor.description or ()}
                data = _copied(cursor, name, types, table)
    except psycopg.Error as error:
        # The server's own words may repeat a value; the class of the error does not.
        reason = f"The table `{table.relation}` cannot be read ({type(error).__name__}). Ask who keeps the database."
        raise UnreadableDeliveryError(reason) from error
    rows = Rows(list(types), table.key)
    cells = rows.read(data)
    cells = cells.sort(pl.all()) if cells.width else cells
    digest = hashlib.sha256(cells.write_csv().encode()).hexdigest()
    return Delivery(table.relation, "postgres", digest, cells, 1, rows.broken)


def _copied(
    cursor: psycopg.Cursor[tuple[object, ...]], name: sql.Identifier, types: dict[str, int], table: Table
) -> bytes:
    """The table as CSV; columns that are never read are not fetched."""
    columns = {column.header: column for column in table.columns}
    wanted = [_as_written(header, kind, columns.get(header), table) for header, kind in types.items()]
    query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT csv, HEADER, ENCODING 'UTF8')").format(
        sql.SQL(", ").join(wanted), name
    )
    with cursor.copy(query) as copy:
        return b"".join(bytes(part) for part in copy)


def _as_written(header: str, kind: int, column: Column | None, table: Table) -> sql.Composable:
    name = sql.Identifier(header)
    if header in table.ignored:
        return sql.SQL("NULL AS {}").format(name)
    if kind == _BOOLEAN and column is not None:
        return sql.SQL("CASE WHEN {} THEN {} WHEN NOT {} THEN {} END AS {}").format(
            name, sql.Literal(column.yes[0]), name, sql.Literal(column.no[0]), name
        )
    if kind == _DATE:
        form = _DAYS[column.dates if column is not None else table.dates]
        return sql.SQL("to_char({}, {}) AS {}").format(name, sql.Literal(form), name)
    return name
