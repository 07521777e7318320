"""The days until which values are good, for whole columns: 32 bits for every row, or one day for all rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from rules.evaluate.columns.vectors import Bound, Days, Mask
from rules.plan import NEVER


def earliest(*days: Days) -> Days:
    """The earliest, row by row."""
    result: Days = NEVER
    for day in days:
        if isinstance(day, int) and day == NEVER:
            continue
        result = day if isinstance(result, int) and result == NEVER else _smaller(result, day)
    return result


def _smaller(a: Days, b: Days) -> Days:
    return min(a, b) if isinstance(a, int) and isinstance(b, int) else np.minimum(a, b)


def where_days(mask: Mask, a: Days, b: Days) -> Days:
    """`a` where the mask holds, `b` elsewhere."""
    if isinstance(a, int) and isinstance(b, int) and a == b:
        return a
    # A choice by bits: `np.where` on a mixed mask takes ten times as long.
    left, right = np.asarray(a, dtype=np.int32), np.asarray(b, dtype=np.int32)
    result: Days = right ^ ((left ^ right) & -mask.astype(np.int32))
    return result


def days_of(bound: Bound) -> Days:
    """A column of day numbers as until-days; null is never."""
    if bound is None:
        return NEVER
    if isinstance(bound, int):
        return bound
    filled = bound.fill_null(NEVER) if bound.null_count() else bound
    return filled.to_numpy().astype(np.int32)


def is_never(until: Days) -> bool:
    """Is the value good for ever, in every row?"""
    return isinstance(until, int) and until == NEVER


def days_at(days: Sequence[int], at: pl.Series) -> Days:
    """Of each row the day at its place in a list; NEVER where the place is not known."""
    if min(days, default=NEVER) == NEVER:
        return NEVER
    found: Days = np.array([*days, NEVER], dtype=np.int32)[at.fill_null(len(days)).to_numpy()]
    return found
