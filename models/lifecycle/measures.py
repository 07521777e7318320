"""How well scores hold: order, probabilities, dominance, and what a repeated training would have said.

Rows may be weighted (see `models.observed.exploration`). Intervals are percentile bootstraps over rows.
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


def dominance_violations(
    score: Callable[[pl.DataFrame], Floats], frame: pl.DataFrame, axes: dict[str, int], pairs: int, seed: int
) -> int:
    """How often somebody with more need on every axis is placed below: must be 0.

    A row is paired with its own copy in which every axis is that of another row wherever this is the more pressing one;
    all else is equal. So the copy is worse off on every axis, or as badly, and may not score lower.

    Args:
        score: of rows.
        frame: real rows to draw from.
        axes: column -> +1 where more is more pressing, -1 where less is.
        pairs: how many to draw.
        seed: of the draws.
    """
    if not axes or frame.is_empty():
        return 0
    rng = np.random.default_rng(seed)
    first, second = (frame[rng.integers(0, frame.height, pairs).tolist()] for _ in range(2))
    worse = []
    for name, sign in axes.items():
        both = pl.DataFrame({"a": first.get_column(name), "b": second.get_column(name)})
        extreme = pl.max_horizontal("a", "b") if sign > 0 else pl.min_horizontal("a", "b")
        # Where it is not known of the first, the copy does not know it either: not knowing is no need.
        worse.append(both.select(pl.when(pl.col("a").is_null()).then(None).otherwise(extreme).alias(name)).to_series())
    return int((score(first.with_columns(worse)) < score(first) - 1e-12).sum())


def rank_correlation(first: Floats, second: Floats) -> float:
    """Spearman's correlation: 1 where both order the rows alike."""
    ranks = [_ranks(values) for values in (first, second)]
    if any(float(rank.std()) == 0 for rank in ranks):
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: Floats) -> Floats:
    return pl.Series(values).rank("average").to_numpy().astype(np.float64)
