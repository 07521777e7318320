"""The tree as PostgreSQL holds it: subtrees, roots and proofs without reading every leaf."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, func, select

from serving.ledger.checkpoints import Checkpoint
from serving.ledger.leaves import Event, Leaf
from serving.ledger.tree import Subtrees, consistency_path, folded, inclusion_path, range_root
from serving.store.tables.casework import audit_intent
from serving.store.tables.ledger import ledger_checkpoint, ledger_leaf, ledger_node

STEP = 8
"""Roots of complete subtrees are kept of every eighth level: 1/256 more rows, and at most 256 hashes read for one."""
_PAGE = 5_000


def size_of(connection: Connection) -> int:
    """How many leaves there are."""
    return int(connection.execute(select(func.coalesce(func.max(ledger_leaf.c.index) + 1, 0))).scalar_one())


def subtrees(connection: Connection) -> Subtrees:
    """Complete subtrees, as the functions of :mod:`serving.ledger.tree` ask for them."""
    return lambda level, position: subtree_root(connection, level, position, level - level % STEP)


def subtree_root(connection: Connection, level: int, position: int, kept: int) -> bytes:
    """The root of a complete subtree, from hashes kept of a lower level: 0 for the leaves, or a multiple of STEP."""
    start, end = position << (level - kept), (position + 1) << (level - kept)
    if kept:
        place = ledger_node.c.position
        query = select(ledger_node.c.hash).where(ledger_node.c.level == kept)
    else:
        place = ledger_leaf.c.index
        query = select(ledger_leaf.c.hash)
    return folded(connection.execute(query.where(place >= start, place < end).order_by(place)).scalars().all())


def root_at(connection: Connection, size: int) -> bytes:
    """The root over the first leaves."""
    return range_root(subtrees(connection), 0, size)


def prove_inclusion(connection: Connection, index: int, size: int) -> list[bytes]:
    """What shows that a leaf is among the first `size`: for the citizen whose event it is, beside a checkpoint.

    Raises:
        ValueError: it is not.
    """
    return inclusion_path(subtrees(connection), index, size)


def prove_consistency(connection: Connection, earlier: int, later: int) -> list[bytes]:
    """What shows that nothing was changed between two checkpoints.

    Raises:
        ValueError: the earlier one is empty or larger.
    """
    return consistency_path(subtrees(connection), earlier, later)


def last_checkpoint(connection: Connection) -> Checkpoint | None:
    """The one that was signed last."""
    at = ledger_checkpoint.c
    query = select(at.origin, at.size, at.root, at.at, at.signature).order_by(at.size.desc(), at.id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else Checkpoint(row.origin, row.size, row.root, row.at, row.signature)


def all_checkpoints(connection: Connection) -> list[Checkpoint]:
    """All that were signed, in that order. To prove something, take what others kept of them instead."""
    at = ledger_checkpoint.c
    rows = connection.execute(select(at.origin, at.size, at.root, at.at, at.signature).order_by(at.id))
    return [Checkpoint(row.origin, row.size, row.root, row.at, row.signature) for row in rows]


def all_leaves(connection: Connection) -> Iterator[Leaf]:
    """Every leaf with its event, by index; as many at a time as fit into memory."""
    leaf, intent = ledger_leaf.c, audit_intent.c
    query = (
        select(leaf["index"], leaf.salt, leaf.hash, *audit_intent.c)
        .select_from(ledger_leaf.outerjoin(audit_intent, intent.id == leaf.intent))
        .order_by(leaf["index"])
        .limit(_PAGE)
    )
    after = -(2**63)  # below 0 there is none, unless somebody put it there
    while True:
        rows = connection.execute(query.where(leaf["index"] > after)).mappings().all()
        for row in rows:
            yield Leaf(row["index"], event_of(row) if row["id"] is not None else None, row["salt"], row["hash"])
        if len(rows) < _PAGE:
            return
        after = rows[-1]["index"]


def event_of(row: Mapping[Any, Any]) -> Event:
    """A row of `audit_intent` as the event that is sealed."""
    return Event(
        row["id"], row["action"], row["actor_kind"], row["actor"], row["object"], row["object_id"], row["payload"],
        row["at"],
    )  # fmt: skip
