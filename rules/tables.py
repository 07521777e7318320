"""Reading a parameter's table: which entries fit the keys that are known."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

from features.facts.areas import Areas
from features.facts.units import MINOR_UNITS
from rules import plan
from rules.parameters import Band, Key, Parameter, Period

WholeBand = tuple[int | None, int | None]


def unit_factor(node: plan.Quantity) -> int:
    """How many of the node's units make one of what a parameter file writes (a yuan, a year, 1)."""
    return int(10**node.scale * (MINOR_UNITS if node.type.kind == "money" else 1))


@lru_cache(maxsize=10_000)
def whole_band(band: Band, factor: int) -> WholeBand:
    """A band's limits in the units of its index; fractions of a unit are rounded up, which keeps `>=` and `<` true."""

    def up(limit: Decimal | None) -> int | None:
        return None if limit is None else math.ceil(limit * factor)

    return up(band[0]), up(band[1])


def in_band(value: int, band: WholeBand) -> bool:
    """Is the value at least the lower and below the upper limit?"""
    return (band[0] is None or value >= band[0]) and (band[1] is None or value < band[1])


def next_edge(value: int, bands: list[WholeBand]) -> int | None:
    """The nearest limit above a value, at which another band begins or the table ends; None above the last."""
    edges = [e for band in bands for e in band if e is not None and e > value]
    return min(edges, default=None)


@lru_cache(maxsize=50_000)
def nearest_area(code: str, period: Period, parameter: Parameter, areas: Areas) -> str | None:
    """The nearest area around `code` that the table has a value for, or None."""
    position = parameter.dimensions.index("area")
    named = {key[position] for key in period.table}
    for area in areas.line(code):
        if area in named:
            return area
    return None


def bands_of(period: Period, parameter: Parameter, factor: int) -> list[WholeBand]:
    """The bands of a table, in whole units."""
    position = parameter.dimensions.index("band")
    return sorted(
        {whole_band(key[position], factor) for key in period.table if isinstance(key[position], tuple)},
        key=lambda b: -(10**18) if b[0] is None else b[0],
    )


def is_complete(
    keys: Iterable[tuple[Key, ...]], parameter: Parameter, read_by: tuple[plan.Node, ...], unknown: set[int]
) -> bool:
    """Do these entries give a value for whatever the unknown keys may turn out to be?

    Only then is an unknown key's value bounded by the table; a key that the table lacks would leave it unknown.

    Args:
        keys: of the entries that fit the known keys.
        parameter: whose table it is.
        read_by: the node behind each dimension but the area.
        unknown: the dimensions (by position) whose key is not known; the area is not among them.
    """
    found = list(keys)
    nodes = iter(read_by)
    expected = 1
    for axis, dimension in enumerate(parameter.dimensions):
        if dimension == "area":
            continue
        node = next(nodes)
        if axis not in unknown:
            continue
        present = {key[axis] for key in found}
        if not present:
            return False
        if isinstance(node, plan.Code):
            possible = set(_codes_of(node))
            if not possible or not possible <= present:
                return False
        elif dimension == "integer":
            assert isinstance(node, plan.Quantity)
            low, high = node.low, node.high
            if high - low >= len(present) or not all(number in present for number in range(low, high + 1)):
                return False
        elif not _cover(present, node):
            return False
        expected *= len(present)
    return len(found) == expected


def _codes_of(node: plan.Code) -> tuple[str, ...]:
    while isinstance(node, plan.ViaCode | plan.OuterCode):
        node = node.operand
    assert isinstance(node, plan.CodeFact)
    return node.fact.type.codes


def _cover(bands: set[Key], node: plan.Node) -> bool:
    """Do adjoining bands cover whatever the figure may be?"""
    assert isinstance(node, plan.Quantity)
    whole = [whole_band(band, unit_factor(node)) for band in bands if isinstance(band, tuple)]
    lows, highs = [band[0] for band in whole], [band[1] for band in whole]
    starts = None in lows or min(low for low in lows if low is not None) <= node.low
    ends = None in highs or max(high for high in highs if high is not None) > node.high
    return starts and ends


def marginal(value: int, period: Period, factor: int) -> int:
    """Sum over bands of rate times the part of `value` inside the band."""
    total = 0
    for key, rate in period.table.items():
        low, high = whole_band(key[0], factor)
        inside = (value if high is None else min(value, high)) - (low or 0)
        total += max(0, inside) * int(rate)
    return total
