"""Platt's sigmoid and class-conditional sets."""

from __future__ import annotations

import numpy as np
import pytest

from models.calibration import fit_sigmoid, probability
from models.conformal import EVERYTHING_OPEN, Leaning, Thresholds, fit_thresholds
from models.errors import TrainingError
from models.measures import expected_calibration_error
from models.trees import Flags, Floats


def _overconfident(chance: np.random.Generator, rows: int, shift: float = -1.5) -> tuple[Floats, Flags]:
    raw = chance.normal(0, 2.5, rows)
    return raw, chance.random(rows) < probability(0.6 * raw + shift)


def test_the_true_numbers_are_found(chance: np.random.Generator) -> None:
    found = fit_sigmoid(*_overconfident(chance, 40_000))
    assert found.slope == pytest.approx(0.6, abs=0.03)
    assert found.shift == pytest.approx(-1.5, abs=0.06)


def test_300_cases_mend_a_shifted_calibration(chance: np.random.Generator) -> None:
    raw, truth = _overconfident(chance, 20_300)
    before = expected_calibration_error(probability(raw[300:]), truth[300:])
    found = fit_sigmoid(raw[:300], truth[:300])
    assert before > 0.15
    assert expected_calibration_error(found.probability(raw[300:]), truth[300:]) < 0.06


def test_calibration_never_turns_the_order_round(chance: np.random.Generator) -> None:
    raw, truth = _overconfident(chance, 2_000)
    found = fit_sigmoid(-raw, truth)
    assert found.slope == 0
    assert found.probability(raw) == pytest.approx(np.full(2_000, truth.mean()), abs=0.01)


@pytest.mark.parametrize("answers", [np.ones(100), np.zeros(100), np.tile([0, 1], 10)])
def test_too_few_cases_are_refused(answers: Floats) -> None:
    with pytest.raises(TrainingError, match="at least 30"):
        fit_sigmoid(np.linspace(-1, 1, len(answers)), answers)


def test_separable_cases_still_give_finite_numbers() -> None:
    found = fit_sigmoid(np.linspace(-5, 5, 100), np.repeat([0, 1], 50))
    assert np.isfinite([found.slope, found.shift]).all()
    assert 0 < found.probability(np.array([-5.0]))[0] < 0.05


def test_logistic_function_does_not_overflow() -> None:
    assert probability(np.array([-2_000.0, 0.0, 2_000.0])).tolist() == [0.0, 0.5, 1.0]


def test_sets_cover_each_answer_where_one_threshold_for_both_does_not(chance: np.random.Generator) -> None:
    raw, truth = _overconfident(chance, 60_000, shift=-2.5)
    score = probability(0.6 * raw - 2.5)
    held, tested = slice(0, 30_000), slice(30_000, None)
    found = fit_thresholds(score[held], truth[held], miss=0.1)
    yes, no = found.holds_yes(score[tested]), found.holds_no(score[tested])
    assert yes[truth[tested]].mean() == pytest.approx(0.9, abs=0.02)
    assert no[~truth[tested]].mean() == pytest.approx(0.9, abs=0.02)
    of_true = np.where(truth, score, 1 - score)
    marginal = float(np.quantile(of_true[held], 0.1))
    assert (score[tested] >= marginal)[truth[tested]].mean() < 0.8  # the twin under-covers the rarer answer


def test_the_model_abstains_where_both_answers_or_neither_stay() -> None:
    scores = np.array([0.1, 0.5, 0.9])
    assert Thresholds(0.4, 0.4).leanings(scores) == [Leaning.UNLIKELY, Leaning.ABSTAINS, Leaning.LIKELY]
    assert Thresholds(0.8, 0.8).leanings(scores) == [Leaning.UNLIKELY, Leaning.ABSTAINS, Leaning.LIKELY]
    assert EVERYTHING_OPEN.leanings(scores) == [Leaning.ABSTAINS] * 3


def test_with_too_few_cases_nothing_is_promised() -> None:
    assert fit_thresholds(np.array([0.9, 0.1]), [1, 0]) == EVERYTHING_OPEN
