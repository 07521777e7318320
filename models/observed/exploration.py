"""The guard against the feedback loop: a share of help is drawn by lot, and every row remembers its chance of help.

A model that decides whom to help, and is then trained on what became of them, learns its own past choices. So whom it
chose is marked, some are chosen by lot, and each training row weighs the inverse of the chance that it was observed as
it was. Weights are capped: one row must not speak for hundreds.

Source: Horvitz and Thompson, A Generalization of Sampling Without Replacement (1952); Bottou et al., Counterfactual
Reasoning and Learning Systems (2013); Swaminathan and Joachims, Counterfactual Risk Minimization (2015), for the cap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.errors import ModelsError

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
MOST_WEIGHT = 20.0
LEAST_SHARE = 0.05


class NoExplorationError(ModelsError):
    """Some were certain to be helped, or not to be: what the other choice would have brought cannot be learned."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Who is helped.

    Attributes:
        chosen: by the model or by lot.
        by_model: the model's score alone brought them in: to be marked as reached because of the model.
        propensity: the chance with which each could have been chosen, to be kept with the row.
    """

    chosen: Flags
    by_model: Flags
    propensity: Floats


def choose(scores: Floats, places: int, exploration_share: float, seed: int) -> Choice:
    """Choose who gets one of a number of places: by score, but for a share of people the lot decides instead.

    Everybody is in the lot with the chance `exploration_share`; there each is chosen with the chance places / people.
    So nobody is certain to be chosen or left out, each one's chance is known exactly, and the number chosen is `places`
    on average.

    Args:
        scores: higher is first; ties by position.
        places: how many can be helped.
        exploration_share: of people; at least 5 %.
        seed: of the lot.

    Raises:
        NoExplorationError: the share is too small to learn from.
    """
    if not LEAST_SHARE <= exploration_share <= 1:
        raise NoExplorationError(
            f"An exploration share of {exploration_share:.0%} is too small. Leave at least {LEAST_SHARE:.0%} to the "
            "lot: without it the model only ever sees whom it chose."
        )
    n = len(scores)
    rate = min(places, n) / n if n else 0.0
    top = np.zeros(n, dtype=np.bool_)
    top[np.argsort(-scores, kind="stable")[:places]] = True
    rng = np.random.default_rng(seed)
    in_lot, drawn = rng.random(n) < exploration_share, rng.random(n) < rate
    by_model = top & ~in_lot
    propensity = exploration_share * rate + (1 - exploration_share) * top
    return Choice(by_model | (in_lot & drawn), by_model, propensity.astype(np.float64))


def inverse_weights(propensity: Floats, observed: Flags) -> Floats:
    """The weight of each row: the inverse of its chance to be observed as it was, capped; 0 where it was not observed.

    Raises:
        NoExplorationError: a row was observed that had no chance to be.
    """
    if bool((observed & (propensity <= 0)).any()):
        raise NoExplorationError("A row was observed whose recorded chance is 0. Correct the record of the lot.")
    weights = np.zeros(len(propensity), dtype=np.float64)
    weights[observed] = np.minimum(1.0 / propensity[observed], MOST_WEIGHT)
    return weights


def effective_size(weights: Floats) -> float:
    """How many equal rows are worth as much as these (Kish): small where few rows carry everything."""
    square = float(np.square(weights).sum())
    return 0.0 if square == 0 else float(weights.sum()) ** 2 / square
