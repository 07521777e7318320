"""What explanations are made of. Meaning: 0014_dossiers.sql."""

from __future__ import annotations

from sqlalchemy import CHAR, Boolean, Column, Date, DateTime, Integer, LargeBinary, Table, Text, true

from serving.store.tables.metadata import metadata

dossier = Table(
    "dossier",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

dossier_state = Table(
    "dossier_state",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=true()),
    Column("sweep", Integer, nullable=False),
    Column("on_date", Date, nullable=False),
    Column("known_at", DateTime(timezone=True), nullable=False),
    Column("rulebook", CHAR(64), nullable=False),
    Column("is_complete", Boolean, nullable=False),
)
