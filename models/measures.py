"""How good scores are: order (AUC, average precision), probability (Brier, ECE), and what a short queue finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
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
    """All measures; those of order are not a number where all answers are the same."""
    truth = np.asarray(answers, dtype=bool)
    return Measures(
        len(truth),
        int(truth.sum()),
        area_under_curve(scores, truth),
        auc_margin(area_under_curve(scores, truth), int(truth.sum()), int((~truth).sum())),
        average_precision(scores, truth),
        float(np.mean((scores - truth) ** 2)) if len(truth) else float("nan"),
        expected_calibration_error(scores, truth),
        recall_at_precision(scores, truth, 0.9),
    )


def area_under_curve(scores: Floats, truth: Flags) -> float:
    """The chance that a household that is eligible ranks above one that is not; ties count half."""
    yes, no = int(truth.sum()), int((~truth).sum())
    if not yes or not no:
        return float("nan")
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((rank[truth].sum() - yes * (yes + 1) / 2) / (yes * no))


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


def expected_calibration_error(scores: Floats, truth: Flags, bins: int = BINS) -> float:
    """How far the stated share of yes is from the share found, over bins of equal width, weighted by households.

    Source: Naeini, Cooper and Hauskrecht, Obtaining well calibrated probabilities using Bayesian binning, AAAI 2015.
    """
    if not len(truth):
        return float("nan")
    place = np.minimum((scores * bins).astype(np.int64), bins - 1)
    apart = np.bincount(place, scores, bins) - np.bincount(place, truth, bins)
    return float(np.abs(apart).sum() / len(truth))


def _curve(scores: Floats, truth: Flags) -> tuple[Floats, Floats]:
    """Precision and recall of each queue that ends between two different scores, shortest first."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    found = np.cumsum(truth[order])[ends]
    return found / (ends + 1), found / truth.sum()
