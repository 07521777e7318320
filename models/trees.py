"""Boosted trees as text: fitted by LightGBM, monotone where they are told to be, never pickled.

Unknown stays unknown: a null of the frame becomes NaN, for which each split has learned a side. It never becomes zero.
Directions are those of the law: +1 where a larger value can only speak for an answer of yes, -1 where only against.

Source: `docs/models/missing_evidence.md` for why the trees are few, small and strongly held back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import polars as pl

from models.errors import MissingColumnError, TrainingError

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Growth:
    """How trees are grown. LightGBM's defaults lose to logistic regression on real sets and are badly calibrated."""

    trees: int = 250
    leaves: int = 12
    learning_rate: float = 0.025
    least_in_leaf: int = 40
    share_of_features: float = 0.4
    share_of_rows: float = 0.8
    l2: float = 10.0
    seed: int = 20121
    threads: int = 1
    """Sticks within a process: whoever scores online and whoever scores in batch are separate processes."""

    def parameters(self, directions: Sequence[int]) -> dict[str, object]:
        """The parameters as LightGBM calls them."""
        return {
            "objective": "binary",
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": self.least_in_leaf,
            "feature_fraction": self.share_of_features,
            "bagging_fraction": self.share_of_rows,
            "bagging_freq": 1,
            "lambda_l2": self.l2,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": self.threads,
            "monotone_constraints": list(directions),
            "monotone_constraints_method": "intermediate",
            "verbosity": -1,
        }


@dataclass(frozen=True)
class Trees:
    """Fitted trees, the columns they read in order, and the direction each may push."""

    text: str
    columns: tuple[str, ...]
    directions: tuple[int, ...]
    _booster: lgb.Booster = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_booster", lgb.Booster(model_str=self.text))

    def log_odds(self, frame: pl.DataFrame, threads: int = 1) -> Floats:
        """Log-odds of yes by row, not yet calibrated.

        Raises:
            MissingColumnError: the frame lacks a column that the trees read.
        """
        if frame.is_empty():
            return np.zeros(0)
        found = self._booster.predict(matrix(frame, self.columns), raw_score=True, num_threads=threads)
        return np.asarray(found, dtype=np.float64)

    def contributions(self, frame: pl.DataFrame, threads: int = 1) -> Floats:
        """SHAP contributions to the log-odds: one column for each of `columns`, and the base last.

        Source: Lundberg and others, From local explanations to global understanding with explainable AI for trees,
            Nature Machine Intelligence 2 (2020). Exact: a row adds up to its log-odds.
        """
        if frame.is_empty():
            return np.zeros((0, len(self.columns) + 1))
        found = self._booster.predict(matrix(frame, self.columns), pred_contrib=True, num_threads=threads)
        return np.asarray(found, dtype=np.float64)


def grow(
    frame: pl.DataFrame,
    answers: npt.ArrayLike,
    directions: Mapping[str, int],
    growth: Growth | None = None,
    weights: npt.ArrayLike | None = None,
) -> Trees:
    """Fit trees on the rows of `frame`. The same rows in the same order and the same seed give the same text.

    Args:
        frame: one row for each example; a null is an unknown value.
        answers: 1 or 0 for each row.
        directions: the columns to read, in order, each with +1, -1 or 0.
        growth: how the trees are grown.
        weights: how much each row counts; all the same where None.

    Raises:
        MissingColumnError: `frame` lacks a column of `directions`.
        TrainingError: all answers are the same, or there are fewer rows than two leaves need.
    """
    growth = growth or Growth()
    target = np.asarray(answers, dtype=np.float64)
    if len(target) < 2 * growth.least_in_leaf or len(np.unique(target)) < 2:
        raise TrainingError(
            f"{len(target)} examples with {len(np.unique(target))} different answers: at least "
            f"{2 * growth.least_in_leaf} examples with both answers are needed. Widen the training window."
        )
    columns, signs = tuple(directions), tuple(directions.values())
    examples = lgb.Dataset(
        matrix(frame, columns),
        label=target,
        weight=None if weights is None else np.asarray(weights, dtype=np.float64),
        feature_name=list(columns),
    )
    booster = lgb.train(growth.parameters(signs), examples, num_boost_round=growth.trees)
    return Trees(booster.model_to_string(num_iteration=-1), columns, signs)


def matrix(frame: pl.DataFrame, columns: Sequence[str]) -> Floats:
    """The columns as float64 in row-major order; a null becomes NaN, here and nowhere else."""
    absent = [name for name in columns if name not in frame.columns]
    if absent:
        raise MissingColumnError(absent)
    chosen = frame.select(pl.col(name).cast(pl.Float64).fill_null(math.nan) for name in columns)
    return np.ascontiguousarray(chosen.to_numpy())
