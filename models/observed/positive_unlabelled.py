"""People never reached, or never looked at, are not negatives: they are unlabelled.

Where some rows were looked at by lot, only those count, weighted by the inverse of their chance (see
`models.observed.exploration`). Where there are positives alone, each unlabelled row enters twice: as a positive with
the probability that it is a hidden one, and as a negative with the rest (Elkan and Noto). That rests on positives
having been found regardless of their features; the card says which of the two was used.

Source: Elkan and Noto, Learning Classifiers from Only Positive and Unlabeled Data (KDD 2008), section 3; Bekker and
Davis, Learning from Positive and Unlabeled Data: a Survey (2020), for the assumption.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.errors import ModelsError
from models.observed.exploration import Flags, Floats

_LEAST, _MOST = 1e-3, 1.0


def labelling_rate(scores_of_held_out_positives: Floats) -> float:
    """The share of positives that were found: the mean score, of found positives, of a model of `was it found`.

    Raises:
        ModelsError: there are too few to say.
    """
    if len(scores_of_held_out_positives) < 20:
        raise ModelsError("Fewer than 20 held-out positives: the share of positives found cannot be told from them.")
    return float(np.clip(scores_of_held_out_positives.mean(), _LEAST, _MOST))


def doubled(
    found: Flags, found_score: Floats, rate: float
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int8], Floats]:
    """Training rows from positives and unlabelled ones.

    Args:
        found: the positives.
        found_score: of a model of `was it found`, for every row.
        rate: of :func:`labelling_rate`.

    Returns:
        Row numbers, labels and weights: found rows once, unlabelled ones twice with weights that add to 1.
    """
    score = np.clip(found_score, 0.0, 1.0 - 1e-9)
    hidden = np.clip((1 - rate) / rate * score / (1 - score), 0.0, 1.0)
    positive, unlabelled = np.flatnonzero(found), np.flatnonzero(~found)
    rows = np.concatenate([positive, unlabelled, unlabelled])
    labels = np.concatenate([np.ones(len(positive)), np.ones(len(unlabelled)), np.zeros(len(unlabelled))])
    weights = np.concatenate([np.ones(len(positive)), hidden[unlabelled], 1 - hidden[unlabelled]])
    return rows, labels.astype(np.int8), weights
