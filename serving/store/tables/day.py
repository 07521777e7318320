"""Runs of the day and how households were settled. Meaning: 0013_day.sql."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from serving.store.tables.metadata import metadata

day_run = Table(
    "day_run",
    metadata,
    Column("sweep", Integer, primary_key=True),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("completed_at", DateTime(timezone=True)),
    Column("counts", JSONB),
    Column("account", JSONB),
)
knot = Table(
    "knot",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("sweep", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("reasons", JSONB, nullable=False),
    Column("items", JSONB, nullable=False),
    Column("cliffs", JSONB, nullable=False),
)
