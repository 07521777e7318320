"""The Merkle tree of a log: roots, proofs that a leaf is in it, proofs that it only grew.

Source:
    RFC 9162, section 2.1 (Merkle trees), 2.1.3 (inclusion), 2.1.4 (consistency).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()
HASH_BYTES = 32

Subtrees = Callable[[int, int], bytes]
"""The root of a complete subtree: of its 2**level leaves, the position-th such row of them."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf; its first byte keeps it from ever being taken for a node."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbours."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def folded(hashes: Sequence[bytes]) -> bytes:
    """The root of a complete subtree from all its leaves, or all its nodes of one level: a power of two of them."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0]


class Frontier:
    """A tree that grows, of which only the right edge is kept: so many hashes as its size has one-bits."""

    def __init__(self) -> None:
        self.size = 0
        self._complete: list[bytes] = []  # of the complete subtrees, the largest first

    def append(self, leaf: bytes) -> None:
        """Add the hash of one leaf."""
        index, self.size = self.size, self.size + 1
        while index & 1:
            leaf = node_hash(self._complete.pop(), leaf)
            index >>= 1
        self._complete.append(leaf)

    def root(self) -> bytes:
        """The root of all leaves so far."""
        if not self._complete:
            return EMPTY_ROOT
        *others, root = self._complete
        for left in reversed(others):
            root = node_hash(left, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over the hashes of some leaves."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def range_root(subtrees: Subtrees, start: int, end: int) -> bytes:
    """The root over leaves start to end (exclusive), where start is a place at which RFC 9162 splits a tree."""
    width = end - start
    if width == 0:
        return EMPTY_ROOT
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return subtrees(level, start >> level)
    middle = start + _split(width)
    return node_hash(range_root(subtrees, start, middle), range_root(subtrees, middle, end))


def inclusion_path(subtrees: Subtrees, index: int, size: int) -> list[bytes]:
    """The neighbours of a leaf on its way up to the root of the first `size` leaves, lowest first.

    Raises:
        ValueError: the leaf is not among them.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(range_root(subtrees, middle, end))
            end = middle
        else:
            path.append(range_root(subtrees, start, middle))
            start = middle
    return path[::-1]


def root_by_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a leaf and its path lead to; None: a path of that length leads nowhere."""
    if not 0 <= index < size:
        return None
    at, last, root = index, size - 1, leaf
    for neighbour in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            root = node_hash(neighbour, root)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            root = node_hash(root, neighbour)
        at, last = at >> 1, last >> 1
    return root if last == 0 else None


def consistency_path(subtrees: Subtrees, earlier: int, later: int) -> list[bytes]:
    """What shows that a tree of `later` leaves begins with the tree of `earlier` ones.

    Raises:
        ValueError: the earlier tree is empty or larger.
    """
    if not 0 < earlier <= later:
        raise ValueError(f"no tree of {later} leaves grew from one of {earlier}")
    path: list[bytes] = []
    start, end, whole = 0, later, True
    while earlier != end:
        middle = start + _split(end - start)
        if earlier <= middle:
            path.append(range_root(subtrees, middle, end))
            end = middle
        else:
            path.append(range_root(subtrees, start, middle))
            start, whole = middle, False
    if not whole:
        path.append(range_root(subtrees, start, end))
    return path[::-1]


def grew_from(earlier: int, earlier_root: bytes, later: int, later_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the path shows that the later tree is the earlier one and more leaves."""
    if earlier == later:
        return not path and earlier_root == later_root
    if not 0 < earlier < later or not path:
        return False
    steps = list(path) if earlier & (earlier - 1) else [earlier_root, *path]
    at, last = earlier - 1, later - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = steps[0]
    for neighbour in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = node_hash(neighbour, first), node_hash(neighbour, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, neighbour)
        at, last = at >> 1, last >> 1
    return first == earlier_root and second == later_root and last == 0


def _split(width: int) -> int:
    """The largest power of two below a width of two or more."""
    return 1 << ((width - 1).bit_length() - 1)
