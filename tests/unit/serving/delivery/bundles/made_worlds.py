"""Small random households, and everything that may be received in them, found by looking at every subset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, combinations, product

from hypothesis import strategies as st

from rules.determination import Outcome
from serving.delivery.bundles.model import NOTHING, Answered, Exclusion, Item, Problem, Worth

NAMES = ("a", "b", "c", "d", "e", "f")
Items = frozenset[Item]


def item(name: str) -> Item:
    return Item(name, "person", "p")


@dataclass(frozen=True)
class Base:
    """What an item is worth by itself."""

    worth: Worth
    outcome: Outcome


@dataclass(frozen=True)
class Touch:
    """What receiving one item does to another: takes a share of its own worth away, ends it, opens it, or blurs it."""

    does: str
    percent: int


@dataclass(frozen=True)
class MadeWorld:
    """Items with bases, who touches whom (only later ones: amounts have an order), relations, and what is held."""

    bases: Mapping[Item, Base]
    touches: Mapping[tuple[Item, Item], Touch]
    exclusions: Mapping[frozenset[Item], Exclusion]
    needs: Mapping[Item, Item]
    held: Mapping[Item, Worth]

    def problem(self) -> Problem:
        touches: dict[Item, dict[Item, str]] = {}
        for one, other in self.touches:
            touches.setdefault(one, {})[other] = "art. 1"
        needs = {one: {other: "art. 2"} for one, other in self.needs.items()}
        return Problem(
            frozenset(self.bases) - self.held.keys(), self.held, self.exclusions, needs, touches,
        )  # fmt: skip

    def settle(self, accepted: Items) -> dict[Item, Answered]:
        return {one: self.answer(one, accepted) for one in accepted}

    def answer(self, one: Item, accepted: Items) -> Answered:
        base = self.bases[one]
        low, high, outcome = base.worth.low, base.worth.high, base.outcome
        for (giver, receiver), touch in sorted(self.touches.items(), key=lambda entry: entry[0]):
            if receiver != one or giver not in accepted:
                continue
            if touch.does == "ends":
                outcome = Outcome.INELIGIBLE
            elif touch.does == "opens" and outcome is Outcome.INELIGIBLE:
                outcome = Outcome.ELIGIBLE
            elif touch.does == "blurs" and outcome is Outcome.ELIGIBLE:
                outcome = Outcome.UNDETERMINED
            elif touch.does == "takes":
                gift = self.answer(giver, accepted).worth
                taken_low = gift.low * touch.percent // 100
                low = 0 if gift.high is None else max(0, low - gift.high * touch.percent // 100)
                high = None if high is None else max(0, high - taken_low)
        if outcome is Outcome.INELIGIBLE:
            return Answered(outcome, NOTHING)
        if outcome is Outcome.UNDETERMINED:
            low = 0
        if base.worth.in_kind:
            low, high = 0, 0
        return Answered(outcome, Worth(low, high, base.worth.lasting, base.worth.in_kind))

    def context(self, one: Item, accepted: Items) -> Items:
        """Those of the accepted that matter for an item, through whomever."""
        found: set[Item] = set()
        waiting = [one]
        while waiting:
            receiver = waiting.pop()
            for giver, touched in self.touches:
                if touched == receiver and giver not in found and giver != one:
                    found.add(giver)
                    waiting.append(giver)
        return frozenset(found) & accepted

    def worth(self, one: Item, accepted: Items) -> Worth | None:
        """What one brings where these are received; None where it cannot be: the definition, and no cleverness."""
        held = frozenset(self.held)
        for other in accepted:
            if frozenset((one, other)) in self.exclusions and not {one, other} <= held:
                return None
        needed = self.needs.get(one)
        if needed is not None and needed not in accepted and (one not in held or needed in held):
            return None
        now, before = self.answer(one, accepted), self.answer(one, held | {one})
        if one in held and now == before:
            return self.held[one]
        blurred = now.outcome is Outcome.UNDETERMINED and (one in held or before.outcome is Outcome.ELIGIBLE)
        return now.worth if now.outcome is Outcome.ELIGIBLE or blurred else None

    def worths(self, accepted: Items) -> dict[Item, Worth] | None:
        """What each brings where these are received; None where they cannot all be."""
        found = {one: self.worth(one, accepted) for one in accepted}
        return None if None in found.values() else {one: worth for one, worth in found.items() if worth is not None}

    def every_set(self) -> Iterator[tuple[Items, dict[Item, Worth]]]:
        items = sorted(self.bases)
        for chosen in chain.from_iterable(combinations(items, n) for n in range(len(items) + 1)):
            worths = self.worths(frozenset(chosen))
            if worths is not None:
                yield frozenset(chosen), worths

    def never_worse(self, one: Items, other: Items) -> bool:
        """In every world that the bounds allow, is the first worth at least what the second is, in every respect?

        A world gives each item one figure for each company that matters for it. An unbounded figure may be huge.
        """
        ours, theirs = self.worths(one), self.worths(other)
        assert ours is not None
        assert theirs is not None
        if not {i for i, w in ours.items() if w.in_kind} >= {i for i, w in theirs.items() if w.in_kind}:
            return False
        later_ours, later_theirs = self._later(ours), self._later(theirs)
        return _surely_at_least(self._figures(ours, one), self._figures(theirs, other)) and _surely_at_least(
            self._figures(later_ours, frozenset(later_ours)), self._figures(later_theirs, frozenset(later_theirs))
        )

    def _figures(self, worths: Mapping[Item, Worth | None], accepted: Items) -> dict[tuple[Item, Items], Worth]:
        return {(i, self.context(i, accepted)): worth for i, worth in worths.items() if worth is not None}

    def _later(self, worths: Mapping[Item, Worth]) -> dict[Item, Worth | None]:
        """What is left of a set once all that does not last has ended."""
        lasting = frozenset(i for i, worth in worths.items() if worth.lasting)
        return {i: self.worth(i, lasting) for i in lasting}


def _surely_at_least(ours: Mapping[tuple[Item, Items], Worth], theirs: Mapping[tuple[Item, Items], Worth]) -> bool:
    figures = {**ours, **theirs}
    for corner in product(*({w.low, 10**9 if w.high is None else w.high} for w in figures.values())):
        world = dict(zip(figures, corner, strict=True))
        if sum(world[key] for key in ours) < sum(world[key] for key in theirs):
            return False
    return True


@st.composite
def made_worlds(draw: st.DrawFn, *, exact: bool = False, most: int = 5) -> MadeWorld:
    """Random households; `exact`: every amount is one figure, lasts, and is owed."""
    items = [item(name) for name in NAMES[: draw(st.integers(2, most))]]
    bases = {one: draw(_exact_bases if exact else _bases) for one in items}
    pairs = list(combinations(items, 2))
    touching = draw(st.lists(st.sampled_from(pairs), max_size=4, unique=True))
    does = ("ends", "takes") if exact else ("ends", "opens", "blurs", "takes")
    touches = {pair: Touch(draw(st.sampled_from(does)), draw(st.integers(0, 150))) for pair in touching}
    excluded = draw(st.lists(st.sampled_from(pairs), max_size=3, unique=True))
    exclusions = {frozenset(pair): draw(_exclusions(pair)) for pair in excluded}
    needs = dict(draw(st.lists(st.sampled_from(pairs), max_size=1)))
    held_items = draw(st.lists(st.sampled_from(items), max_size=2, unique=True))
    held = {one: _paid(draw, bases[one].worth) for one in held_items}
    return MadeWorld(bases, touches, exclusions, needs, held)


def _paid(draw: st.DrawFn, worth: Worth) -> Worth:
    """What is paid is one figure."""
    paid = 0 if worth.in_kind else draw(st.integers(0, 40))
    return Worth(paid, paid, worth.lasting, worth.in_kind)


def _exclusions(pair: tuple[Item, Item]) -> st.SearchStrategy[Exclusion]:
    preferred = st.sampled_from((pair[0].benefit, pair[1].benefit, None))
    return st.builds(Exclusion, st.sampled_from(("excludes", "choose_one", "higher_of")), preferred, st.just("art. 3"))


@st.composite
def _worths(draw: st.DrawFn) -> Worth:
    if draw(st.integers(0, 5)) == 0:
        return Worth(0, 0, draw(st.booleans()), in_kind=True)
    low = draw(st.integers(0, 30))
    high = draw(st.one_of(st.just(low), st.integers(low, 40), st.none()))
    return Worth(low, high, draw(st.booleans()))


_exact_bases = st.builds(lambda amount: Base(Worth(amount, amount, lasting=True), Outcome.ELIGIBLE), st.integers(0, 40))
_outcomes = st.sampled_from((Outcome.ELIGIBLE,) * 3 + (Outcome.INELIGIBLE,))
_bases = st.builds(Base, _worths(), _outcomes)
