"""The caseworker's side: amendments, acts on many cases, tickets, word to officers. Meaning: 0011_casework.sql."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Integer, Table, Text
from sqlalchemy.schema import FetchedValue, Identity

from serving.store.tables.metadata import metadata

officer_notice = Table(
    "officer_notice",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("officer", Text, nullable=False),
    Column("case_file", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("read_at", DateTime(timezone=True)),
)
bulk_act = Table(
    "bulk_act",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("officer", Text, nullable=False),
    Column("proposed_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False, server_default=FetchedValue()),
    Column("second", Text),
    Column("agreed_at", DateTime(timezone=True)),
    Column("settled_at", DateTime(timezone=True)),
)
bulk_item = Table(
    "bulk_item",
    metadata,
    Column("bulk_act", BigInteger, primary_key=True),
    Column("case_file", BigInteger, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("must_open", Boolean, nullable=False),
    Column("opened_at", DateTime(timezone=True)),
    Column("outcome", Text),
    Column("of_revision", Integer),
    Column("of_amount_minor", BigInteger),
)
amendment = Table(
    "amendment",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("entitlement", BigInteger, nullable=False),
    Column("decision", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount_minor", BigInteger),
    Column("at", DateTime(timezone=True), nullable=False),
)
ticket = Table(
    "ticket",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("decision", BigInteger, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("benefit", Text),
    Column("clause", Text),
    Column("subject_kind", Text),
    Column("subject", Text),
    Column("fact", Text),
    Column("register", Text),
    Column("history_ticket", Integer),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("due_on", Date, nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("closed_by", Text),
    Column("answer", Text),
)
