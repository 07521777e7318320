"""Drift is told where people changed or records went missing, and not where they did not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.lifecycle.drift import TooFewRowsError, find_drift, reference_of, stability_index
from models.lifecycle.limits import load_limits

LIMITS = load_limits().drift


def people(n: int, seed: int, *, shift: float = 0.0, missing: float = 0.05) -> tuple[pl.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    income = rng.normal(2_000 + shift, 500, n)
    income[rng.random(n) < missing] = np.nan
    frame = pl.DataFrame({"income": income, "has_helper": (rng.random(n) < 0.3).astype(float)})
    return frame.with_columns(pl.col("income").fill_nan(None)), rng.random(n)


def beyond(frame: pl.DataFrame, scores: np.ndarray) -> dict[str, tuple[str, ...]]:
    reference = reference_of(*people(5_000, 1))
    return {drift.what: drift.beyond for drift in find_drift(reference, frame, scores, LIMITS) if drift.beyond}


def test_the_same_people_have_not_drifted() -> None:
    assert beyond(*people(5_000, 2)) == {}


def test_other_incomes_are_a_drift_of_the_input() -> None:
    assert beyond(*people(5_000, 2, shift=400)) == {"income": ("input",)}


def test_a_register_that_stops_delivering_is_a_drift_of_missingness_and_of_nothing_else() -> None:
    assert beyond(*people(5_000, 2, missing=0.4)) == {"income": ("missingness",)}
    assert beyond(*people(5_000, 2, missing=1.0)) == {"income": ("missingness",)}


def test_other_scores_are_a_drift_of_the_score() -> None:
    frame, scores = people(5_000, 2)
    assert beyond(frame, scores**3) == {"score": ("score",)}


def test_few_rows_tell_nothing() -> None:
    with pytest.raises(TooFewRowsError):
        beyond(*people(LIMITS.least_rows - 1, 2))


def test_the_index_is_the_textbook_figure() -> None:
    before, now = np.array([0.5, 0.5]), np.array([0.25, 0.75])
    assert stability_index(before, now) == pytest.approx(-0.25 * np.log(0.5) + 0.25 * np.log(1.5))
    assert stability_index(before, before) == 0
