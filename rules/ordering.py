"""An order in which each thing comes after those it reads, and the circles that make one impossible."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def dependencies_first(reads: Mapping[str, Collection[str]]) -> tuple[list[str], list[list[str]]]:
    """Names after those that they read, otherwise in the order of the mapping; and every circle that was met.

    Args:
        reads: for each name those that it reads; names that are no key are left out of account.
    """
    order: dict[str, None] = {}
    circles: list[list[str]] = []
    for start in reads:
        line = [] if start in order else [start]
        closed: set[tuple[str, str]] = set()
        while line:
            last = line[-1]
            following = next(
                (n for n in sorted(reads[last]) if n in reads and n not in order and (last, n) not in closed), None
            )
            if following is None:
                order[line.pop()] = None
            elif following in line:
                closed.add((last, following))
                circles.append(line[line.index(following) :])
            else:
                line.append(following)
    return list(order), circles
