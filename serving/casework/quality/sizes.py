"""How many cases it takes to know, and how much is known from so many.

Source: Clopper & Pearson, The use of confidence or fiducial limits illustrated in the case of the binomial (Biometrika
26, 1934): exact, so the interval covers at least as often as it says, however few the cases or the errors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import betaincinv

CONFIDENCE = 0.95
SHARE_OF_GRANTS = 0.02
LEAST_GRANTS, NOT_SELECTED, PER_GROUP = 299, 149, 59
"""With no error among so many, the error rate is below 1 %, 2 % and 5 % at 95 % confidence."""
SEEDED = 0.05


@dataclass(frozen=True, slots=True)
class Measured:
    """An error rate as far as it is known.

    Attributes:
        errors: wrong ones found.
        n: of so many reviewed.
        low, high: of the error rate, at 95 %; from 0 to 1 where nothing was reviewed.
    """

    errors: int
    n: int
    low: float
    high: float


def cases_needed(below: float, confidence: float = CONFIDENCE) -> int:
    """How many cases without a single error say that the error rate is below a figure.

    Args:
        below: the rate, between 0 and 1.
        confidence: between 0 and 1.
    """
    return math.ceil(math.log(1 - confidence) / math.log(1 - below))


def grants_to_review(grants: int) -> int:
    """How many of a benefit's automatic grants of a month are reviewed."""
    return min(grants, max(LEAST_GRANTS, math.ceil(grants * SHARE_OF_GRANTS)))


def seeded_among(others: int) -> int:
    """How many planted cases make up their share of a queue that has so many others."""
    return math.ceil(others * SEEDED / (1 - SEEDED))


def measured(errors: int, n: int, confidence: float = CONFIDENCE) -> Measured:
    """An error rate with its exact interval.

    Args:
        errors: from 0 to `n`.
        n: how many were reviewed.
        confidence: between 0 and 1; the rest is shared by both sides.

    Raises:
        ValueError: more errors than cases.
    """
    if not 0 <= errors <= n:
        raise ValueError(f"{errors} errors among {n} cases cannot be.")
    tail = (1 - confidence) / 2
    low = 0.0 if errors == 0 else float(betaincinv(errors, n - errors + 1, tail))
    high = 1.0 if errors == n else float(betaincinv(errors + 1, n - errors, 1 - tail))
    return Measured(errors, n, low, high)
