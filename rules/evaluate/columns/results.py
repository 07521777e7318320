"""What nodes come to in whole columns, and the same for other rows: for some of them, or for the persons of groups."""

from __future__ import annotations

from typing import NamedTuple, TypeVar, cast

import numpy as np
import polars as pl

from rules.evaluate.columns.positions import Positions
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


def take(value: V, chosen: Positions) -> V:
    """A computed value for some of its rows."""
    return cast(V, _taken(value, chosen))


def _taken(value: object, chosen: Positions) -> object:
    if isinstance(value, pl.Series):
        return chosen.of(value)
    if isinstance(value, np.ndarray):
        return value[chosen.index]
    if isinstance(value, Span):
        low = take(value.low, chosen)
        return Span(low, low) if value.single else Span(low, take(value.high, chosen))
    if isinstance(value, Judged):
        return Judged(take(value.truth, chosen), take(value.until, chosen))
    if isinstance(value, Measured):
        return Measured(take(value.span, chosen), take(value.until, chosen))
    return value


def spread_truth(truth: Truth, positions: Positions) -> Truth:
    """A group's truth for each of its persons; unknown where the group is not known."""
    if isinstance(truth, pl.Series):
        return positions.of(truth)
    if truth is None or positions.known is None:
        return truth
    return pl.Series([truth, None], dtype=pl.Boolean)[pl.Series((~positions.known).astype(np.uint32))]


def spread_span(span: Span, positions: Positions) -> Span:
    """A group's figure for each of its persons; without bounds where the group is not known."""
    low = _spread_bound(span.low, positions)
    return Span(low, low) if span.single else Span(low, _spread_bound(span.high, positions))


def _spread_bound(bound: Bound, positions: Positions) -> Bound:
    if isinstance(bound, pl.Series):
        return positions.of(bound)
    if bound is None or positions.known is None:
        return bound
    return pl.Series([bound, None], dtype=pl.Int64)[pl.Series((~positions.known).astype(np.uint32))]


def spread_days(until: Days, positions: Positions) -> Days:
    """Until when a group's value is good, for each of its persons; for ever where the group is not known."""
    if isinstance(until, np.ndarray):
        return positions.of_array(until, NEVER)
    if positions.known is None:
        return until
    return np.where(positions.known, until, NEVER).astype(np.int32)
