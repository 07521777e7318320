"""What is owed for a period, its moves, and the cases that people decide. Meaning and promises: 0004_casework.sql."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import FetchedValue, Identity

from serving.store.tables.keys import encrypted
from serving.store.tables.metadata import metadata


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def _moment(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


entitlement = Table(
    "entitlement",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("benefit", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("amount_minor", BigInteger),
    Column("over_cap", Boolean, nullable=False, server_default=FetchedValue()),
    Column("sweep", Integer, nullable=False),
    Column("tier", Text, nullable=False),
    Column("reasons", JSONB, nullable=False),
    Column("district", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=FetchedValue()),
    Column("revision", Integer, nullable=False, server_default=FetchedValue()),
    _moment("next_step_at", nullable=True),
    _moment("detected_at"),
)
move = Table(
    "move",
    metadata,
    _id(),
    Column("entitlement", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("from_state", Text, nullable=False),
    Column("to_state", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("second", Text),
    Column("case_file", BigInteger),
    Column("decision", BigInteger),
    Column("reason_code", Text),
    Column(
        "reason",
        LargeBinary,
        info=encrypted("case_file", "reason_code", "sealed_as", fixed=True, copy_of=("decision", "reason")),
    ),
    _moment("at"),
    Column("sealed_as", Uuid),
)
allowed_move = Table(
    "allowed_move",
    metadata,
    Column("from_state", Text, primary_key=True),
    Column("to_state", Text, primary_key=True),
    Column("actor_kind", Text, primary_key=True),
)
hold = Table(
    "hold",
    metadata,
    _id(),
    Column("entitlement", BigInteger, nullable=False),
    Column("code", Text, nullable=False),
    _moment("since"),
    _moment("released_at", nullable=True),
    Column("released_by", Text),
)
case_file = Table(
    "case_file",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),
    Column("entitlement", BigInteger),
    Column("subject_kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("benefit", Text),
    Column("district", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=FetchedValue()),
    Column("why", JSONB, nullable=False),
    _moment("opened_at"),
    Column("opened_by", Text, nullable=False),
    _moment("due_at"),
    _moment("first_touch_at", nullable=True),
    _moment("first_touch_due_at", nullable=True),
    _moment("paused_at", nullable=True),
    Column("pause_code", Text),
    Column("escalation", SmallInteger, nullable=False, server_default=FetchedValue()),
    Column("lease_holder", Text),
    _moment("lease_until", nullable=True),
    Column("revision", Integer, nullable=False, server_default=FetchedValue()),
    Column("priority", Float),
    Column("hardship", Boolean, nullable=False, server_default=FetchedValue()),
    _moment("closed_at", nullable=True),
)
case_event = Table(
    "case_event",
    metadata,
    _id(),
    Column("case_file", BigInteger, nullable=False),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    _moment("at"),
    Column("detail", JSONB, nullable=False, server_default=FetchedValue()),
    Column("note", LargeBinary, info=encrypted("case_file", "sealed_as", fixed=True)),
    Column("sealed_as", Uuid),
)
provisional_view = Table(
    "provisional_view",
    metadata,
    Column("case_file", BigInteger, primary_key=True),
    Column("officer", Text, primary_key=True),
    Column("view", Text, nullable=False),
    _moment("at"),
)
recommendation_shown = Table(
    "recommendation_shown",
    metadata,
    Column("case_file", BigInteger, primary_key=True),
    Column("officer", Text, primary_key=True),
    Column("part", Text, primary_key=True),
    _moment("at"),
    Column("verdict", Text),
)
decision = Table(
    "decision",
    metadata,
    _id(),
    Column("case_file", BigInteger, nullable=False),
    Column("officer", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("overrides", Boolean, nullable=False),
    Column("reason_code", Text),
    Column("clause", Text),
    Column("reason", LargeBinary, info=encrypted("case_file", "reason_code", "sealed_as", fixed=True)),
    Column("sealed_as", Uuid),
    Column("amount_minor", BigInteger),
    Column("needs_second", Boolean, nullable=False),
    Column("state", Text, nullable=False, server_default=FetchedValue()),
    _moment("proposed_at"),
    Column("second", Text),
    _moment("settled_at", nullable=True),
    Column("bulk_act", BigInteger),
    Column("of_revision", Integer),
    Column("of_amount_minor", BigInteger),
    Column("recommended", Text),
)
audit_intent = Table(
    "audit_intent",
    metadata,
    _id(),
    Column("action", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    _moment("at"),
)
outbox = Table(
    "outbox",
    metadata,
    _id(),
    Column("delivery_key", Text, nullable=False),
    Column("entitlement", BigInteger),
    Column("case_file", BigInteger),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("benefit", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=FetchedValue()),
    Column("claim", Integer, nullable=False, server_default=FetchedValue()),
    _moment("lease_until", nullable=True),
    Column("attempts", Integer, nullable=False, server_default=FetchedValue()),
    _moment("not_before", nullable=True),
    _moment("created_at"),
    Column("payload", JSONB, nullable=False, server_default=FetchedValue()),
    _moment("called_at", nullable=True),
    Column("doubtful", Boolean, nullable=False, server_default=FetchedValue()),
    Column("trouble", Text),
    Column("reference", Text),
    _moment("settled_at", nullable=True),
    Column("settled_by", Text),
)
