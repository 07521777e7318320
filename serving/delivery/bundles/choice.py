"""The best that a household may receive, knot by knot; the household asked where the choice is its own."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rules.determination import Outcome
from serving.delivery.bundles.cliffs import Cliff, find_cliffs
from serving.delivery.bundles.model import Exclusion, Item, Problem, Settle
from serving.delivery.bundles.sets import AXES, LASTING, Ledger, Received, Share, falls_short
from serving.delivery.bundles.ties import Ties

MOST_DECIDERS = 12
"""Of so many items in one knot every choice is looked at (4,096 sets at most); beyond it a person settles the knot."""


class Verdict(enum.Enum):
    """How a knot is settled."""

    SETTLED = "settled"
    """One set is surely worth at least what any other is."""
    CHOICE = "choice"
    """Several are no worse than what is held, and which is better the household alone can say."""
    REVIEW = "review"
    """A caseworker looks at it first; nothing that is held is given up meanwhile."""


class Reason(enum.Enum):
    """Why a knot is not simply settled."""

    UNCERTAIN = "uncertain"
    """A set may be worth more than what is held, or less."""
    GIVES_UP_LASTING = "gives_up_lasting"
    """A set brings more in 12 months by giving up what goes on after them."""
    GIVES_UP_IN_KIND = "gives_up_in_kind"
    """A set gives up something held that no figure measures."""
    NOT_COMPARABLE = "not_comparable"
    """Sets that no figures put in an order."""
    UNIT_CHANGES = "unit_changes"
    """A person would leave the unit on which the group's benefit is computed."""
    OPEN_RIVAL = "open_rival"
    """It is not known yet whether something better is owed instead."""
    HELD_CONFLICT = "held_conflict"
    """What is held already excludes each other."""
    TOO_MANY = "too_many"
    """More than :data:`MOST_DECIDERS` items depend on each other."""


_SHORT = dict(zip(AXES, (Reason.UNCERTAIN, Reason.GIVES_UP_LASTING, Reason.GIVES_UP_IN_KIND), strict=True))


@dataclass(frozen=True, slots=True)
class Proposal:
    """A set that may be offered: never worth less than what is held. `gives_up` is of what is held."""

    received: Received
    accept: frozenset[Item]
    gives_up: frozenset[Item]


@dataclass(frozen=True, slots=True)
class Settled:
    """One knot, settled.

    Attributes:
        items: the items that are tied to each other.
        verdict: how it is settled.
        reasons: why it is not simply settled.
        proposals: what may be offered, first what the law or the figures put first. Under SETTLED the first is the
            best, and the others are what the household may choose instead, by a law that leaves it the choice.
        doubtful: sets that may be better and may cost something that is held: a caseworker's to judge, never offered.
        cliffs: what is lost by accepting something.
        rivals: pending items that might be owed instead of what is proposed.
    """

    items: tuple[Item, ...]
    verdict: Verdict
    reasons: tuple[Reason, ...]
    proposals: tuple[Proposal, ...]
    doubtful: tuple[Proposal, ...] = ()
    cliffs: tuple[Cliff, ...] = ()
    rivals: tuple[Item, ...] = ()

    @property
    def secured(self) -> int:
        """What the first proposal brings at least in 12 months, in minor units."""
        return self.proposals[0].received.low


def settle_problem(problem: Problem, settle: Settle) -> tuple[Settled, ...]:
    """Settle every knot of a household. The order in which items are given does not matter.

    Args:
        problem: its items and how they are tied.
        settle: executes the rules on what is received.
    """
    ties = Ties(problem)
    ledger = Ledger(problem, ties, settle)
    return tuple(_settle_knot(ledger, knot) for knot in ties.knots())


def _settle_knot(ledger: Ledger, knot: tuple[Item, ...]) -> Settled:
    held = _as_held(ledger, knot)
    if len(ledger.ties.deciders(knot)) > MOST_DECIDERS:
        return Settled(knot, Verdict.REVIEW, (Reason.TOO_MANY,), (_proposal(ledger, knot, held),))
    front = _front(ledger.sets(knot))
    short = {id(found): falls_short(found, held) for found in front}
    safe = _ordered(ledger, (found for found in front if not short[id(found)]))
    doubtful = _ordered(ledger, (found for found in front if short[id(found)]))
    reasons = {_SHORT[axis] for found in doubtful for axis in short[id(found)]}
    choice: set[Reason] = set()
    if len(safe) > 1 and not all(not falls_short(safe[0], other) for other in safe):
        axes = {axis for one in safe for other in safe for axis in falls_short(one, other)}
        choice.add(Reason.GIVES_UP_LASTING if axes == {LASTING} else Reason.NOT_COMPARABLE)
        proposals = safe
    else:
        proposals = [safe[0], *_instead(ledger, knot, safe[0], held)]
    rivals = _rivals(ledger, proposals[0])
    if rivals:
        choice.add(Reason.OPEN_RIVAL)
    reasons |= _needs_person(ledger, knot, proposals[0])
    verdict = Verdict.REVIEW if reasons else Verdict.CHOICE if choice else Verdict.SETTLED
    return Settled(
        knot,
        verdict,
        tuple(sorted(reasons | choice, key=lambda reason: list(Reason).index(reason))),
        tuple(_proposal(ledger, knot, found) for found in proposals),
        tuple(_proposal(ledger, knot, found) for found in doubtful),
        find_cliffs(ledger, knot),
        rivals,
    )


def _as_held(ledger: Ledger, knot: Sequence[Item]) -> Received:
    held = ledger.received(ledger.held & set(knot))
    assert held is not None  # what is held may stay, whatever the rules say of it
    return held


def _front(sets: Iterable[Received]) -> list[Received]:
    """The sets that no other is surely at least as good as; of equals all are kept."""
    front: list[Received] = []
    for found in sets:
        if any(not falls_short(other, found) and falls_short(found, other) for other in front):
            continue
        front = [other for other in front if falls_short(other, found) or not falls_short(found, other)]
        front.append(found)
    return front


def _ordered(ledger: Ledger, sets: Iterable[Received]) -> list[Received]:
    """First what brings most at the least; then what gives up least, what the law prefers, what brings more items."""

    def key(found: Received) -> tuple[int, int, int, int, tuple[Item, ...]]:
        kept = len(found.items & ledger.held)
        return -found.low, -kept, _against_the_law(ledger, found.items), -len(found.items), tuple(sorted(found.items))

    return sorted(sets, key=key)


def _against_the_law(ledger: Ledger, items: frozenset[Item]) -> int:
    """How many exclusions are decided otherwise than the law prefers."""
    count = 0
    for item in items:
        for other in ledger.ties.rivals(item):
            exclusion = ledger.problem.excluded(item, other)
            shut_out = other in ledger.ties.items and other not in items
            count += exclusion is not None and shut_out and exclusion.preferred == other.benefit
    return count


def _instead(ledger: Ledger, knot: Sequence[Item], best: Received, held: Received) -> list[Received]:
    """Where the law lets the household choose one of two: the best set with the other one, if nothing held is lost."""
    found: dict[frozenset[Item], Received] = {}
    for one in sorted(best.items):
        for other in sorted(ledger.ties.rivals(one) - best.items):
            exclusion = ledger.problem.excluded(one, other)
            if exclusion is None or exclusion.relation != "choose_one":
                continue
            with_other = (s for s in ledger.sets(knot) if other in s.items and not falls_short(s, held))
            for chosen in _ordered(ledger, with_other)[:1]:
                found.setdefault(chosen.items, chosen)
    return list(found.values())


def _exclusions_decided(ledger: Ledger, chosen: Received) -> list[tuple[Item, Item, Exclusion]]:
    return [
        (one, other, exclusion)
        for one in sorted(chosen.items)
        for other in sorted(ledger.ties.rivals(one) - chosen.items)
        if (exclusion := ledger.problem.excluded(one, other)) is not None
    ]


def _needs_person(ledger: Ledger, knot: Sequence[Item], best: Received) -> set[Reason]:
    reasons: set[Reason] = set()
    for _, other, exclusion in _exclusions_decided(ledger, best):
        if exclusion.across and other in ledger.ties.items:
            reasons.add(Reason.UNIT_CHANGES)
    held = [item for item in knot if item in ledger.held]
    if any(frozenset((one, other)) in ledger.problem.exclusions for one in held for other in held if one < other):
        reasons.add(Reason.HELD_CONFLICT)
    return reasons


def _rivals(ledger: Ledger, best: Received) -> tuple[Item, ...]:
    """Pending items that what is newly accepted would shut out, and that may be worth more."""
    new = best.items - ledger.held
    found: list[Item] = []
    for item, worth in sorted(ledger.problem.pending.items()):
        shut_out_by = [other for other in new if ledger.problem.excluded(item, other) is not None]
        touched_by = [other for other in new if item in ledger.problem.touches.get(other, {})]
        if touched_by and not shut_out_by:
            after = ledger.answered(item, best.items)
            shut_out_by = touched_by if after.outcome is Outcome.INELIGIBLE else []
        if not shut_out_by or item in best.items:
            continue
        instead = Received({item: Share(worth, later=worth if worth.lasting else None)})
        if falls_short(Received({other: best.shares[other] for other in shut_out_by}), instead):
            found.append(item)
    return tuple(found)


def _proposal(ledger: Ledger, knot: Sequence[Item], found: Received) -> Proposal:
    held = {item for item in knot if item in ledger.held}
    return Proposal(found, found.items - held, frozenset(held - found.items))
