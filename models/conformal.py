"""Which answers a score leaves open: sets that hold the true answer, for each answer by itself, as often as promised.

Thresholds are kept for each answer: taken over both together they miss the rarer one by more than ten points. Where the
set holds both answers, or neither, the model abstains: it has nothing to say about that household.

Source: Vovk, Conditional validity of inductive conformal predictors, Machine Learning 92 (2013).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Leaning(enum.Enum):
    """What a score says about a household, at the promised coverage. It orders a queue and decides nothing."""

    LIKELY = "likely"
    UNLIKELY = "unlikely"
    ABSTAINS = "abstains"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """An answer stays in the set while its own probability is at least its threshold."""

    yes: float
    no: float

    def holds_yes(self, probability: Floats) -> Flags:
        return np.asarray(probability >= self.yes)

    def holds_no(self, probability: Floats) -> Flags:
        return np.asarray(1 - probability >= self.no)

    def leanings(self, probability: Floats) -> list[Leaning]:
        """The leaning of each row."""
        yes, no = self.holds_yes(probability), self.holds_no(probability)
        return [
            Leaning.ABSTAINS if y == n else Leaning.LIKELY if y else Leaning.UNLIKELY
            for y, n in zip(yes, no, strict=True)
        ]


EVERYTHING_OPEN = Thresholds(0.0, 0.0)


def fit_thresholds(probability: Floats, answers: npt.ArrayLike, miss: float = 0.1) -> Thresholds:
    """Thresholds under which each answer is missed by at most the share `miss` of the households that have it.

    Args:
        probability: calibrated, of households that neither the trees nor the calibration have seen.
        answers: 1 or 0 for each.
        miss: the share of misses allowed among those who are yes, and among those who are no.

    Returns:
        Thresholds; zero, so that the answer always stays, where there are too few cases of it to promise anything.
    """
    truth = np.asarray(answers, dtype=bool)
    return Thresholds(_threshold(probability[truth], miss), _threshold(1 - probability[~truth], miss))


def _threshold(of_true_answer: Floats, miss: float) -> float:
    allowed = int(np.floor(miss * (len(of_true_answer) + 1)))
    return 0.0 if allowed < 1 else float(np.sort(of_true_answer)[allowed - 1])
