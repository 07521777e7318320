"""Counts for policy staff: no count below ten, and none that could be worked out from the others.

Source:
    gates.md, S18: small cells hidden, with secondary suppression, so that differences of sums tell nothing either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

SMALLEST: Final = 10
Key = tuple[str, ...]


def hidden_cells(counts: Mapping[Key, int]) -> set[Key]:
    """The cells that are not shown.

    Of each line (all cells that differ in one part of the key alone) whose sum somebody may know, either no cell is
    hidden or at least two, that together count ten or more: a single hidden one would be the sum less the others.

    Args:
        counts: all cells, by a key of as many parts each.
    """
    hidden = {key for key, count in counts.items() if 0 < count < SMALLEST}
    while more := _exposed(counts, hidden):
        hidden |= more
    return hidden


def _exposed(counts: Mapping[Key, int], hidden: set[Key]) -> set[Key]:
    more: set[Key] = set()
    for line in _lines(list(counts)):
        inside = [key for key in line if key in hidden]
        if not inside or (len(inside) > 1 and sum(counts[key] for key in inside) >= SMALLEST):
            continue
        others = sorted(
            (key for key in line if key not in hidden and counts[key] > 0), key=lambda key: (counts[key], key)
        )
        if others:
            more.add(others[0])
    return more


def _lines(keys: Sequence[Key]) -> list[list[Key]]:
    lines: dict[tuple[int, Key], list[Key]] = {}
    for key in keys:
        for part in range(len(key)):
            lines.setdefault((part, (*key[:part], *key[part + 1 :])), []).append(key)
        if len(key) == 1:
            break
    return list(lines.values()) if keys and len(keys[0]) > 1 else [list(keys)]


def total_of(counts: Mapping[Key, int], hidden: set[Key]) -> int | None:
    """The sum of all, where it tells nothing of what is hidden."""
    concealed = [counts[key] for key in hidden]
    total = sum(counts.values())
    alone = len(concealed) == 1 or (concealed and sum(concealed) < SMALLEST)
    return None if alone or 0 < total < SMALLEST else total
