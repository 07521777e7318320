"""How good scores are: order (AUC, average precision), probability (Brier, ECE), and what a short queue finds.

Everywhere scores come first, then whether the answer was yes, then what each row counts (all the same where None).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int8]
BINS = 10


@dataclass(frozen=True, slots=True)
class Measures:
    """The measures of one set of scores. `households` is the denominator of all of them."""

    households: int
    eligible: int
    auc: float
    auc_margin: float
    """Half the width of the 95 % interval of `auc`."""
    average_precision: float
    brier: float
    ece: float
    recall_at_90_precision: float


def measure(scores: Floats, answers: npt.ArrayLike) -> Measures:
    """All measures of unweighted rows; those of order are not a number where all answers are the same."""
    truth = np.asarray(answers, dtype=bool)
    auc = area_under_curve(scores, truth)
    return Measures(
        len(truth),
        int(truth.sum()),
        auc,
        auc_margin(auc, int(truth.sum()), int((~truth).sum())),
        average_precision(scores, truth),
        brier(scores, truth),
        expected_calibration_error(scores, truth),
        recall_at_precision(scores, truth, 0.9),
    )


def area_under_curve(scores: Floats, truth: npt.ArrayLike, weights: Floats | None = None) -> float:
    """The chance that a yes ranks above a no; ties count half. Not a number where one of the two is absent."""
    answers, weight = _rows(truth, weights)
    values, place = np.unique(scores, return_inverse=True)
    yes = np.bincount(place, weight * answers, len(values))
    no = np.bincount(place, weight * (1 - answers), len(values))
    total = yes.sum() * no.sum()
    return float((yes * (np.cumsum(no) - no / 2)).sum() / total) if total > 0 else float("nan")


def auc_margin(auc: float, yes: int, no: int) -> float:
    """Half the width of the 95 % interval of an AUC.

    Source: Hanley and McNeil, The meaning and use of the area under a ROC curve, Radiology 143 (1982).
    """
    if not yes or not no:
        return float("nan")
    two_yes, two_no = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (yes - 1) * (two_yes - auc**2) + (no - 1) * (two_no - auc**2)
    return float(1.96 * np.sqrt(spread / (yes * no)))


def average_precision(scores: Floats, truth: Flags) -> float:
    """Precision averaged over the eligible, households with the same score taken together."""
    if not truth.any():
        return float("nan")
    precision, recall = _curve(scores, truth)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def recall_at_precision(scores: Floats, truth: Flags, precision: float) -> float:
    """The largest share of the eligible in a queue of which so large a share is eligible; 0 where there is none."""
    if not truth.any():
        return float("nan")
    reached, recall = _curve(scores, truth)
    return float(recall[reached >= precision].max(initial=0.0))


def brier(scores: Floats, truth: npt.ArrayLike, weights: Floats | None = None) -> float:
    """Mean squared error of the probabilities."""
    answers, weight = _rows(truth, weights)
    total = float(weight.sum())
    return float((weight * np.square(scores - answers)).sum()) / total if total > 0 else float("nan")


def expected_calibration_error(
    scores: Floats, truth: npt.ArrayLike, weights: Floats | None = None, *, equally_filled: bool = False
) -> float:
    """How far the stated share of yes is from the share found, over ten bins, weighted by what their rows count.

    Args:
        scores: probabilities.
        truth: whether the answer was yes.
        weights: what each row counts.
        equally_filled: bins of equally many rows instead of equal width, where few rows would fill few of those.

    Source: Naeini, Cooper and Hauskrecht, Obtaining well calibrated probabilities using Bayesian binning, AAAI 2015.
    """
    answers, weight = _rows(truth, weights)
    total = float(weight.sum())
    if not total > 0:
        return float("nan")
    place = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    if equally_filled:
        for number, part in enumerate(np.array_split(np.argsort(scores, kind="stable"), BINS)):
            place[part] = number
    apart = np.bincount(place, weight * scores, BINS) - np.bincount(place, weight * answers, BINS)
    return float(np.abs(apart).sum()) / total


def rank_correlation(first: Floats, second: Floats) -> float:
    """Spearman's correlation: 1 where both order the rows alike."""
    ranks = [pl.Series(values).rank("average").to_numpy().astype(np.float64) for values in (first, second)]
    if any(float(rank.std()) == 0 for rank in ranks):
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _rows(truth: npt.ArrayLike, weights: Floats | None) -> tuple[Floats, Floats]:
    answers = np.asarray(truth, dtype=np.float64)
    return answers, np.ones(len(answers)) if weights is None else weights


def _curve(scores: Floats, truth: Flags) -> tuple[Floats, Floats]:
    """Precision and recall of each queue that ends between two different scores, shortest first."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    found = np.cumsum(truth[order])[ends]
    return found / (ends + 1), found / truth.sum()
