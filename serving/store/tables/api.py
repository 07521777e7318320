"""What the API remembers of requests. Meaning: 0015_api.sql."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, Table, Text, Uuid
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
