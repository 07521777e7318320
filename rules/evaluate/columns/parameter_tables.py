"""One period of a parameter as flat columns, with one slot more per dimension for "unknown" and one for "no entry"."""

from __future__ import annotations

import datetime as dt
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from features.facts.areas import Areas
from rules import places, plan, tables
from rules.parameters import Key, Parameter, Period


class ParameterTable:
    """The lowest and the highest value for every combination of slots.

    Args:
        parameter: whose.
        period: which of its periods.
        read_by: the keys of the look-up, without the area.
        areas: in which the nearest one with a value is found.
        on_date: the day on which people belong to them.
    """

    def __init__(
        self, parameter: Parameter, period: Period, read_by: tuple[plan.Node, ...], areas: Areas, on_date: dt.date
    ) -> None:
        self.parameter = parameter
        self.read_by = read_by
        self.period = period
        self.areas = areas
        self.on_date = on_date
        self.keys: list[list[Key]] = []
        for axis in range(len(parameter.dimensions)):
            found = {key[axis] for key in period.table}
            self.keys.append(sorted(found, key=_order))
        self.sizes = [len(keys) + 2 for keys in self.keys]
        self.low: list[int | None] = []
        self.high: list[int | None] = []
        for slots in product(*(range(size) for size in self.sizes)):
            matching = self._matching(slots)
            self.low.append(min(matching, default=None))
            self.high.append(max(matching, default=None))
        self.lows = pl.Series(self.low, dtype=pl.Int64)
        self.highs = pl.Series(self.high, dtype=pl.Int64)
        self._codes: dict[tuple[int, tuple[str, ...]], pl.Series] = {}

    def _matching(self, slots: tuple[int, ...]) -> list[int]:
        chosen: list[set[Key]] = []
        unknown: set[int] = set()
        for axis, slot in enumerate(slots):
            keys = self.keys[axis]
            is_area = self.parameter.dimensions[axis] == "area"
            if slot < len(keys):
                chosen.append({keys[slot]})
            elif slot == len(keys) and not is_area:
                chosen.append(set(keys))
                unknown.add(axis)
            else:
                chosen.append(set())
        fitting = {
            key: int(value)
            for key, value in self.period.table.items()
            if all(part in allowed for part, allowed in zip(key, chosen, strict=True))
        }
        if unknown and not tables.is_complete(fitting, self.parameter, self.read_by, unknown):
            return []
        return list(fitting.values())

    def code_slots(self, axis: int, categories: tuple[str, ...], dimension: str) -> pl.Series:
        """The slot of every code of an enumeration."""
        if (axis, categories) not in self._codes:
            keys, none = self.keys[axis], self.sizes[axis] - 1
            slots = []
            for category in categories:
                key: str | None = category
                if dimension == "area":
                    key = places.nearest(category, self.period, self.parameter, self.areas, self.on_date)
                slots.append(keys.index(key) if key in keys else none)
            self._codes[axis, categories] = pl.Series(slots, dtype=pl.Int64)
        return self._codes[axis, categories]

    def bands(self, axis: int, factor: int) -> list[tables.WholeBand]:
        """The bands of an axis, in the index's units, in the order of the slots."""
        return [tables.whole_band(band, factor) for band in self.keys[axis]]

    def number_slots(
        self, axis: int, dimension: str, numbers: npt.NDArray[np.int64], factor: int
    ) -> npt.NDArray[np.int64]:
        """The slot of every number."""
        none = self.sizes[axis] - 1
        result = np.full(len(numbers), none, dtype=np.int64)
        if dimension == "integer":
            for slot, key in enumerate(self.keys[axis]):
                result[numbers == key] = slot
            return result
        for slot, (low, high) in enumerate(self.bands(axis, factor)):
            inside = np.full(len(numbers), True)
            if low is not None:
                inside &= numbers >= low
            if high is not None:
                inside &= numbers < high
            result[inside] = slot
        return result


def _order(key: Key) -> tuple[int, Any]:
    """Bands by their lower limit, the one without a limit first."""
    if isinstance(key, tuple):
        return (0, 0) if key[0] is None else (1, key[0])
    return (1, key)
