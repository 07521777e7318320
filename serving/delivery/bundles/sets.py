"""Sets of items that may be received together, what they are worth, and which is surely no worse than another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rules.determination import Outcome
from serving.delivery.bundles.model import Answered, Item, Problem, Settle, Worth
from serving.delivery.bundles.ties import Ties

MONEY, LASTING, IN_KIND = "money", "lasting", "in_kind"
AXES = (MONEY, LASTING, IN_KIND)
"""What is compared: 12 months' money, the part of it that lasts, and what no figure measures."""


@dataclass(frozen=True, slots=True)
class Received:
    """Items received together, each with its worth beside the others and those of them that made it so."""

    worth: dict[Item, tuple[Worth, frozenset[Item]]]

    @property
    def items(self) -> frozenset[Item]:
        """The items."""
        return frozenset(self.worth)

    @property
    def low(self) -> int:
        """What they bring at least, in 12 months."""
        return sum(worth.low for worth, _ in self.worth.values())

    @property
    def high(self) -> int | None:
        """What they bring at most; None without a bound."""
        highs = [worth.high for worth, _ in self.worth.values()]
        return None if None in highs else sum(high for high in highs if high is not None)

    @property
    def in_kind(self) -> frozenset[Item]:
        """The items that no figure measures."""
        return frozenset(item for item, (worth, _) in self.worth.items() if worth.in_kind)


def falls_short(one: Received, other: Received) -> tuple[str, ...]:
    """In what the first might be worth less than the second; empty where it surely is not.

    An item that both hold under the same conditions is worth the same in both, however uncertain.
    """
    if one.worth == other.worth:
        return ()
    same = {item for item, found in one.worth.items() if other.worth.get(item) == found}
    ours = [worth for item, (worth, _) in one.worth.items() if item not in same]
    theirs = [worth for item, (worth, _) in other.worth.items() if item not in same]
    short: list[str] = []
    if not _at_least(ours, theirs):
        short.append(MONEY)
    elif not _at_least([worth for worth in ours if worth.lasting], [worth for worth in theirs if worth.lasting]):
        short.append(LASTING)
    if not one.in_kind >= other.in_kind:
        short.append(IN_KIND)
    return tuple(short)


def _at_least(ours: Sequence[Worth], theirs: Sequence[Worth]) -> bool:
    most = 0
    for worth in theirs:
        if worth.high is None:
            return False
        most += worth.high
    return sum(worth.low for worth in ours) >= most


class Ledger:
    """What each item is worth in each company, the rules being executed once for each.

    Args:
        problem: the household.
        ties: of it.
        settle: executes the rules.
    """

    def __init__(self, problem: Problem, ties: Ties, settle: Settle) -> None:
        self.problem, self.ties, self._settle = problem, ties, settle
        self.held = frozenset(problem.held)
        self._known: dict[tuple[Item, frozenset[Item]], Answered] = {}

    def answered(self, item: Item, company: frozenset[Item]) -> Answered:
        """What the rules say of an item where these are received (it itself or not)."""
        matters = self.ties.ancestors(item) & company
        key = (item, matters)
        if key not in self._known:
            self._known[key] = self._settle(matters | {item})[item]
        return self._known[key]

    def worth(self, item: Item, company: frozenset[Item]) -> Worth | None:
        """What an item is worth beside others; None where it cannot be received beside them.

        What is held is worth what is paid, and may stay, as long as nothing changes what the rules say of it. What is
        owed today and open beside the others may be offered with them, and counts for nothing at the least.
        """
        if any(self.problem.excluded(item, other) for other in self.ties.rivals(item) & company):
            return None
        if not self.ties.needed(item) <= company:
            return None
        found = self.answered(item, company)
        if item in self.held:
            if found == self.answered(item, self.held):
                return self.problem.held[item]
            return None if found.outcome is Outcome.INELIGIBLE else found.worth
        if found.outcome is Outcome.ELIGIBLE:
            return found.worth
        owed_today = self.answered(item, self.held).outcome is Outcome.ELIGIBLE
        return found.worth if found.outcome is Outcome.UNDETERMINED and owed_today else None

    def received(self, items: frozenset[Item]) -> Received | None:
        """Items as a set; None where they cannot all be received together."""
        found: dict[Item, tuple[Worth, frozenset[Item]]] = {}
        for item in sorted(items):
            worth = self.worth(item, items)
            if worth is None:
                return None
            found[item] = worth, self.ties.ancestors(item) & items
        return Received(found)

    def sets(self, knot: Sequence[Item]) -> Iterator[Received]:
        """Every choice among the deciders of a knot that can be received, with all else that may go with it."""
        deciders = self.ties.deciders(knot)
        others = [item for item in knot if item not in set(deciders)]
        for chosen in self._choices(deciders, 0, frozenset()):
            received = self.received(chosen)
            if received is None:
                continue
            along = dict(received.worth)
            for item in others:
                worth = self.worth(item, chosen)
                if worth is not None:
                    along[item] = worth, self.ties.ancestors(item) & chosen
            yield Received(along)

    def _choices(self, deciders: Sequence[Item], position: int, chosen: frozenset[Item]) -> Iterator[frozenset[Item]]:
        """Subsets of the deciders; a branch ends as soon as two of its items exclude each other."""
        if position == len(deciders):
            yield chosen
            return
        item = deciders[position]
        if not any(self.problem.excluded(item, other) for other in chosen):
            yield from self._choices(deciders, position + 1, chosen | {item})
        yield from self._choices(deciders, position + 1, chosen)
