"""Truths in whole columns: a boolean for every row (null: unknown), or one for all rows; and masks of their rows."""

from __future__ import annotations

import numpy as np
import polars as pl

from rules.evaluate.columns import vectors
from rules.evaluate.columns.vectors import Bound, Mask, Truth, unpacked


def truth_column(truth: Truth, n: int) -> pl.Series:
    """The truth as a column of `n` rows."""
    if isinstance(truth, pl.Series):
        return truth
    return pl.Series([truth], dtype=pl.Boolean).new_from_index(0, n)


def as_mask(truth: Truth, n: int, wanted: bool) -> Mask:
    """Rows whose truth is `wanted` (True or False; unknown rows are in neither)."""
    if not isinstance(truth, pl.Series):
        return np.full(n, truth is wanted)
    value, known = unpacked(truth)
    chosen = value if wanted else ~value
    return chosen if known is None else chosen & known


def unknown_mask(truth: Truth, n: int) -> Mask:
    """Rows whose truth is unknown."""
    if not isinstance(truth, pl.Series):
        return np.full(n, truth is None)
    _, known = unpacked(truth)
    return np.zeros(n, dtype=bool) if known is None else ~known


def negated(truth: Truth) -> Truth:
    """Not."""
    if isinstance(truth, pl.Series):
        return ~truth
    return None if truth is None else not truth


def both(a: Truth, b: Truth) -> Truth:
    """And."""
    if a is False or b is False:
        return False
    if a is True:
        return b
    if b is True:
        return a
    n = next((len(x) for x in (a, b) if isinstance(x, pl.Series)), None)
    return None if n is None else truth_column(a, n) & truth_column(b, n)


def either(a: Truth, b: Truth) -> Truth:
    """Or."""
    return negated(both(negated(a), negated(b)))


def compared(operator: str, a: Bound, b: Bound, n: int) -> Truth:
    """`a operator b` where both are known; unknown elsewhere."""
    if a is None or b is None:
        return None
    if isinstance(a, int) and isinstance(b, int):
        return a < b if operator == "<" else a <= b if operator == "<=" else a == b
    wide = any(isinstance(x, pl.Series) and x.dtype == pl.Int128 for x in (a, b))
    if wide or not isinstance(a, pl.Series):
        a, b = vectors.column(a, n, wide=wide), vectors.column(b, n, wide=wide)
    result = a < b if operator == "<" else a <= b if operator == "<=" else a == b
    assert isinstance(result, pl.Series)
    return result
