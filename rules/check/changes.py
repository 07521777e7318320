"""The days on which the law of a benefit changes: a new version, a new value of a parameter that it reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from features.documents import Place
from features.facts.areas import Areas
from rules.check import reading
from rules.parameters import Key, Parameter, ParameterValue, Period
from rules.rulebook import CompiledBenefit, CompiledVersion

Table = dict[tuple[Key, ...], ParameterValue]


@dataclass(frozen=True, slots=True)
class Change:
    """Something is new on `day`: `what` says it in words that follow "the day".

    `areas`: the areas in which it is new (none: everywhere). `lives`: the days on which the benefit is in force there.
    """

    day: dt.date
    what: str
    areas: frozenset[str]
    lives: tuple[tuple[dt.date, dt.date], ...]
    place: Place | None = None

    def matters_on(self, day: dt.date) -> bool:
        """Is the benefit in force there on a day?"""
        return any(start <= day < end for start, end in self.lives)


def of_benefit(compiled: CompiledBenefit, areas: Areas) -> Iterator[Change]:
    """The changes in the law of one benefit, in order of time; the first version and first values are none."""
    found: dict[tuple[dt.date, str, frozenset[str]], Change] = {}
    first = min(v.version.start for v in compiled.versions)
    for version in compiled.versions:
        lives = _lives(compiled, version, areas)
        own = frozenset({version.area} if version.version.area else ())
        if version.version.start > first:
            change = Change(version.version.start, "its new version begins", own, lives, version.version.place)
            found.setdefault((change.day, change.what, own), change)
        for parameter in reading.parameters_of_the_day(version):
            for change in _of_parameter(parameter, version, areas):
                found.setdefault((change.day, change.what, change.areas), change)
    yield from sorted(found.values(), key=lambda c: (c.day, c.what))


def _lives(compiled: CompiledBenefit, version: CompiledVersion, areas: Areas) -> tuple[tuple[dt.date, dt.date], ...]:
    """When the benefit is in force where a version holds: its versions there, and those of areas around."""
    around = [v for v in compiled.versions if areas.within(version.area, v.area)]
    return tuple(reading.life(v.version) for v in around)


def _of_parameter(parameter: Parameter, version: CompiledVersion, areas: Areas) -> Iterator[Change]:
    start, end = reading.life(version.version)
    for earlier, later in zip(parameter.periods, parameter.periods[1:], strict=False):
        if not start < later.start < end:
            continue
        before, after = _served(earlier, parameter, version.area, areas), _served(later, parameter, version.area, areas)
        if earlier.end is not None and earlier.end < later.start:
            before = {}
        if before == after:
            continue
        new = frozenset[str]()
        if "area" in parameter.dimensions:
            position = parameter.dimensions.index("area")
            # An area that only drops out has no new value; one that is listed for the first time has its first.
            changed = [k for k in after if k in before and after[k] != before[k]]
            new = frozenset(str(k[position]) for k in changed)
            if not new:
                continue
        yield Change(later.start, f"a new value of `${parameter.id}` begins", new, ((start, end),))


def _served(period: Period, parameter: Parameter, area: str, areas: Areas) -> Table:
    """The part of a table that people in an area may be served by."""
    if "area" not in parameter.dimensions:
        return period.table
    position = parameter.dimensions.index("area")
    return {
        key: value
        for key, value in period.table.items()
        if areas.within(str(key[position]), area) or areas.within(area, str(key[position]))
    }
