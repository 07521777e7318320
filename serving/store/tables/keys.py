"""Data keys of encrypted fields, and the declaration of the fields themselves. Meaning and promises: 0008_keys.sql."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.schema import FetchedValue, Identity

from serving.store.tables.metadata import metadata

_ROW = "encrypted_row"
_FIXED = "encrypted_fixed"
_COPY_OF = "encrypted_copy_of"


def _moment(name: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=None if nullable else FetchedValue())


data_key = Table(
    "data_key",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("kek", Integer),
    Column("wrapped", LargeBinary),
    _moment("made_at", nullable=False),
    _moment("retired_at"),
    _moment("destroyed_at"),
    Column("destroyed_because", Text),
)
key_rotation = Table(
    "key_rotation",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("what", Text, nullable=False),
    Column("kek", Integer),
    _moment("started_at", nullable=False),
    _moment("finished_at"),
)


def encrypted(*row: str, fixed: bool = False, copy_of: tuple[str, str] | None = None) -> dict[str, Any]:
    """What a column that holds encrypted fields says of itself: `Column(…, LargeBinary, info=encrypted("id"))`.

    Args:
        row: the columns of the same table that say which row a field belongs to; texts, whole numbers and uuids that
            are unique together, known before the row is written, and never changed. Where a row has nothing of the
            kind it has a column `sealed_as`, a random uuid.
        fixed: its rows are never rewritten (append-only), so that a rotation leaves them to the key they have.
        copy_of: table and column for which its fields were encrypted, where they are copied from there as they are.
    """
    return {_ROW: row, _FIXED: fixed, _COPY_OF: copy_of}


@dataclass(frozen=True, slots=True)
class EncryptedColumn:
    """A column of encrypted fields."""

    column: Column[Any]
    row: tuple[Column[Any], ...]
    fixed: bool

    @property
    def table(self) -> Table:
        """Where it is."""
        return self.column.table


def encrypted_columns(tables: MetaData) -> Iterator[EncryptedColumn]:
    """All columns that say they are encrypted."""
    for table in tables.sorted_tables:
        for column in table.columns:
            if _ROW in column.info:
                row = tuple(table.columns[name] for name in column.info[_ROW])
                yield EncryptedColumn(column, row, column.info[_FIXED])


def place_of(column: Column[Any]) -> tuple[str, str, tuple[str, ...]]:
    """For which table and column the fields of a column are encrypted, and which columns of their row say which it is.

    Raises:
        KeyError: it is not declared as encrypted.
    """
    table, name = column.info[_COPY_OF] or (column.table.name, column.name)
    return table, name, column.info[_ROW]
