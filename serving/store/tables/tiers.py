"""Tiers and their reasons, the health of registers, demotions. Meaning and promises: 0005_tiers.sql."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.schema import FetchedValue, Identity

from serving.store.tables.columns import moment
from serving.store.tables.metadata import metadata

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
    moment("started_at"),
    moment("completed_at", nullable=True),
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
    moment("noted_at"),
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
    moment("since"),
    moment("until", nullable=True),
)
