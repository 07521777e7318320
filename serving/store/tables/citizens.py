"""What people say about what is theirs, and who may say it for them. Meaning and promises: 0012_citizens.sql."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import FetchedValue, Identity

from serving.store.tables.keys import encrypted
from serving.store.tables.metadata import metadata


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def _moment(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


answered_request = Table(
    "answered_request",
    metadata,
    Column("speaker", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("asked", Text, nullable=False),
    Column("answer", JSONB, nullable=False),
    _moment("at"),
)
bundle = Table(
    "bundle",
    metadata,
    _id(),
    Column("addressee_kind", Text, nullable=False),
    Column("addressee", Text, nullable=False),
    Column("event_kind", Text, nullable=False),
    Column("event", Text, nullable=False),
    _moment("opened_at"),
)
bundle_member = Table(
    "bundle_member",
    metadata,
    Column("bundle", BigInteger, primary_key=True),
    Column("entitlement", BigInteger, primary_key=True),
)
proxy = Table(
    "proxy",
    metadata,
    _id(),
    Column("elder_kind", Text, nullable=False),
    Column("elder", Text, nullable=False),
    Column("helper", Text, nullable=False),
    Column("covers_all", Boolean, nullable=False, server_default=FetchedValue()),
    _moment("since"),
    _moment("until", nullable=True),
    Column("established", Text, nullable=False),
    Column("recorded_by", Text, nullable=False),
    _moment("recorded_at"),
    _moment("revoked_at", nullable=True),
    Column("revoked_by", Text),
)
proxy_cover = Table(
    "proxy_cover",
    metadata,
    Column("proxy", BigInteger, nullable=False),
    Column("benefit", Text),
    Column("entitlement", BigInteger),
)
said_elsewhere = Table(
    "said_elsewhere",
    metadata,
    _id(),
    Column("entitlement", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("said", Text, nullable=False),
    Column("how", Text, nullable=False),
    Column("officer", Text, nullable=False),
    Column("document", Text),
    _moment("at"),
)
opt_out = Table(
    "opt_out",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    _moment("since"),
    _moment("withdrawn_at", nullable=True),
)
automation_refusal = Table(
    "automation_refusal",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    _moment("since"),
    _moment("withdrawn_at", nullable=True),
)
objection = Table(
    "objection",
    metadata,
    _id(),
    Column("entitlement", BigInteger),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("benefit", Text, nullable=False),
    Column("objector", Text, nullable=False),
    Column("standing", Text, nullable=False),
    Column("against", Text, nullable=False),
    Column("case_file", BigInteger, nullable=False),
    Column("words", LargeBinary, nullable=False, info=encrypted("case_file", "sealed_as", fixed=True)),
    _moment("at"),
    Column("sealed_as", Uuid),
)
barred = Table(
    "barred",
    metadata,
    Column("case_file", BigInteger, primary_key=True),
    Column("officer", Text, primary_key=True),
)
