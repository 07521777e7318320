"""The measures, against scikit-learn and against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from models.measures import area_under_curve, auc_margin, average_precision, measure, recall_at_precision


@pytest.mark.parametrize("digits", [1, 6])
def test_order_is_measured_as_in_scikit_learn(digits: int, chance: np.random.Generator) -> None:
    truth = chance.random(3_000) < 0.2
    spread = np.clip(np.where(truth, 0.3, 0.0) + 0.7 * chance.random(3_000), 0, 1)
    scores = np.round(spread, digits).astype(np.float64)  # many ties with one digit
    assert area_under_curve(scores, truth) == pytest.approx(sklearn_metrics.roc_auc_score(truth, scores), abs=1e-12)
    expected = sklearn_metrics.average_precision_score(truth, scores)
    assert average_precision(scores, truth) == pytest.approx(expected, abs=1e-12)
    assert measure(scores, truth).brier == pytest.approx(sklearn_metrics.brier_score_loss(truth, scores), abs=1e-12)


def test_recall_at_a_precision_by_hand() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    truth = np.array([True, True, False, True, False])
    assert recall_at_precision(scores, truth, 0.9) == pytest.approx(2 / 3)
    assert recall_at_precision(scores, truth, 0.75) == 1.0
    assert recall_at_precision(1 - scores, truth, 0.9) == 0.0


def test_calibration_error_by_hand() -> None:
    found = measure(np.array([0.25, 0.25, 0.25, 0.25, 0.85, 0.85]), [1, 0, 0, 0, 1, 0])
    assert found.ece == pytest.approx((4 * 0 + 2 * 0.35) / 6)


def test_one_answer_only_has_no_order() -> None:
    assert np.isnan(measure(np.array([0.2, 0.3]), [0, 0]).auc)


def test_a_score_of_one_is_in_the_last_bin() -> None:
    assert measure(np.array([1.0, 0.0]), [1, 0]).ece == 0.0


def test_the_interval_of_an_auc_holds_the_truth_about_as_often_as_it_says(chance: np.random.Generator) -> None:
    true_auc = 0.7602499389  # two normal distributions one apart: Phi(1 / sqrt 2)
    held = 0
    for _ in range(200):
        truth = chance.random(400) < 0.4
        found = area_under_curve(chance.normal(size=400) + truth, truth)
        held += abs(found - true_auc) <= auc_margin(found, int(truth.sum()), int((~truth).sum()))
    assert 180 <= held <= 200
