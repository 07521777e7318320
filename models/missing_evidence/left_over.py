"""What those whose records are held say of those whose records are not, where records go missing not at random.

With everybody's wages hidden, the model is calibrated on the whole population: its scores add up to the eligible. Those
whose wages are held are settled by the rule. What the settled leave over of the expected sum belongs to those whose
wages are missing, without a single audit: by bins of score it gives the share of yes that each of them is expected to
have. It rests on the population being the one the model was trained on, so it never weighs more than the audits do.

Source: Manski, Partial identification of probability distributions (2003), chapter 1, for the decomposition by what is
observed; Deville and Särndal, Calibration estimators in survey sampling, JASA 87 (1992), for known totals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.errors import TrainingError
from models.fitted import FittedModel
from models.missing_evidence.inputs import inputs_of
from models.missing_evidence.outages import Pattern, masked
from models.missing_evidence.rule import determine
from models.trees import Flags, Floats

BINS = 5
_LEAST, _MOST = 0.02, 0.98


@dataclass(frozen=True, slots=True)
class LeftOver:
    """The households whose records are missing, and the share of yes that is left over for each."""

    inputs: pl.DataFrame
    shares: Floats


def left_over(model: FittedModel, records: pl.DataFrame, undetermined: Flags, pattern: Pattern) -> LeftOver:
    """What is left over for the undetermined.

    Args:
        model: was trained on `pattern` as it is trained (hidden for everybody).
        records: as they are left by `pattern`.
        undetermined: those whom the rule cannot settle with what is left.
        pattern: how records go missing.

    Raises:
        TrainingError: nobody is undetermined, or the pattern is not one that everybody was hidden by in training.
    """
    if pattern.trained_as is None or not undetermined.any():
        raise TrainingError(f"`{pattern.name}` leaves nothing over: it must be trained as hidden for everybody.")
    nothing = np.random.default_rng(0)  # an outage of everybody draws nothing
    hidden = masked(records, pattern.trained_as(records, nothing), nothing)
    could_be_open = determine(hidden).undetermined
    open_, missing = hidden.filter(pl.Series(could_be_open)), undetermined[could_be_open]
    scores = model.score(inputs_of(open_), open_["pattern"].to_list())
    settled = determine(records).eligible[could_be_open].astype(np.float64)
    shares = _shares(scores, np.where(missing, 0.0, settled), missing)
    return LeftOver(inputs_of(open_.filter(pl.Series(missing))), shares[missing])


def _shares(scores: Floats, settled: Floats, missing: Flags) -> Floats:
    """By bins of equally many missing: what is expected in all, less what is settled, by each one missing."""
    edges = np.quantile(scores[missing], np.linspace(0, 1, BINS + 1)[1:-1])
    place = np.searchsorted(edges, scores)
    left = np.bincount(place, scores - settled, BINS) / np.maximum(1, np.bincount(place, missing, BINS))
    return np.asarray(np.clip(left, _LEAST, _MOST)[place])
