"""Gaps in time: days on which a version or a value is missing though the law goes on."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from features.documents import Finding
from features.facts.areas import Areas
from rules.benefits import Benefit, Version
from rules.check import reading
from rules.parameters import Key, Parameter, Period
from rules.rulebook import Rulebook

Days = tuple[dt.date, dt.date]
"""Days `[start, end)`."""

Combination = tuple[Key | None, ...]
"""One key of a parameter's table, None in place of bands."""


def find_version_gaps(benefit: Benefit) -> Iterator[Finding]:
    """A version ends and the next of the same area begins later, without a `note` on either that says why."""
    by_area: dict[str, list[Version]] = defaultdict(list)
    for version in sorted(benefit.versions, key=lambda v: v.start):
        by_area[version.area or benefit.area].append(version)
    for versions in by_area.values():
        for earlier, later in itertools.pairwise(versions):
            if earlier.end is not None and earlier.end < later.start and not earlier.note and not later.note:
                yield Finding(
                    later.place,
                    f"No version of `{benefit.id}` is in force from {earlier.end} until {later.start}.",
                    "Correct `from` or the `to` before it, or say in a `note` of this version why there is none.",
                )


def find_value_gaps(rulebook: Rulebook) -> Iterator[Finding]:
    """Days on which a version is in force and a parameter that it reads has no value.

    A table by area, code or number is looked at key by key: a city whose rate ends before another's has a gap of its
    own. No finding where the benefit needs confirmation, or where a `note` on the parameter, or on the value before or
    after the gap, says that the law is silent or the older notice is not held.
    """
    needs: dict[int, list[_Need]] = defaultdict(list)
    parameters: dict[int, Parameter] = {}
    for compiled in rulebook.benefits.values():
        if compiled.benefit.needs_confirmation:
            continue
        for version in compiled.versions:
            for parameter in reading.parameters_of_the_day(version):
                parameters[id(parameter)] = parameter
                need = _Need(compiled.benefit.id, reading.life(version.version), version.area)
                needs[id(parameter)].append(need)
    for number, parameter in parameters.items():
        if not parameter.note:
            finding = _gap_of(parameter, needs[number], rulebook.vocabulary.areas)
            if finding is not None:
                yield finding


@dataclass(frozen=True, slots=True)
class _Need:
    """A version that reads a parameter while it is in force."""

    benefit: str
    days: Days
    area: str


def _gap_of(parameter: Parameter, needs: list[_Need], areas: Areas) -> Finding | None:
    gaps: dict[str, None] = {}
    benefits: set[str] = set()
    for combination in dict.fromkeys(_combination(key) for p in parameter.periods for key in p.table):
        covered = [p for p in parameter.periods if _covers(p, combination, parameter, areas)]
        concerned = [need for need in needs if _concerns(combination, need.area, parameter, areas)]
        for days in _joined(need.days for need in concerned):
            gaps.update((_shown(gap, days, combination), None) for gap in _uncovered(days, covered))
        benefits |= {need.benefit for need in concerned if any(_uncovered(need.days, covered))}
    if not gaps:
        return None
    readers = ", ".join(f"`{name}`" for name in sorted(benefits))
    more = f" (and {len(gaps) - 3} more)" if len(gaps) > 3 else ""
    return Finding(
        parameter.place,
        f"`{parameter.id}` has no value {'; '.join(list(gaps)[:3])}{more}, while {readers} read{_s(benefits)} it.",
        "Add the value, or say in a `note` on the parameter why there is none (law silent, notice not held).",
    )


def _joined(days: Iterable[Days]) -> list[Days]:
    """The same days without overlaps."""
    result: list[Days] = []
    for start, end in sorted(days):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def _s(names: set[str]) -> str:
    return "s" if len(names) == 1 else ""


def _combination(key: tuple[Key, ...]) -> Combination:
    return tuple(None if isinstance(part, tuple) else part for part in key)


def _covers(period: Period, combination: Combination, parameter: Parameter, areas: Areas) -> bool:
    """Does the period have a value for this key, or for an area around it?"""
    for key in period.table:
        for dimension, have, want in zip(parameter.dimensions, key, combination, strict=True):
            if dimension == "area":
                if not areas.within(str(want), str(have)):
                    break
            elif want is not None and have != want:
                break
        else:
            return True
    return False


def _concerns(combination: Combination, area: str, parameter: Parameter, areas: Areas) -> bool:
    """Does a version of this area read this key?"""
    if "area" not in parameter.dimensions:
        return True
    own = str(combination[parameter.dimensions.index("area")])
    return areas.within(own, area) or areas.within(area, own)


def _uncovered(days: Days, covered: list[Period]) -> Iterator[Days]:
    """The parts of `days` that no period covers and no note beside them explains."""
    at, end = days
    previous: Period | None = None
    for period in covered:
        if period.end is not None and period.end <= at:
            previous = period
            continue
        if period.start >= end:
            break
        if period.start > at and not period.note and not (previous and previous.note):
            yield at, period.start
        at = end if period.end is None else period.end
        previous = period
    if at < end and not (previous and previous.note):
        yield at, end


def _shown(gap: Days, need: Days, combination: Combination) -> str:
    what = ", ".join(str(part) for part in combination if part is not None)
    of = f"for {what} " if what else ""
    if gap[1] == need[1]:
        return f"{of}from {gap[0]} on"
    return f"{of}from {gap[0]} until {gap[1]}"
