"""What the API remembers of requests. Meaning: 0015_api.sql, 0019_operations.sql."""

from __future__ import annotations

from sqlalchemy import CHAR, Column, Integer, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from serving.store.tables.columns import moment
from serving.store.tables.metadata import metadata

message_taken = Table(
    "message_taken",
    metadata,
    Column("sender", Text, primary_key=True),
    Column("message", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("answer", JSONB, nullable=False),
    moment("at"),
)
subscription = Table(
    "subscription",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("sender", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("notify_url", Text, nullable=False),
    moment("made_at"),
    moment("ended_at", nullable=True),
)
catalogue_told = Table(
    "catalogue_told",
    metadata,
    Column("sweep", Integer, primary_key=True, autoincrement=False),
    Column("rulebook", CHAR(64), nullable=False),
    Column("before", CHAR(64)),
    moment("at"),
)
help_code = Table(
    "help_code",
    metadata,
    Column("code_hash", LargeBinary, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    moment("made_at"),
    moment("until_at"),
    Column("officer", Text),
    moment("taken_at", nullable=True),
)
