"""Whole columns of bounds, truths and days, with the same meaning as `rules.evaluate.intervals`.

A bound is a column of whole numbers (null: no bound), one whole number for all rows, or None (no bound for any row). A
truth is a column of booleans (null: unknown; Polars' `&` and `|` on such columns are Kleene's), or one value for all.
Until-days are NumPy columns of 32 bits, or one day for all.

Columns hold 64 bits where the static bounds of the plan allow, and 128 where they do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Bound = pl.Series | int | None
Truth = pl.Series | bool | None
Days = npt.NDArray[np.int32] | int
Bits = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]

WIDE_FROM = 2**62
_AS_THEY_LIE = (pl.Int64, pl.Int32, pl.Boolean)
"""Columns that Arrow takes over without a copy."""


@dataclass(frozen=True, slots=True)
class Span:
    """The bounds of a figure for every row; one object on both sides says that they are equal in every row."""

    low: Bound
    high: Bound

    @property
    def single(self) -> bool:
        """Are both bounds the same column (a null row is then without any bound)?"""
        return self.low is self.high

    @property
    def exact(self) -> bool:
        """Is it one figure in every row?"""
        return self.single and not lacks(self.low)


def lacks(bound: Bound) -> bool:
    """Is there a row without a bound?"""
    return bound is None or (isinstance(bound, pl.Series) and bound.null_count() > 0)


def is_wide(*limits: int) -> bool:
    """Do figures of this size need 128 bits?"""
    return max(abs(limit) for limit in limits) >= WIDE_FROM


def column(bound: Bound, n: int, *, wide: bool = False) -> pl.Series:
    """The bound as a column of `n` rows."""
    dtype = pl.Int128 if wide else pl.Int64
    if isinstance(bound, pl.Series):
        return bound if bound.dtype == dtype else bound.cast(dtype)
    return pl.Series([bound], dtype=dtype).new_from_index(0, n)


def is_null(values: pl.Series) -> Mask:
    """Rows without a value."""
    if not values.null_count():
        return np.zeros(len(values), dtype=bool)
    if values.dtype not in _AS_THEY_LIE:
        return values.is_null().to_numpy()
    array = values.to_arrow()
    return ~_bits(array.buffers()[0], array.offset, len(values))


def open_mask(span: Span, n: int) -> Mask:
    """Rows in which the figure is not one figure."""
    if span.single:
        if isinstance(span.low, pl.Series):
            return is_null(span.low)
        return np.full(n, span.low is None)
    low, high = column(span.low, n, wide=_wide_any(span)), column(span.high, n, wide=_wide_any(span))
    equal, known = unpacked(low == high)
    return ~equal if known is None else ~(equal & known)


def boundless(span: Span, n: int) -> Mask:
    """Rows in which nothing bounds the figure."""

    def nowhere(bound: Bound) -> Mask:
        return is_null(bound) if isinstance(bound, pl.Series) else np.full(n, bound is None)

    return nowhere(span.low) if span.single else nowhere(span.low) & nowhere(span.high)


def unpacked(truth: pl.Series) -> tuple[Mask, Mask | None]:
    """The values and the known rows (None: all) of a boolean column.

    Its bits are read as they lie in memory: at 262,144 rows this takes 25 microseconds a column, `to_numpy` 160.
    """
    array = truth.to_arrow()
    known, value = array.buffers()
    return _bits(value, array.offset, len(truth)), None if known is None else _bits(known, array.offset, len(truth))


def _bits(buffer: pa.Buffer, offset: int, n: int) -> Mask:
    if n == 0:
        return np.zeros(0, dtype=bool)
    packed = np.frombuffer(buffer, dtype=np.uint8)[: (offset + n + 7) // 8]
    return np.unpackbits(packed, count=offset + n, bitorder="little")[offset:].view(np.bool_)


def _wide_any(span: Span) -> bool:
    return any(isinstance(b, pl.Series) and b.dtype == pl.Int128 for b in (span.low, span.high))
