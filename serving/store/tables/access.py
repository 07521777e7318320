"""Accounts, sessions, assignments, broken glasses and records of reads. Meaning and promises: 0009_access.sql."""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, Boolean, Column, DateTime, Integer, LargeBinary, Table, Text, Uuid
from sqlalchemy.schema import FetchedValue, Identity

from serving.store.tables.keys import encrypted
from serving.store.tables.metadata import metadata


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def _moment(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


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
    _moment("changed_at"),
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
    _moment("until_at"),
)
session = Table(
    "session",
    metadata,
    Column("id_hash", LargeBinary, primary_key=True),
    Column("staff", Text),
    Column("citizen", Text),
    Column("epoch", Integer, nullable=False),
    Column("strong", Boolean, nullable=False),
    _moment("opened_at"),
    _moment("seen_at"),
    _moment("ended_at", nullable=True),
)
assignment = Table(
    "assignment",
    metadata,
    _id(),
    Column("officer", Text, nullable=False),
    Column("district", Text, nullable=False),
    Column("programme", Text, nullable=False),
    Column("given_by", Text, nullable=False),
    _moment("given_at"),
    _moment("ended_at", nullable=True),
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
    _moment("opened_at"),
    _moment("until_at"),
    Column("reviewed_by", Text),
    _moment("reviewed_at", nullable=True),
)
supervisor_told = Table(
    "supervisor_told",
    metadata,
    Column("glass", Uuid, primary_key=True),
    Column("supervisor", Text, primary_key=True),
    _moment("told_at"),
    _moment("seen_at", nullable=True),
)
read_record = Table(
    "read_record",
    metadata,
    _id(),
    _moment("at"),
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
    _id(),
    Column("account", Text, nullable=False),
    Column("strangers", Integer, nullable=False),
    _moment("raised_at"),
    Column("answered_by", Text),
    _moment("answered_at", nullable=True),
)
