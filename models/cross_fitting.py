"""Fitting where rows are few: trees on all of them, calibration and thresholds on scores from outside the fold.

`models.fitted.fit` keeps 30 % of the rows for calibration and thresholds. Under some thousand rows the trees miss them:
on real sets of 1,410 and 3,637 people the order then was worse than logistic regression's (`docs/models/take_up.md`).

Source: Chernozhukov et al., Double/Debiased Machine Learning (2018), for cross-fitting; Vovk, Cross-conformal
Predictors (2015).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from models.calibration import fit_sigmoid
from models.conformal import fit_thresholds
from models.fitted import ALL_PATTERNS, FittedModel
from models.trees import Floats, Growth, grow

FEW_ROWS = 6_000
FOLDS = 5


def fit_on_few(
    name: str,
    frame: pl.DataFrame,
    answers: npt.ArrayLike,
    directions: Mapping[str, int],
    *,
    groups: npt.ArrayLike,
    growth: Growth | None = None,
    weights: npt.ArrayLike | None = None,
    miss: float = 0.1,
) -> FittedModel:
    """Fit on all rows, calibrated on out-of-fold scores; one calibration for all patterns.

    Args:
        name: the model's name.
        frame: one row for each example; a null is an unknown value.
        answers: 1 or 0 for each row.
        directions: the columns to read, in order, each with +1, -1 or 0.
        groups: who each row is about, so that nobody is inside and outside of a fold.
        growth: how the trees are grown.
        weights: how much each row counts; all the same where None.
        miss: the share of each answer that the sets of `leanings` may miss.

    Raises:
        TrainingError: all answers are the same, or there are too few rows.
    """
    growth = growth or Growth()
    target = np.asarray(answers)
    weight = np.ones(len(target)) if weights is None else np.asarray(weights, dtype=np.float64)
    outside = _out_of_fold(frame, target, directions, _folds(np.asarray(groups), growth.seed), growth, weight)
    sigmoid = fit_sigmoid(outside, target, weights=weight)
    thresholds = fit_thresholds(sigmoid.probability(outside), target, miss)
    trees = grow(frame, target, directions, growth, None if weights is None else weight)
    return FittedModel(name, trees, {ALL_PATTERNS: sigmoid}, {ALL_PATTERNS: thresholds})


def _out_of_fold(
    frame: pl.DataFrame,
    target: npt.NDArray[np.generic],
    directions: Mapping[str, int],
    folds: npt.NDArray[np.intp],
    growth: Growth,
    weight: Floats,
) -> Floats:
    """The log-odds of each row by trees that have not seen its fold."""
    found = np.zeros(len(target))
    for fold in np.unique(folds):
        inside = folds != fold
        trees = grow(frame.filter(pl.Series(inside)), target[inside], directions, growth, weight[inside])
        found[~inside] = trees.log_odds(frame.filter(pl.Series(~inside)))
    return found


def _folds(groups: npt.NDArray[np.generic], seed: int) -> npt.NDArray[np.intp]:
    """A fold for each group, the same for all its rows; folds are as even as groups allow."""
    distinct, position = np.unique(groups, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(distinct))
    return np.asarray((order % FOLDS)[position])
