"""A figure with the interval in which it lies: percentile bootstraps, of a figure and of the difference of two models'.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), percentile intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from models.measures import Floats, Labels

DRAWS = 200


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


class Measure(Protocol):
    """A measure of `models.measures`."""

    def __call__(self, scores: Floats, truth: npt.ArrayLike, weights: Floats | None, /) -> float:
        """The figure of these rows."""


def measured(measure: Measure, scores: Floats, labels: Labels, weights: Floats, seed: int) -> Interval:
    """A figure with its bootstrap interval."""
    drawn = [measure(scores[rows], labels[rows], weights[rows]) for rows in _draws(len(labels), seed)]
    return interval_of(measure(scores, labels, weights), drawn)


def measured_difference(
    measure: Measure, scores: Floats, others: Floats, labels: Labels, weights: Floats, seed: int
) -> Interval:
    """A figure of `scores` minus that of `others`, on the same rows in each draw."""

    def difference(rows: npt.NDArray[np.intp] | slice) -> float:
        answers, weight = labels[rows], weights[rows]
        return measure(scores[rows], answers, weight) - measure(others[rows], answers, weight)

    return interval_of(difference(slice(None)), [difference(rows) for rows in _draws(len(labels), seed)])


def interval_of(value: float, drawn: Sequence[float] | Floats) -> Interval:
    """A figure with the middle 95 % of what was drawn; unbounded (not a number) where no draw gave one."""
    finite = np.asarray(drawn, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(finite, [0.025, 0.975])
    return Interval(value, float(low), float(high))


def _draws(n: int, seed: int) -> list[npt.NDArray[np.intp]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, n, n) for _ in range(DRAWS)]
