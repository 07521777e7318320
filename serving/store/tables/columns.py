"""Columns that most tables have."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime
from sqlalchemy.schema import Identity


def own_number() -> Column[int]:
    """The row's number, which PostgreSQL gives."""
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def moment(name: str, *, nullable: bool = False) -> Column[object]:
    """A moment, in UTC."""
    return Column(name, DateTime(timezone=True), nullable=nullable)
