"""Criteria that decide nothing: they can never hold, always hold, or exclude each other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

from features.documents import Finding, Place
from rules import plan
from rules.check import reading
from rules.check.possibility import CASES_PER_VERSION, Possibilities, Stretch
from rules.rulebook import CompiledBenefit, CompiledVersion, Rulebook

MOST_STRETCHES = 60
"""Days on which a version's parameters change; beyond these the check looks at no more of them."""


class Worlds:
    """What is possible under a rulebook, on each stretch of days that was asked for."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self._worlds: dict[Stretch, Possibilities] = {}

    def on(self, stretch: Stretch, share: int) -> Possibilities:
        """The possibilities on these days, with one of `share` parts of what the search for them may cost."""
        if stretch not in self._worlds:
            self._worlds[stretch] = Possibilities(self._rulebook, stretch)
        world = self._worlds[stretch]
        world.cases_left = CASES_PER_VERSION // share
        return world


def find_idle_criteria(benefit: CompiledBenefit, worlds: Worlds) -> Iterator[Finding]:
    """Criteria and parts of criteria whose truth does not depend on any fact, and criteria that exclude each other.

    A criterion that cannot hold is a finding when that is so on any day of its version's life; one that always holds
    when it is so on all of them (a law may switch a condition off for a while). A part of a criterion or of the amount
    (one side of an `or`, the condition of an `if`) is a finding when it is dead on all of them. Parts that read no fact
    (`on_date < 2025-01-01`) are how a version says what holds when, and are left alone.
    """
    for version in benefit.versions:
        stretches = _stretches(version)
        yield from _Version(version, [(s, worlds.on(s, len(stretches))) for s in stretches]).findings()


def _stretches(version: CompiledVersion) -> list[Stretch]:
    """The life of a version, cut on each day on which a parameter it reads changes."""
    start, end = reading.life(version.version)
    cuts = {start}
    for parameter in reading.parameters_of_the_day(version):
        cuts.update(day for p in parameter.periods for day in (p.start, p.end) if day and start < day < end)
    days = sorted(cuts)[:MOST_STRETCHES]
    return [Stretch(day, following) for day, following in zip(days, [*days[1:], end], strict=True)]


class _Version:
    """Judges the criteria of one version."""

    def __init__(self, version: CompiledVersion, stretches: list[tuple[Stretch, Possibilities]]) -> None:
        self.version = version
        self.stretches = stretches

    def findings(self) -> Iterator[Finding]:
        criteria = self.version.version.criteria
        alone = True
        for criterion, met in zip(criteria, self.version.conditions, strict=True):
            never = self._since(lambda world, met=met: not world.can_hold([met]))  # type: ignore[misc]
            always = self._throughout(lambda world, met=met: not world.can_fail(met))  # type: ignore[misc]
            place = criterion.test.place
            alone = alone and never is None
            if never is not None and criterion.exception:
                yield Finding(place, f"The exception `{criterion.id}` always applies{self._on(never)}.", _NOBODY)
            elif never is not None:
                yield Finding(place, f"`{criterion.id}` can never hold{self._on(never)}.", _NOBODY)
            elif always and criterion.exception:
                yield Finding(place, f"The exception `{criterion.id}` can never apply.", _NO_USE)
            elif always:
                yield Finding(place, f"`{criterion.id}` always holds.", _NO_USE)
            else:
                yield from self._dead_parts(met, place, f"`{criterion.id}`")
        if self.version.amount is not None and self.version.version.amount.value is not None:
            yield from self._dead_parts_of_amount(self.version.version.amount.value.place)
        if alone:
            yield from self._conflicts()

    def _since(self, judge: Callable[[Possibilities], bool]) -> dt.date | None:
        """The first day on which something is so; None where it never is."""
        return next((stretch.start for stretch, world in self.stretches if judge(world)), None)

    def _on(self, day: dt.date) -> str:
        return "" if day == self.version.version.start else f" from {day} on"

    def _throughout(self, judge: Callable[[Possibilities], bool]) -> bool:
        return all(judge(world) for _, world in self.stretches)

    def _dead_parts(self, met: plan.Condition, place: Place, of: str) -> Iterator[Finding]:
        dead: set[int] = set()
        for part in reversed(
            reading.conditions_inside(met)
        ):  # the smallest first: what holds a dead part is not reported again
            inside = {id(node) for node in reading.nodes([part])}
            if isinstance(part, plan.Not | plan.BoolConst) or not reading.facts([part]) or inside & dead:
                continue
            never = self._throughout(lambda world, part=part: not world.can_hold([part]))  # type: ignore[misc]
            always = self._throughout(lambda world, part=part: not world.can_fail(part))  # type: ignore[misc]
            if never or always:
                dead.add(id(part))
                how = "can never hold" if never else "always holds"
                yield Finding(place, f"A part of {of} {how}: the one that reads {_facts_of(part)}.", _DEAD_PART)

    def _dead_parts_of_amount(self, place: Place) -> Iterator[Finding]:
        assert self.version.amount is not None
        for node in reading.nodes([self.version.amount]):
            if isinstance(node, plan.Choose):
                yield from self._dead_parts(plan.Not(node.condition), place, "the amount")

    def _conflicts(self) -> Iterator[Finding]:
        """The fewest criteria that nobody can fulfil together, on the first day on which that is so."""
        clauses = list(zip([c.id for c in self.version.version.criteria], self.version.conditions, strict=True))
        if self.version.in_area is not None:
            clauses.append(("in_area", self.version.in_area))
        for stretch, world in self.stretches:
            if world.can_hold([node for _, node in clauses]):
                continue
            needed = list(clauses)
            for clause in clauses:
                fewer = [c for c in needed if c is not clause]
                if not world.can_hold([node for _, node in fewer]):
                    needed = fewer
            names = " and ".join(f"`{name}`" for name, _ in needed)
            yield Finding(
                self.version.version.place,
                f"Nobody can fulfil {names} at once{self._on(stretch.start)}.",
                "Compare their limits and dates.",
            )
            return


def _facts_of(part: plan.Condition) -> str:
    return ", ".join(f"`{fact.id}`" for fact in reading.facts([part]))


_NOBODY = "Nobody would qualify: check the limits, their dates and the direction of the comparison."
_NO_USE = "Remove it, or check its limit against the fact's `minimum`, `maximum` and codes in the dictionary."
_DEAD_PART = "Remove that part, or check its limits, and the fact's `minimum`, `maximum` and codes in the dictionary."
