"""Roots and proofs, compared with another implementation of the same RFC."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from serving.ledger.tree import (
    EMPTY_ROOT,
    Subtrees,
    consistency_path,
    folded,
    grew_from,
    inclusion_path,
    leaf_hash,
    range_root,
    root_by_path,
    root_of,
)

SIZES = [*range(1, 70), 127, 128, 129, 255, 256, 257, 300]


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(str(index).encode()) for index in range(size)]


def subtrees_of(leaves: list[bytes]) -> Subtrees:
    return lambda level, position: folded(leaves[position << level : (position + 1) << level])


@pytest.fixture(scope="module")
def oracle() -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")
    for index in range(max(SIZES)):
        tree.append_entry(str(index).encode())
    return tree


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert root_of([]) == range_root(subtrees_of([]), 0, 0) == EMPTY_ROOT == hashlib.sha256().digest()


@pytest.mark.parametrize("size", SIZES)
def test_roots_are_those_of_the_oracle(oracle: InmemoryTree, size: int) -> None:
    leaves = leaves_of(size)
    assert root_of(leaves) == range_root(subtrees_of(leaves), 0, size) == oracle.get_root(size)


def test_leaf_hashes_are_those_of_the_oracle(oracle: InmemoryTree) -> None:
    assert [oracle.get_leaf(index + 1) for index in range(300)] == leaves_of(300)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 64, 65, 100])
def test_every_leaf_is_proved_to_be_in_the_tree(oracle: InmemoryTree, size: int) -> None:
    leaves = leaves_of(size)
    for index, leaf in enumerate(leaves):
        path = inclusion_path(subtrees_of(leaves), index, size)
        theirs = oracle.prove_inclusion(index + 1, size).path[1:]  # the oracle's path begins with the leaf itself
        assert path == theirs
        assert root_by_path(leaf, index, size, path) == oracle.get_root(size)


@given(st.integers(1, 200), st.data())
def test_a_proof_holds_for_no_other_leaf_place_or_size(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(subtrees_of(leaves), index, size)
    root = root_of(leaves)
    assert root_by_path(leaves[index], index, size, path) == root
    assert root_by_path(leaf_hash(b"another"), index, size, path) != root
    elsewhere = data.draw(st.integers(0, size).filter(lambda at: at != index))
    assert root_by_path(leaves[index], elsewhere, size, path) != root
    assert root_by_path(leaves[index], index, size, [*path, root]) != root
    if path:
        assert root_by_path(leaves[index], index, size, path[:-1]) != root


@given(st.integers(1, 200), st.integers(0, 200))
def test_a_tree_is_proved_to_have_grown(earlier: int, more: int) -> None:
    later = earlier + more
    leaves = leaves_of(later)
    old, new = root_of(leaves[:earlier]), root_of(leaves)
    path = consistency_path(subtrees_of(leaves), earlier, later)
    assert grew_from(earlier, old, later, new, path)
    other = root_of([leaf_hash(b"edited"), *leaves[1:earlier]])
    assert not grew_from(earlier, other, later, new, path)
    assert not grew_from(earlier, old, later, leaf_hash(b"another root"), path)
    assert not grew_from(earlier, old, later, new, [*path, old])
    if path:
        assert not grew_from(earlier, old, later, new, path[:-1])


def test_what_is_not_there_is_not_proved() -> None:
    with pytest.raises(ValueError, match="not in a tree"):
        inclusion_path(subtrees_of(leaves_of(3)), 3, 3)
    with pytest.raises(ValueError, match="grew"):
        consistency_path(subtrees_of(leaves_of(3)), 4, 3)
    assert root_by_path(leaf_hash(b"x"), 3, 3, []) is None
