"""Is the ledger still what was published of it? Needs its leaves and the published checkpoints, and no database."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from serving.ledger.checkpoints import Checkpoint
from serving.ledger.leaves import Leaf, sealed
from serving.ledger.tree import Frontier


class Fault(enum.Enum):
    """What is wrong at the first bad place."""

    SIGNATURE = "a checkpoint is not signed by this key"
    ORIGIN = "the checkpoints are of more than one ledger"
    INDEX = "an index is missing or doubled"
    EVENT_GONE = "the event of this leaf is gone"
    EVENT_EDITED = "the event is not what this leaf sealed"
    ROOT = "the leaves are not those of the checkpoint, though each agrees with its event"
    TRUNCATED = "the ledger ends before the checkpoint"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found.

    Args:
        leaves: how many were read, up to the fault.
        proved: how many of them a published checkpoint vouches for.
        checkpoints: how many checkpoints agreed.
        fault: what is wrong; None: nothing is.
        first_bad: the index of the first bad leaf, or the first that may be.
        until: the bad leaf is below this index: first_bad + 1 where it is known exactly.
    """

    leaves: int
    proved: int
    checkpoints: int
    fault: Fault | None = None
    first_bad: int | None = None
    until: int | None = None

    @property
    def sound(self) -> bool:
        """Nothing is wrong."""
        return self.fault is None


def verify(leaves: Iterable[Leaf], published: Sequence[Checkpoint], key: Ed25519PublicKey) -> Verdict:
    """Compare every leaf with its event, and the tree with every published checkpoint.

    A leaf that disagrees with its own event is named exactly. Whoever alters an event and every hash that follows from
    it is found by the next checkpoint, and the verdict names the leaves since the last one that agreed.

    Args:
        leaves: by index, from the first.
        published: as somebody else kept them; in any order.
        key: of the ledger's origin.
    """
    false = _not_genuine(published, key)
    if false is not None:
        return Verdict(0, 0, 0, false)
    waiting = sorted(published, key=lambda one: (one.size, one.at), reverse=True)
    tree, proved, agreed = Frontier(), 0, 0
    while waiting and waiting[-1].size == 0:
        if waiting.pop().root != tree.root():
            return Verdict(0, 0, agreed, Fault.ROOT, 0, 0)
        agreed += 1
    for leaf in leaves:
        fault = _fault_of(leaf, tree.size)
        if fault is not None:
            # Of two leaves with one index either may be the false one, whichever was read first.
            doubled = fault is Fault.INDEX and leaf.index < tree.size
            first = max(leaf.index, 0) if doubled else tree.size
            return Verdict(tree.size, proved, agreed, fault, first, tree.size + 1)
        tree.append(leaf.hash)
        while waiting and waiting[-1].size == tree.size:
            if waiting.pop().root != tree.root():
                return Verdict(tree.size, proved, agreed, Fault.ROOT, proved, tree.size)
            proved, agreed = tree.size, agreed + 1
    if waiting:
        # A leaf taken out of the middle, with the rest moved up, ends early too: only what is proved is beyond doubt.
        return Verdict(tree.size, proved, agreed, Fault.TRUNCATED, proved, waiting[0].size)
    return Verdict(tree.size, proved, agreed)


def _not_genuine(published: Sequence[Checkpoint], key: Ed25519PublicKey) -> Fault | None:
    if any(not one.is_signed_by(key) for one in published):
        return Fault.SIGNATURE
    return Fault.ORIGIN if len({one.origin for one in published}) > 1 else None


def _fault_of(leaf: Leaf, index: int) -> Fault | None:
    if leaf.index != index:
        return Fault.INDEX
    if leaf.event is None:
        return Fault.EVENT_GONE
    try:
        same = sealed(leaf.event, leaf.salt) == leaf.hash
    except ValueError:  # what canonical JSON cannot say was never sealed
        same = False
    return None if same else Fault.EVENT_EDITED
