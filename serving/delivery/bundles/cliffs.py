"""Cliffs: what is lost by accepting something, found by executing the rules both ways."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from serving.delivery.bundles.model import NOTHING, Item, Worth
from serving.delivery.bundles.sets import Ledger


class CliffKind(enum.Enum):
    """What happens to the other item."""

    ENDS = "ends"
    """It is held, and is lost."""
    FALLS = "falls"
    """It brings less."""
    SHUT_OUT = "shut_out"
    """It is owed too, and cannot be accepted any more."""


@dataclass(frozen=True, slots=True)
class Cliff:
    """If `accept` is accepted, `lose` ends, falls or is shut out.

    `loss_low` and `loss_high` bound what is lost in 12 months, in minor units (None: no bound); `in_kind`: what is lost
    is measured by no figure. `certain` is false where it only may be lost. `before` and `after` are what is received
    without and with it: whoever executes the rules on both finds this loss.
    """

    accept: Item
    lose: Item
    kind: CliffKind
    loss_low: int
    loss_high: int | None
    in_kind: bool
    certain: bool
    because: str
    before: frozenset[Item]
    after: frozenset[Item]


def find_cliffs(ledger: Ledger, knot: Sequence[Item]) -> tuple[Cliff, ...]:
    """Every cliff of a knot: one item accepted beside what is held, one other lost by it."""
    return tuple(
        cliff
        for accept in knot
        if accept not in ledger.held
        for lose in knot
        if lose != accept
        for cliff in _cliff(ledger, accept, lose)
    )


def _cliff(ledger: Ledger, accept: Item, lose: Item) -> Iterator[Cliff]:
    before = (ledger.held - ledger.ties.rivals(lose)) | {lose} if lose not in ledger.held else ledger.held
    had = ledger.worth(lose, before)
    after = (before | {accept}) - ledger.ties.rivals(accept)
    if had is None or ledger.worth(accept, after) is None:
        return
    rival = ledger.problem.excluded(accept, lose)
    has = None if rival is not None else ledger.worth(lose, after)
    if has == had:
        return
    low, high = _loss(had, has)
    in_kind = had.in_kind and has is None
    if not in_kind and high is not None and high <= 0:
        return
    kind = CliffKind.FALLS if has is not None else CliffKind.ENDS if lose in ledger.held else CliffKind.SHUT_OUT
    certain = has is None or low > 0
    because = rival.because if rival is not None else _because(ledger, accept, lose, before - after)
    yield Cliff(accept, lose, kind, low, high, in_kind, certain, because, before, after)


def _loss(had: Worth, has: Worth | None) -> tuple[int, int | None]:
    left = has or NOTHING
    low = 0 if left.high is None else max(0, had.low - left.high)
    return low, None if had.high is None else had.high - left.low


def _because(ledger: Ledger, accept: Item, lose: Item, given_up: frozenset[Item]) -> str:
    """The article: of the receipt that changed the answer, or of the item that is no longer received beside it."""
    problem = ledger.problem
    for needed, because in sorted(problem.needs.get(lose, {}).items()):
        if needed in given_up:
            return because
    changed = (accept, *sorted(given_up))
    for item in changed:
        if lose in problem.touches.get(item, {}):
            return problem.touches[item][lose]
    return next((because for item in changed for because in problem.touches.get(item, {}).values()), "")
