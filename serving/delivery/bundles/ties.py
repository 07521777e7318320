"""How items hang together: what may change an answer, which items must be settled as one, and which decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from serving.delivery.bundles.model import Item, Problem


class Ties:
    """The ties of one problem, looked up once.

    Args:
        problem: its items and relations. Pending items are not settled, but what touches them is told.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.items = problem.options | problem.held.keys()
        self._ancestors: dict[Item, frozenset[Item]] = {}
        self._touched_by: dict[Item, set[Item]] = {}
        for item, touched in problem.touches.items():
            for other in touched:
                if other != item:
                    self._touched_by.setdefault(other, set()).add(item)
        self._rivals: dict[Item, set[Item]] = {}
        self._in_conflict: dict[Item, set[Item]] = {}
        for pair in problem.exclusions:
            one, other = sorted(pair)
            self._in_conflict.setdefault(one, set()).add(other)
            if problem.excluded(one, other) is not None:
                self._rivals.setdefault(one, set()).add(other)
                self._rivals.setdefault(other, set()).add(one)

    def rivals(self, item: Item) -> frozenset[Item]:
        """The items that it excludes."""
        return frozenset(self._rivals.get(item, ()))

    def ancestors(self, item: Item) -> frozenset[Item]:
        """Whose receipt may change what the rules say of an item, directly or through another's amount."""
        if item not in self._ancestors:
            found: set[Item] = set()
            waiting = [item]
            while waiting:
                for other in self._touched_by.get(waiting.pop(), ()):
                    if other not in found and other != item:
                        found.add(other)
                        waiting.append(other)
            self._ancestors[item] = frozenset(found & self.items)
        return self._ancestors[item]

    def needed(self, item: Item) -> frozenset[Item]:
        """Beside which it is received: for what is held only those that are held too."""
        needs = frozenset(self.problem.needs.get(item, ()))
        return needs & self.problem.held.keys() if item in self.problem.held else needs

    def deciders(self, knot: Iterable[Item]) -> list[Item]:
        """The items of a knot on whose receipt something else depends, in order.

        The others change nothing for anybody and are worth at least nothing: each is taken wherever it may be.
        """
        items = set(knot)
        asked = {other for item in items for other in self.needed(item)}
        return sorted(
            item
            for item in items
            if self.rivals(item) & items
            or item in asked
            or any(other in items and other != item for other in self.problem.touches.get(item, ()))
        )

    def knots(self) -> list[tuple[Item, ...]]:
        """The items in the smallest groups that can be settled apart from each other; alone where nothing ties them.

        Two that are held and should exclude each other are one knot: whoever looks at it sees both. What is pending is
        in no knot, and ties those that it might replace: they are weighed against it together.
        """
        everything = self.items | self.problem.pending.keys()
        root = {item: item for item in everything}

        def find(item: Item) -> Item:
            while root[item] != item:
                root[item] = root[root[item]]
                item = root[item]
            return item

        for item in self.items:
            tied = {*self.rivals(item), *self.needed(item), *self._in_conflict.get(item, ())}
            tied |= set(self.problem.touches.get(item, ()))
            for other in tied & everything:
                root[find(item)] = find(other)
        groups: dict[Item, list[Item]] = {}
        for item in sorted(self.items):
            groups.setdefault(find(item), []).append(item)
        return sorted(tuple(group) for group in groups.values())


def subjects_meet(one: Item, other: Item, people: Mapping[tuple[str, str], frozenset[str]]) -> bool:
    """Do two items concern the same subject, or a group and one of its persons?"""
    if one.of == other.of:
        return True
    if one.kind == other.kind:
        return False
    return bool(people.get(one.of, frozenset()) & people.get(other.of, frozenset()))
