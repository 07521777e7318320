"""What people say about what is theirs, and who may say it for them. Meaning and promises: 0012_citizens.sql."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import FetchedValue

from serving.store.tables.columns import moment, own_number
from serving.store.tables.keys import encrypted
from serving.store.tables.metadata import metadata

answered_request = Table(
    "answered_request",
    metadata,
    Column("speaker", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("asked", Text, nullable=False),
    Column("answer", JSONB, nullable=False),
    moment("at"),
)
bundle = Table(
    "bundle",
    metadata,
    own_number(),
    Column("addressee_kind", Text, nullable=False),
    Column("addressee", Text, nullable=False),
    Column("event_kind", Text, nullable=False),
    Column("event", Text, nullable=False),
    moment("opened_at"),
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
    own_number(),
    Column("elder_kind", Text, nullable=False),
    Column("elder", Text, nullable=False),
    Column("helper", Text, nullable=False),
    Column("covers_all", Boolean, nullable=False, server_default=FetchedValue()),
    moment("since"),
    moment("until", nullable=True),
    Column("established", Text, nullable=False),
    Column("recorded_by", Text, nullable=False),
    moment("recorded_at"),
    moment("revoked_at", nullable=True),
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
    own_number(),
    Column("entitlement", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("said", Text, nullable=False),
    Column("how", Text, nullable=False),
    Column("officer", Text, nullable=False),
    Column("document", Text),  # plain, of the releases before 0019
    moment("at"),
    Column("scan", LargeBinary, info=encrypted("entitlement", "sealed_as", fixed=True)),
    Column("sealed_as", Uuid),
)
opt_out = Table(
    "opt_out",
    metadata,
    own_number(),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    moment("since"),
    moment("withdrawn_at", nullable=True),
)
automation_refusal = Table(
    "automation_refusal",
    metadata,
    own_number(),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    moment("since"),
    moment("withdrawn_at", nullable=True),
)
objection = Table(
    "objection",
    metadata,
    own_number(),
    Column("entitlement", BigInteger),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("benefit", Text, nullable=False),
    Column("objector", Text, nullable=False),
    Column("standing", Text, nullable=False),
    Column("against", Text, nullable=False),
    Column("case_file", BigInteger, nullable=False),
    Column("words", LargeBinary, nullable=False, info=encrypted("case_file", "sealed_as", fixed=True)),
    moment("at"),
    Column("sealed_as", Uuid),
)
barred = Table(
    "barred",
    metadata,
    Column("case_file", BigInteger, primary_key=True),
    Column("officer", Text, primary_key=True),
)
