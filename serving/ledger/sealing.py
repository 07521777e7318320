"""The one appender: seals what happened into leaves without gaps, and signs what the ledger is."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, insert, select, text

from serving.ledger.checkpoints import Checkpoint, latest, publish, read_last_published, signed
from serving.ledger.errors import LedgerContradictsError
from serving.ledger.leaves import SALT_BYTES, sealed
from serving.ledger.stored import STEP, event_of, last_checkpoint, root_at, size_of, subtree_root
from serving.store.tables.casework import audit_intent
from serving.store.tables.ledger import audit_unsealed, ledger_checkpoint, ledger_node

LEAVES_PER_CHECKPOINT = 1_000
LONGEST_SILENCE = dt.timedelta(minutes=4)
"""A checkpoint is signed though nothing happened: silence of a day and a ledger that was cut off look alike."""
_APPENDER = 0x41464C47
"""Whoever appends holds this advisory lock until the end of the transaction."""
_INSERT = text(
    "INSERT INTO ledger_leaf (index, intent, salt, hash) SELECT * FROM unnest("
    "CAST(:index AS bigint[]), CAST(:intent AS bigint[]), CAST(:salt AS bytea[]), CAST(:hash AS bytea[]))"
)


@dataclass(frozen=True, slots=True)
class Signer:
    """Who vouches for the ledger.

    Args:
        origin: the name under which the key is known.
        key: from the secrets of this installation.
    """

    origin: str
    key: Ed25519PrivateKey


def seal(connection: Connection, most: int = LEAVES_PER_CHECKPOINT) -> int:
    """Seal what is committed and not sealed, in the order in which it was noted.

    Args:
        connection: in a transaction; another appender waits until it ends.
        most: so many leaves at most.

    Returns:
        How many leaves were added.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _APPENDER})
    rows = connection.execute(
        select(audit_intent)
        .join(audit_unsealed, audit_unsealed.c.intent == audit_intent.c.id)
        .order_by(audit_intent.c.id)
        .limit(most)
    ).mappings()
    events = [event_of(row) for row in rows]
    if not events:
        return 0
    size = size_of(connection)
    salts = [secrets.token_bytes(SALT_BYTES) for _ in events]
    hashes = [sealed(event, salt) for event, salt in zip(events, salts, strict=True)]
    index, intents = list(range(size, size + len(events))), [event.intent for event in events]
    connection.execute(_INSERT, {"index": index, "intent": intents, "salt": salts, "hash": hashes})
    _keep_nodes(connection, size, size + len(events))
    return len(events)


def sign(
    connection: Connection, signer: Signer, now: dt.datetime, published: Sequence[Checkpoint] = ()
) -> Checkpoint | None:
    """Sign what the ledger is, where it grew or was silent for long.

    Args:
        connection: in a transaction.
        signer: who signs.
        now: when.
        published: what is kept outside of the database: a database that was set back must not be signed.

    Returns:
        The checkpoint, to be published; None: the last one still tells it all.

    Raises:
        LedgerContradictsError: the ledger is not what was published of it.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _APPENDER})
    size, last = size_of(connection), last_checkpoint(connection)
    _require_unchanged(connection, [last, latest(published)], size)
    if last is not None and last.size == size and now - last.at < LONGEST_SILENCE:
        return None
    made = signed(signer.origin, size, root_at(connection, size), now, signer.key)
    values = {"origin": made.origin, "size": size, "root": made.root, "at": now, "signature": made.signature}
    connection.execute(insert(ledger_checkpoint).values(values))
    return made


def seal_and_publish(engine: Engine, signer: Signer, file: Path, now: dt.datetime) -> int:
    """Seal all that waits, sign, and append each checkpoint to a file that others copy.

    A checkpoint is published after it is committed. Where the process dies between the two, the next run publishes the
    one that is in the database alone.

    Returns:
        How many leaves were added.

    Raises:
        LedgerContradictsError: the ledger is not what was published of it.
        CheckpointFileError: the file holds what is no checkpoint.
    """
    published = read_last_published(file)
    with engine.begin() as connection:
        unpublished = last_checkpoint(connection)
        _require_unchanged(connection, [unpublished, latest(published)], size_of(connection))
    if unpublished is not None and unpublished not in published and unpublished.is_signed_by(signer.key.public_key()):
        publish(unpublished, file)
        published.append(unpublished)
    sealed_in_all = 0
    while True:
        with engine.begin() as connection:
            added = seal(connection)
            made = sign(connection, signer, now, published)
        sealed_in_all += added
        if made is not None:
            publish(made, file)
            published = [made]
        if added < LEAVES_PER_CHECKPOINT:
            return sealed_in_all


def _require_unchanged(connection: Connection, known: Sequence[Checkpoint | None], size: int) -> None:
    """Raise where the ledger is shorter than a checkpoint, or has another root at its size."""
    for one in known:
        if one is not None and (one.size > size or root_at(connection, one.size) != one.root):
            raise LedgerContradictsError(one.size, size)


def _keep_nodes(connection: Connection, before: int, after: int) -> None:
    """Keep the roots of the subtrees that became complete, the smallest first: larger ones are made of them."""
    level = STEP
    while after >> level:
        fresh = range(before >> level, after >> level)
        rows = [
            {"level": level, "position": place, "hash": subtree_root(connection, level, place, level - STEP)}
            for place in fresh
        ]
        if rows:
            connection.execute(insert(ledger_node), rows)
        level += STEP
