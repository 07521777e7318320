"""Blind samples of what the machine answered, and what reviewers found. Meaning and promises: 0012_citizens.sql."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, DateTime, Integer, LargeBinary, Table, Text
from sqlalchemy.schema import FetchedValue, Identity

from serving.store.tables.keys import encrypted
from serving.store.tables.metadata import metadata

sample_commitment = Table(
    "sample_commitment",
    metadata,
    Column("month", Text, primary_key=True),
    Column("commitment", Text, nullable=False),
    Column("committed_at", DateTime(timezone=True), nullable=False),
    Column("secret", LargeBinary),
    Column("revealed_at", DateTime(timezone=True)),
)
sample = Table(
    "sample",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("month", Text, nullable=False),
    Column("benefit", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sweep", Integer, nullable=False),
    Column("determination", Text, nullable=False),
    Column("on_date", Date, nullable=False),
    Column("drawn_at", DateTime(timezone=True), nullable=False),
)
sample_stratum = Table(
    "sample_stratum",
    metadata,
    Column("sample", BigInteger, primary_key=True),
    Column("stratum", Text, primary_key=True),
    Column("protected_group", Text, primary_key=True, server_default=FetchedValue()),
)
sample_answer = Table(
    "sample_answer",
    metadata,
    Column("sample", BigInteger, primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("amount_minor", BigInteger),
)
sample_review = Table(
    "sample_review",
    metadata,
    Column("sample", BigInteger, primary_key=True),
    Column("reviewer", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("amount_minor", BigInteger),
    Column("reason_code", Text),
    Column("note", LargeBinary, info=encrypted("sample", "reviewer", fixed=True)),
    Column("at", DateTime(timezone=True), nullable=False),
)
