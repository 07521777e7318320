"""Sets of items that may be received together, what they are worth, and which is surely no worse than another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rules.determination import Outcome
from serving.delivery.bundles.model import NOTHING, Answered, Item, Problem, Settle, Worth
from serving.delivery.bundles.ties import Ties

MONEY, LASTING, IN_KIND = "money", "lasting", "in_kind"
AXES = (MONEY, LASTING, IN_KIND)
"""What is compared: 12 months' money, the part of it that lasts, and what no figure measures."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one item brings in a set.

    Attributes:
        worth: in 12 months.
        beside: those of the set whose receipt made it so.
        later: what it brings once all that is paid for a limited time has ended; None where it does not last itself.
        later_beside: those of the set that make it so then.
    """

    worth: Worth
    beside: frozenset[Item] = frozenset()
    later: Worth | None = None
    later_beside: frozenset[Item] = frozenset()


@dataclass(frozen=True, slots=True)
class Received:
    """Items received together, each with its share beside the others."""

    shares: dict[Item, Share]

    @property
    def items(self) -> frozenset[Item]:
        """The items."""
        return frozenset(self.shares)

    @property
    def low(self) -> int:
        """What they bring at least, in 12 months."""
        return sum(share.worth.low for share in self.shares.values())

    @property
    def high(self) -> int | None:
        """What they bring at most; None without a bound."""
        highs = [share.worth.high for share in self.shares.values()]
        return None if None in highs else sum(high for high in highs if high is not None)

    @property
    def in_kind(self) -> frozenset[Item]:
        """The items that no figure measures."""
        return frozenset(item for item, share in self.shares.items() if share.worth.in_kind)


def falls_short(one: Received, other: Received) -> tuple[str, ...]:
    """In what the first might be worth less than the second; empty where it surely is not.

    An item that both hold under the same conditions is worth the same in both, however uncertain.
    """
    if one.shares == other.shares:
        return ()
    short: list[str] = []
    if not _at_least(_now(one), _now(other)):
        short.append(MONEY)
    elif not _at_least(_later(one), _later(other)):
        short.append(LASTING)
    if not one.in_kind >= other.in_kind:
        short.append(IN_KIND)
    return tuple(short)


_Figures = dict[tuple[Item, frozenset[Item]], Worth]


def _now(received: Received) -> _Figures:
    return {(item, share.beside): share.worth for item, share in received.shares.items()}


def _later(received: Received) -> _Figures:
    shares = received.shares.items()
    return {(item, share.later_beside): share.later for item, share in shares if share.later is not None}


def _at_least(ours: _Figures, theirs: _Figures) -> bool:
    """Whatever the uncertain figures are; one that stands on both sides is the same on both."""
    most = 0
    for key, worth in theirs.items():
        if ours.get(key) != worth:
            if worth.high is None:
                return False
            most += worth.high
    return sum(worth.low for key, worth in ours.items() if theirs.get(key) != worth) >= most


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
        worths: dict[Item, Worth] = {}
        for item in items:
            worth = self.worth(item, items)
            if worth is None:
                return None
            worths[item] = worth
        return Received(self._shares(worths, items))

    def _shares(self, worths: dict[Item, Worth], deciders: frozenset[Item]) -> dict[Item, Share]:
        lasting = frozenset(item for item in deciders if worths[item].lasting)
        shares: dict[Item, Share] = {}
        for item, worth in sorted(worths.items()):
            later = (self.worth(item, lasting) or NOTHING) if worth.lasting else None
            ancestors = self.ties.ancestors(item)
            shares[item] = Share(
                worth, ancestors & deciders, later, ancestors & lasting if worth.lasting else frozenset()
            )
        return shares

    def sets(self, knot: Sequence[Item]) -> Iterator[Received]:
        """Every choice among the deciders of a knot that can be received, with all else that may go with it."""
        deciders = self.ties.deciders(knot)
        others = [item for item in knot if item not in set(deciders)]
        for chosen in self._choices(deciders, 0, frozenset()):
            worths = {item: worth for item in (*chosen, *others) if (worth := self.worth(item, chosen)) is not None}
            if chosen <= worths.keys():
                yield Received(self._shares(worths, chosen))

    def _choices(self, deciders: Sequence[Item], position: int, chosen: frozenset[Item]) -> Iterator[frozenset[Item]]:
        """Subsets of the deciders; a branch ends as soon as two of its items exclude each other."""
        if position == len(deciders):
            yield chosen
            return
        item = deciders[position]
        if not any(self.problem.excluded(item, other) for other in chosen):
            yield from self._choices(deciders, position + 1, chosen | {item})
        yield from self._choices(deciders, position + 1, chosen)
