"""G3, F32: whatever is deleted, edited, inserted, swapped or cut off is found by whoever holds published checkpoints.

The careless forger changes rows; the thorough one also recomputes every hash that follows from them. Neither has the
checkpoints that others kept, nor the key.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, text

from serving.ledger import stored
from serving.ledger.checkpoints import Checkpoint, read_published, signed
from serving.ledger.leaves import Event, Json, Leaf, sealed
from serving.ledger.sealing import seal_and_publish
from serving.ledger.tree import root_of
from serving.ledger.verification import Fault, Verdict, verify
from serving.store.server import EmbeddedServer
from tests.casework_world import MORNING, casework_database, owner_engine
from tests.ledger_world import SIGNER, things_happen

KEY = SIGNER.key.public_key()
MUTATIONS = 1_200
SIZE, EVERY = 240, 40


def a_leaf(index: int, event: Event, salt: bytes) -> Leaf:
    return Leaf(index, event, salt, sealed(event, salt))


def an_event(rng: random.Random, intent: int) -> Event:
    at = MORNING + dt.timedelta(microseconds=rng.randrange(10**12))
    payload: dict[str, Json] = {
        "revision": rng.randrange(9),
        "amount_minor": rng.randrange(10**6),
        "benefit": rng.choice("abc"),
    }
    return Event(intent, "entitlement:approved", "system", "day", "entitlement", str(intent), payload, at)


@dataclass(frozen=True)
class Log:
    leaves: list[Leaf]
    published: list[Checkpoint]


def a_log(rng: random.Random) -> Log:
    leaves = [a_leaf(index, an_event(rng, index + 7), rng.randbytes(32)) for index in range(SIZE)]
    sizes = range(EVERY, SIZE + 1, EVERY)
    roots = {size: root_of(leaf.hash for leaf in leaves[:size]) for size in sizes}
    return Log(leaves, [signed(SIGNER.origin, size, roots[size], MORNING, SIGNER.key) for size in sizes])


def renumbered(leaves: list[Leaf]) -> list[Leaf]:
    return [replace(leaf, index=index) for index, leaf in enumerate(leaves)]


def edited(rng: random.Random, leaf: Leaf) -> Leaf:
    """Another event, one field of it, in place of the one that was sealed."""
    event = leaf.event
    assert event is not None
    changed = rng.choice([
        replace(event, action="entitlement:denied"),
        replace(event, actor="o" + event.actor),
        replace(event, row=event.row + "0"),
        replace(event, at=event.at + dt.timedelta(microseconds=1)),
        replace(event, payload={**event.payload, "amount_minor": -1}),
        replace(event, payload={**event.payload, "more": None}),
        replace(event, intent=event.intent + 1_000),
    ])  # fmt: skip
    return replace(leaf, event=changed)


def delete(rng: random.Random, leaves: list[Leaf], thorough: bool) -> tuple[list[Leaf], int]:
    at = rng.randrange(len(leaves))
    left = leaves[:at] + leaves[at + 1 :]
    return (renumbered(left) if thorough else left), at


def edit(rng: random.Random, leaves: list[Leaf], thorough: bool) -> tuple[list[Leaf], int]:
    at = rng.randrange(len(leaves))
    changed = edited(rng, leaves[at])
    if rng.random() < 0.2:
        changed = replace(leaves[at], salt=rng.randbytes(32))
    elif rng.random() < 0.1:
        changed = replace(leaves[at], event=None)
    elif not thorough and rng.random() < 0.2:
        changed = replace(leaves[at], hash=rng.randbytes(32))
    if thorough and changed.event is not None:
        changed = replace(changed, hash=sealed(changed.event, changed.salt))
    return [*leaves[:at], changed, *leaves[at + 1 :]], at


def insert(rng: random.Random, leaves: list[Leaf], thorough: bool) -> tuple[list[Leaf], int]:
    at = rng.randrange(len(leaves))
    fresh = a_leaf(at, an_event(rng, 5_000), rng.randbytes(32))
    more = [*leaves[:at], fresh, *leaves[at:]]
    # A doubled index can be read in either order: what was there first may come first.
    return (renumbered(more), at) if thorough else (more, at)


def swap(rng: random.Random, leaves: list[Leaf], thorough: bool) -> tuple[list[Leaf], int]:
    first, second = sorted(rng.sample(range(len(leaves)), 2))
    other = list(leaves)
    other[first], other[second] = leaves[second], leaves[first]
    if thorough:
        return renumbered(other), first
    # Only what the rows say is swapped, not the hashes.
    other[first] = replace(leaves[first], event=leaves[second].event)
    other[second] = replace(leaves[second], event=leaves[first].event)
    return other, first


def truncate(rng: random.Random, leaves: list[Leaf], thorough: bool) -> tuple[list[Leaf], int]:
    at = rng.randrange(len(leaves))
    # As after a restore: cut off, and other things happened since.
    later = [a_leaf(at + n, an_event(rng, 6_000 + n), rng.randbytes(32)) for n in range(SIZE)] if thorough else []
    return leaves[:at] + later, at


def named(verdict: Verdict, first_changed: int) -> bool:
    """The verdict says where: the first leaf that changed lies between its two bounds."""
    assert verdict.first_bad is not None
    assert verdict.until is not None
    return verdict.first_bad <= first_changed < verdict.until


def test_every_one_of_1200_mutations_is_found_and_named() -> None:
    rng = random.Random(3)
    log = a_log(rng)
    assert verify(log.leaves, log.published, KEY) == Verdict(SIZE, SIZE, SIZE // EVERY)
    kinds = [delete, edit, insert, swap, truncate]
    missed, faults, exact = [], set(), 0
    for number in range(MUTATIONS):
        kind, thorough = kinds[number % len(kinds)], number % 2 == 0
        leaves, first_changed = kind(rng, log.leaves, thorough)
        # Whoever verifies may hold one checkpoint alone, the last, or all.
        kept = log.published if rng.random() < 0.7 else log.published[-1:]
        verdict = verify(leaves, kept, KEY)
        if verdict.sound or not named(verdict, first_changed):
            missed.append((kind.__name__, thorough, first_changed, verdict))
        faults.add(verdict.fault)
        exact += verdict.until == first_changed + 1
    assert missed == []
    assert faults == {Fault.INDEX, Fault.EVENT_EDITED, Fault.EVENT_GONE, Fault.ROOT, Fault.TRUNCATED}
    assert exact > MUTATIONS // 4  # a careless forger is named to the leaf


def test_a_forged_checkpoint_is_no_checkpoint() -> None:
    log = a_log(random.Random(4))
    forged = signed(SIGNER.origin, SIZE, root_of([]), MORNING, Ed25519PrivateKey.generate())
    assert verify(log.leaves, [*log.published, forged], KEY).fault is Fault.SIGNATURE
    for changed in (
        replace(log.published[0], size=EVERY - 1),
        replace(log.published[0], at=MORNING + dt.timedelta(seconds=1)),
        replace(log.published[0], origin="another"),
        replace(log.published[0], root=bytes(32)),
    ):
        assert verify(log.leaves, [changed], KEY).fault is Fault.SIGNATURE
    elsewhere = signed("another", EVERY, log.published[0].root, MORNING, SIGNER.key)
    assert verify(log.leaves, [*log.published, elsewhere], KEY).fault is Fault.ORIGIN


def test_nothing_is_said_of_leaves_after_the_last_published_checkpoint() -> None:
    log = a_log(random.Random(5))
    verdict = verify(log.leaves, log.published[:2], KEY)
    assert (verdict.sound, verdict.leaves, verdict.proved) == (True, SIZE, 2 * EVERY)
    empty = signed(SIGNER.origin, 0, root_of([]), MORNING, SIGNER.key)
    assert verify([], [empty], KEY).sound
    assert verify([], [replace(empty, root=bytes(32))], KEY).fault is Fault.SIGNATURE


# --- by somebody who owns the database ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def engine(server: EmbeddedServer) -> Iterator[Engine]:
    with casework_database(server) as engine:
        yield engine


@pytest.fixture(scope="module")
def published(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> list[Checkpoint]:
    file: Path = tmp_path_factory.mktemp("elsewhere") / "checkpoints.jsonl"
    for _ in range(6):
        things_happen(engine, 50)
        seal_and_publish(engine, SIGNER, file, MORNING)
    return read_published(file)


@pytest.fixture
def owner(server: EmbeddedServer, published: list[Checkpoint]) -> Iterator[Connection]:
    """Somebody whom no trigger, no foreign key and no check stops."""
    engine = owner_engine(server)
    with engine.connect() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text("ALTER TABLE ledger_leaf DROP CONSTRAINT ledger_leaf_index_check"))
        yield connection
        connection.rollback()
    engine.dispose()


def rehash(connection: Connection) -> None:
    """Make every leaf agree with its event again, as a thorough forger does."""
    for leaf in list(stored.all_leaves(connection)):
        if leaf.event is not None:
            connection.execute(
                text("UPDATE ledger_leaf SET hash = :hash WHERE index = :index"),
                {"hash": sealed(leaf.event, leaf.salt), "index": leaf.index},
            )


_EVENT_OF = "id = (SELECT intent FROM ledger_leaf WHERE index = {})"
TAMPERINGS: dict[str, tuple[str, int]] = {
    "an event edited": (f"UPDATE audit_intent SET actor = 'o9' WHERE {_EVENT_OF.format(123)}", 123),
    "a figure edited": (f"UPDATE audit_intent SET payload = '{{}}' WHERE {_EVENT_OF.format(77)}", 77),
    "an event deleted": (f"DELETE FROM audit_intent WHERE {_EVENT_OF.format(5)}", 5),
    "a leaf deleted": ("DELETE FROM ledger_leaf WHERE index = 0", 0),
    "the last leaf deleted": ("DELETE FROM ledger_leaf WHERE index = 299", 299),
    "a leaf deleted and the rest moved up": (
        "DELETE FROM ledger_leaf WHERE index = 200; UPDATE ledger_leaf SET index = -index WHERE index > 200; "
        "UPDATE ledger_leaf SET index = -index - 1 WHERE index < 0",
        200,
    ),
    "a leaf before the first": (
        "INSERT INTO ledger_leaf SELECT -1, 999999, salt, hash FROM ledger_leaf WHERE index = 9",
        0,
    ),
    "two leaves swapped": (
        "UPDATE ledger_leaf SET index = -1 WHERE index = 10; UPDATE ledger_leaf SET index = 10 WHERE index = 20; "
        "UPDATE ledger_leaf SET index = 20 WHERE index = -1",
        10,
    ),
    "the end cut off": ("DELETE FROM ledger_leaf WHERE index >= 260", 260),
    "everything gone": ("DELETE FROM ledger_leaf; DELETE FROM audit_intent", 0),
}


@pytest.mark.parametrize("thorough", [False, True], ids=["careless", "thorough"])
@pytest.mark.parametrize(("statements", "first_changed"), TAMPERINGS.values(), ids=TAMPERINGS)
def test_what_the_owner_of_the_database_does_is_found(
    owner: Connection, published: list[Checkpoint], statements: str, first_changed: int, thorough: bool
) -> None:
    assert verify(stored.all_leaves(owner), published, KEY).sound
    for statement in statements.split("; "):
        owner.execute(text(statement))
    if thorough:
        rehash(owner)
    verdict = verify(stored.all_leaves(owner), published, KEY)
    assert not verdict.sound
    assert named(verdict, first_changed)


def test_a_signature_in_the_database_is_no_proof_against_who_has_the_key(
    owner: Connection, published: list[Checkpoint]
) -> None:
    owner.execute(text("DELETE FROM ledger_leaf WHERE index >= 260"))
    root = stored.root_at(owner, 260)
    forged = signed(SIGNER.origin, 260, root, MORNING, SIGNER.key)
    leaves = list(stored.all_leaves(owner))
    assert verify(leaves, [forged], KEY).sound
    assert verify(leaves, published, KEY).fault is Fault.TRUNCATED
