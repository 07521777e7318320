"""The ledger: what was sealed, in which order, and what was signed of it. Meaning and promises: 0006_ledger.sql."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, LargeBinary, SmallInteger, Table, Text
from sqlalchemy.schema import Identity

from serving.store.tables.metadata import metadata

audit_unsealed = Table(
    "audit_unsealed",
    metadata,
    Column("intent", BigInteger, primary_key=True, autoincrement=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
ledger_leaf = Table(
    "ledger_leaf",
    metadata,
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("intent", BigInteger, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
ledger_node = Table(
    "ledger_node",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)
ledger_checkpoint = Table(
    "ledger_checkpoint",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("origin", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
