"""Stop buttons. Meaning and promises: 0007_outbox_stops.sql."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Table, Text
from sqlalchemy.schema import Identity

from serving.store.tables.metadata import metadata

stop = Table(
    "stop",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("scope", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("pressed_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("pressed_at", DateTime(timezone=True), nullable=False),
    Column("released_first_by", Text),
    Column("released_first_at", DateTime(timezone=True)),
    Column("released_second_by", Text),
    Column("released_at", DateTime(timezone=True)),
)
