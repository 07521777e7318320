"""Accounts, sessions, assignments, broken glasses and records of reads. Meaning and promises: 0009_access.sql."""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, Boolean, Column, Integer, LargeBinary, Table, Text, Uuid
from sqlalchemy.schema import FetchedValue

from serving.store.tables.columns import moment, own_number
from serving.store.tables.keys import encrypted
from serving.store.tables.metadata import metadata

staff_account = Table(
    "staff_account",
    metadata,
    Column("id", Text, primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("login_subject", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False, server_default=FetchedValue()),
    Column("district", Text, nullable=False),
    Column("programmes", ARRAY(Text), nullable=False, server_default=FetchedValue()),
    Column("office", Text, nullable=False),
    Column("person", Text),
    Column("state", Text, nullable=False, server_default=FetchedValue()),
    Column("epoch", Integer, nullable=False, server_default=FetchedValue()),
    Column("changed_by", Text, nullable=False),
    moment("changed_at"),
)
citizen_account = Table(
    "citizen_account",
    metadata,
    Column("id", Text, primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("login_subject", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=FetchedValue()),
    Column("epoch", Integer, nullable=False, server_default=FetchedValue()),
)
login_attempt = Table(
    "login_attempt",
    metadata,
    Column("browser", LargeBinary, primary_key=True),
    Column("state", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("verifier", Text, nullable=False),
    moment("until_at"),
)
session = Table(
    "session",
    metadata,
    Column("id_hash", LargeBinary, primary_key=True),
    Column("staff", Text),
    Column("citizen", Text),
    Column("epoch", Integer, nullable=False),
    Column("strong", Boolean, nullable=False),
    moment("opened_at"),
    moment("seen_at"),
    moment("ended_at", nullable=True),
)
assignment = Table(
    "assignment",
    metadata,
    own_number(),
    Column("officer", Text, nullable=False),
    Column("district", Text, nullable=False),
    Column("programme", Text, nullable=False),
    Column("given_by", Text, nullable=False),
    moment("given_at"),
    moment("ended_at", nullable=True),
    Column("ended_by", Text),
)
broken_glass = Table(
    "broken_glass",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("officer", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason", LargeBinary, nullable=False, info=encrypted("id", fixed=True)),
    moment("opened_at"),
    moment("until_at"),
    Column("reviewed_by", Text),
    moment("reviewed_at", nullable=True),
)
supervisor_told = Table(
    "supervisor_told",
    metadata,
    Column("glass", Uuid, primary_key=True),
    Column("supervisor", Text, primary_key=True),
    moment("told_at"),
    moment("seen_at", nullable=True),
)
read_record = Table(
    "read_record",
    metadata,
    own_number(),
    moment("at"),
    Column("account", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("office", Text),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("fields", ARRAY(Text), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("tie", Text, nullable=False),
    Column("case_file", BigInteger),
    Column("route", Text, nullable=False),
    Column("request", Uuid, nullable=False),
)
read_alarm = Table(
    "read_alarm",
    metadata,
    own_number(),
    Column("account", Text, nullable=False),
    Column("strangers", Integer, nullable=False),
    moment("raised_at"),
    Column("answered_by", Text),
    moment("answered_at", nullable=True),
)
