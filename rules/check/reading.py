"""What a rule reads: the parameters, facts and definitions that a version's criteria and amount reach."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping

from features.facts.dictionary import Fact
from features.facts.units import LAST_DAY
from rules import plan
from rules.benefits import Version
from rules.language import syntax
from rules.parameters import Parameter
from rules.rulebook import CompiledVersion


def roots(version: CompiledVersion) -> Iterator[plan.Node]:
    """What a version is evaluated by: where it holds, its conditions, its amount."""
    if version.in_area is not None:
        yield version.in_area
    yield from version.conditions
    if version.amount is not None:
        yield version.amount


def nodes(starts: Iterable[plan.Node]) -> Iterator[plan.Node]:
    """Every node at and below these, each once."""
    seen: set[int] = set()
    stack = list(starts)
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            stack.extend(node.children())


def conditions_inside(condition: plan.Condition) -> list[plan.Condition]:
    """Every condition below a condition, also in the figures that it compares; the condition itself left out."""
    return [node for node in nodes(condition.children()) if isinstance(node, plan.Condition)]


def parameters_of_the_day(version: CompiledVersion) -> list[Parameter]:
    """The parameters that a version reads as they stand on the day of the question (not `at` another date)."""
    found: dict[str, Parameter] = {}
    for node in nodes(roots(version)):
        if isinstance(node, plan.Marginal) or (isinstance(node, plan.Lookup) and node.at is None):
            found[node.parameter.id] = node.parameter
    return [found[name] for name in sorted(found)]


def facts(starts: Iterable[plan.Node]) -> list[Fact]:
    """The facts that these nodes read."""
    found = {
        node.fact.id: node.fact
        for node in nodes(starts)
        if isinstance(node, plan.BoolFact | plan.CodeFact | plan.QuantityFact | plan.MonthsIn)
    }
    return [found[name] for name in sorted(found)]


def definitions_reached(version: Version) -> set[str]:
    """The definitions that a criterion or the amount reads, directly or through another definition."""
    waiting: list[object] = [*(c.test for c in version.criteria), version.amount.value]
    reached: set[str] = set()
    while waiting:
        for name in syntax.names(waiting.pop()) & version.definitions.keys() - reached:
            reached.add(name)
            waiting.append(version.definitions[name].expression)
    return reached


def parameters_named(expressions: Iterable[object]) -> set[str]:
    """The names of the parameters that expressions name."""
    return {n.name for e in expressions for n in syntax.walk(e) if isinstance(n, syntax.ParameterRef)}


def parameters_behind(names: Iterable[str], known: Mapping[str, Parameter]) -> set[str]:
    """These parameters and all from which they are derived."""
    behind: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in behind:
            behind.add(name)
            if name in known and known[name].derived is not None:
                waiting.extend(parameters_named([known[name].derived]))
    return behind


def expressions(version: Version, definitions: Iterable[str]) -> Iterator[object]:
    """Criteria, amount and the named definitions of a version."""
    yield from (c.test for c in version.criteria)
    yield version.amount.value
    yield from (version.definitions[name].expression for name in definitions)


def life(version: Version) -> tuple[dt.date, dt.date]:
    """The days `[start, end)` of a version; the last day there is where no end is known."""
    return version.start, version.end or LAST_DAY
