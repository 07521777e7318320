"""Tiers and their reasons, the health of registers, demotions. Meaning and promises: 0005_tiers.sql."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.schema import FetchedValue, Identity

from serving.store.tables.metadata import metadata


def _moment(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


ruling = Table(
    "ruling",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("tier", Text, nullable=False),
    Column("reasons", JSONB, nullable=False),
)
tiering_run = Table(
    "tiering_run",
    metadata,
    Column("sweep", Integer, primary_key=True),
    Column("terms", Text, nullable=False),
    Column("is_full", Boolean, nullable=False),
    _moment("started_at"),
    _moment("completed_at", nullable=True),
    Column("subjects", BigInteger),
)
tiering = Table(
    "tiering",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("sweep", Integer, primary_key=True),
    Column("standing", Integer, nullable=False),
    Column("rulings", ARRAY(Integer), nullable=False),
)
register_health = Table(
    "register_health",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("register", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("causes", JSONB, nullable=False, server_default=FetchedValue()),
    _moment("noted_at"),
)
demotion = Table(
    "demotion",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("benefit", Text, nullable=False),
    Column("register", Text),
    Column("cause", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("ceiling", Text, nullable=False),
    _moment("since"),
    _moment("until", nullable=True),
)
