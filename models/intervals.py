"""A figure with the interval in which it lies: percentile bootstraps, of a figure and of the difference of two models'.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), percentile intervals.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from models.measures import Floats, Labels

Clusters = npt.NDArray[np.intp]
DRAWS = 200


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def content(self) -> dict[str, float | None]:
        """The figure as JSON; what is not a number is null."""
        parts = {"value": self.value, "low": self.low, "high": self.high}
        return {name: round(part, 6) if math.isfinite(part) else None for name, part in parts.items()}


class Measure(Protocol):
    """A measure of `models.measures`."""

    def __call__(self, scores: Floats, truth: npt.ArrayLike, weights: Floats | None, /) -> float:
        """The figure of these rows."""


def measured(
    measure: Measure, scores: Floats, labels: Labels, weights: Floats, seed: int, clusters: Clusters | None = None
) -> Interval:
    """A figure with its bootstrap interval.

    Args:
        measure: of `models.measures`.
        scores: probabilities.
        labels: 1 or 0.
        weights: what each row counts.
        seed: of the draws.
        clusters: the number of whom each row is about, where several rows are about the same; drawn as wholes.
    """
    drawn = [measure(scores, labels, weights * times) for times in _draws(len(labels), seed, clusters)]
    return interval_of(measure(scores, labels, weights), drawn)


def measured_difference(
    measure: Measure,
    scores: Floats,
    others: Floats,
    labels: Labels,
    weights: Floats,
    seed: int,
    clusters: Clusters | None = None,
) -> Interval:
    """A figure of `scores` minus that of `others`, on the same rows in each draw."""

    def difference(weight: Floats) -> float:
        return measure(scores, labels, weight) - measure(others, labels, weight)

    return interval_of(difference(weights), [difference(weights * t) for t in _draws(len(labels), seed, clusters)])


def interval_of(value: float, drawn: Sequence[float] | Floats) -> Interval:
    """A figure with the middle 95 % of what was drawn; unbounded (not a number) where no draw gave one."""
    finite = np.asarray(drawn, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(finite, [0.025, 0.975])
    return Interval(value, float(low), float(high))


def _draws(n: int, seed: int, clusters: Clusters | None) -> Iterator[Floats]:
    """How often each row is drawn, time and again: all rows of a cluster together."""
    rng = np.random.default_rng(seed)
    of = np.arange(n) if clusters is None else clusters
    distinct = int(of.max(initial=-1)) + 1
    for _ in range(DRAWS):
        yield np.bincount(rng.integers(0, distinct, distinct), minlength=distinct)[of].astype(np.float64)
