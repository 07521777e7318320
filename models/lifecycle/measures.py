"""How well scores hold on weighted rows, with intervals, and whether a repeated training would order alike.

The figures are those of `models.measures` for rows that count differently (`models.observed.exploration`); calibration
is told over bins of equally many rows, for few rows fill few of equal width. Intervals are percentile bootstraps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int8]
Measure = Callable[[Labels, Floats, Floats], float]
DRAWS = 200
BINS = 10


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def auc(labels: Labels, scores: Floats, weights: Floats) -> float:
    """The chance that a yes is placed before a no; ties count half. Not a number where one of the two is absent."""
    order = np.argsort(scores, kind="stable")
    ranked, values, weight = labels[order], scores[order], weights[order]
    _, group = np.unique(values, return_inverse=True)
    yes = np.bincount(group, weights=weight * ranked)
    no = np.bincount(group, weights=weight * (1 - ranked))
    below = np.cumsum(no) - no
    total = yes.sum() * no.sum()
    return float((yes * (below + no / 2)).sum() / total) if total > 0 else float("nan")


def calibration_error(labels: Labels, scores: Floats, weights: Floats) -> float:
    """Expected calibration error over ten bins of equally many rows."""
    order = np.argsort(scores, kind="stable")
    total, error = float(weights.sum()), 0.0
    for part in np.array_split(order, BINS):
        weight = weights[part]
        error += abs(float((weight * (scores[part] - labels[part])).sum()))
    return error / total if total > 0 else float("nan")


def brier(labels: Labels, scores: Floats, weights: Floats) -> float:
    """Mean squared error of the probabilities."""
    return float((weights * np.square(scores - labels)).sum() / weights.sum())


def measured(measure: Measure, labels: Labels, scores: Floats, weights: Floats, seed: int) -> Measured:
    """A figure with its bootstrap interval."""
    return _interval(measure(labels, scores, weights), [
        measure(labels[rows], scores[rows], weights[rows]) for rows in _draws(len(labels), seed)
    ])  # fmt: skip


def measured_difference(
    measure: Measure, labels: Labels, scores: Floats, others: Floats, weights: Floats, seed: int
) -> Measured:
    """A figure of `scores` minus that of `others`, on the same rows in each draw."""

    def difference(rows: npt.NDArray[np.intp] | slice) -> float:
        answers, weight = labels[rows], weights[rows]
        return measure(answers, scores[rows], weight) - measure(answers, others[rows], weight)

    return _interval(difference(slice(None)), [difference(rows) for rows in _draws(len(labels), seed)])


def _draws(n: int, seed: int) -> list[npt.NDArray[np.intp]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, n, n) for _ in range(DRAWS)]


def _interval(value: float, drawn: list[float]) -> Measured:
    finite = [figure for figure in drawn if np.isfinite(figure)]
    if not finite:
        return Measured(value, float("nan"), float("nan"))
    low, high = np.quantile(finite, [0.025, 0.975])
    return Measured(value, float(low), float(high))


def rank_correlation(first: Floats, second: Floats) -> float:
    """Spearman's correlation: 1 where both order the rows alike."""
    ranks = [_ranks(values) for values in (first, second)]
    if any(float(rank.std()) == 0 for rank in ranks):
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: Floats) -> Floats:
    return pl.Series(values).rank("average").to_numpy().astype(np.float64)
