"""Reading a parameter's table: which entries fit the keys that are known."""

from __future__ import annotations

import math
from decimal import Decimal
from functools import lru_cache

from features.facts.areas import Areas
from features.facts.units import MINOR_UNITS
from rules import plan
from rules.parameters import Band, Parameter, Period

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


def marginal(value: int, period: Period, factor: int) -> int:
    """Sum over bands of rate times the part of `value` inside the band."""
    total = 0
    for key, rate in period.table.items():
        low, high = whole_band(key[0], factor)
        inside = (value if high is None else min(value, high)) - (low or 0)
        total += max(0, inside) * int(rate)
    return total
