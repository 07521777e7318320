"""What nodes come to in whole columns, and the same for other rows: for some of them, or for the persons of groups."""

from __future__ import annotations

from typing import NamedTuple, TypeVar, cast

import numpy as np
import polars as pl

from rules.evaluate.columns.rows import Index
from rules.evaluate.columns.vectors import Bound, Days, Span, Truth
from rules.plan import NEVER

V = TypeVar("V")
NOTHING = Span(None, None)


class Judged(NamedTuple):
    """Truth of a condition, and until when it is good."""

    truth: Truth
    until: Days


class Measured(NamedTuple):
    """Span of a figure, and until when it is good."""

    span: Span
    until: Days


class Answered(NamedTuple):
    """One benefit's answer for some rows: truth, amount (zero where ineligible) and until when both are good."""

    truth: Truth
    span: Span
    until: Days


def take(value: V, chosen: Index) -> V:
    """A computed value for some of its rows."""
    return cast(V, _taken(value, chosen))


def _taken(value: object, chosen: Index) -> object:
    if isinstance(value, pl.Series):
        return value.gather(pl.Series(chosen, dtype=pl.UInt32))
    if isinstance(value, np.ndarray):
        return value[chosen]
    if isinstance(value, Span):
        low = take(value.low, chosen)
        return Span(low, low) if value.single else Span(low, take(value.high, chosen))
    if isinstance(value, Judged):
        return Judged(take(value.truth, chosen), take(value.until, chosen))
    if isinstance(value, Measured):
        return Measured(take(value.span, chosen), take(value.until, chosen))
    return value


def spread_column(values: pl.Series, positions: Index) -> pl.Series:
    """A group's value for each of its persons; null where the group is not known (position -1)."""
    if not (positions < 0).any():
        return take(values, positions)
    return values.gather(pl.Series(positions).replace(-1, None).cast(pl.UInt32))


def spread_truth(truth: Truth, positions: Index) -> Truth:
    """A group's truth for each of its persons; unknown where the group is not known."""
    if isinstance(truth, pl.Series):
        return spread_column(truth, positions)
    unknown = positions < 0
    if truth is None or not unknown.any():
        return truth
    return pl.Series([truth, None], dtype=pl.Boolean).gather(pl.Series(unknown.astype(np.uint32)))


def spread_span(span: Span, positions: Index) -> Span:
    """A group's figure for each of its persons; without bounds where the group is not known."""
    low = _spread_bound(span.low, positions)
    return Span(low, low) if span.single else Span(low, _spread_bound(span.high, positions))


def _spread_bound(bound: Bound, positions: Index) -> Bound:
    if isinstance(bound, pl.Series):
        return spread_column(bound, positions)
    unknown = positions < 0
    if bound is None or not unknown.any():
        return bound
    return pl.Series([bound, None], dtype=pl.Int64).gather(pl.Series(unknown.astype(np.uint32)))


def spread_days(until: Days, positions: Index) -> Days:
    """Until when a group's value is good, for each of its persons; for ever where the group is not known."""
    unknown = positions < 0
    if not unknown.any():
        return take(until, positions)
    known = until if isinstance(until, int) else until[np.maximum(positions, 0)]
    return np.where(unknown, NEVER, known).astype(np.int32)
