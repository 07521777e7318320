"""From log-odds to probabilities that mean what they say: Platt's sigmoid, one for each pattern of missing records.

A model calibrated on all patterns together is off on each of them, and where records are missing not at random it is
off even on its own pattern; then a few hundred audited cases, fitted again with the same two numbers, repair it.

Source: Platt, Probabilistic outputs for support vector machines (1999); Lin, Lin and Weng, A note on Platt's
probabilistic outputs for support vector machines, Machine Learning 68 (2007), for the targets and the damped steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.errors import TrainingError

Floats = npt.NDArray[np.float64]
FEWEST_CASES = 30
"""Two numbers fitted on fewer cases say more about the cases than about the model."""


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """The calibrated log-odds of a row are `slope` times its log-odds plus `shift`."""

    slope: float
    shift: float

    def log_odds(self, raw: Floats) -> Floats:
        return self.slope * raw + self.shift

    def probability(self, raw: Floats) -> Floats:
        """Probabilities of yes."""
        return probability(self.log_odds(raw))


AS_IT_IS = Sigmoid(1.0, 0.0)


def probability(log_odds: Floats) -> Floats:
    """The logistic function, without overflow on either side."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -log_odds)), dtype=np.float64)


def fit_sigmoid(raw: Floats, answers: npt.ArrayLike, steps: int = 100, weights: npt.ArrayLike | None = None) -> Sigmoid:
    """Fit the two numbers by maximum likelihood on households that the trees have not seen.

    Where rows are weighted, a case counts as its weight; weights are scaled to a mean of 1. An answer between 0 and 1
    is the share of yes that is expected of a row. The slope is never negative: calibration may stretch the order of
    a queue, never turn it round.

    Raises:
        TrainingError: fewer than 30 cases, or all with the same answer.
    """
    truth = np.asarray(answers, dtype=np.float64)
    weight = np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=np.float64)
    weight = weight / weight.mean() if len(weight) and weight.sum() > 0 else weight
    yes = float((weight * truth).sum())
    no = float((weight * (1 - truth)).sum())
    if len(truth) < FEWEST_CASES or min(yes, no) == 0:
        raise TrainingError(
            f"Calibration has {len(truth)} cases, {yes:.0f} of them yes: it needs at least {FEWEST_CASES}, with both "
            "answers among them. Audit more cases, or let the calibration of all patterns together stand in."
        )
    target = truth * (yes + 1) / (yes + 2) + (1 - truth) / (no + 2)
    design = np.column_stack([raw, np.ones_like(raw)])
    found = np.array([0.0, np.log((yes + 1) / (no + 1))])
    for _ in range(steps):
        expected = probability(design @ found)
        gradient = design.T @ (weight * (expected - target))
        curvature = design.T @ (design * (weight * expected * (1 - expected))[:, None]) + 1e-9 * np.eye(2)
        step = np.asarray(np.linalg.solve(curvature, gradient), dtype=np.float64)
        found = _descend(design, target, weight, found, step)
        if float(np.abs(gradient).max()) < 1e-8 * len(raw):
            break
    if found[0] <= 0:
        return Sigmoid(0.0, float(np.log((yes + 1) / (no + 1))))
    return Sigmoid(float(found[0]), float(found[1]))


def _descend(design: Floats, target: Floats, weight: Floats, found: Floats, step: Floats) -> Floats:
    def loss(numbers: Floats) -> float:
        odds = design @ numbers
        return float(np.sum(weight * (np.logaddexp(0.0, odds) - target * odds)))

    before, share = loss(found), 1.0
    while share > 1e-10 and loss(found - share * step) > before:
        share /= 2
    return np.asarray(found - share * step, dtype=np.float64)
