"""Who was never reached is no negative, whom the model chose is weighed, and banned inputs are refused by name."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from models.observed.exploration import NoExplorationError, choose, effective_size, inverse_weights
from models.observed.inputs import BannedInputError, check_inputs
from models.observed.positive_unlabelled import doubled, labelling_rate
from models.second_look.target import inputs as second_look_inputs
from models.second_look.target import label_cases
from models.take_up.target import inputs as take_up_inputs
from models.take_up.target import label_offers

DAY = dt.date(2026, 3, 1)


def days(*back: int | None) -> list[dt.date | None]:
    return [None if some is None else DAY - dt.timedelta(days=some) for some in back]


@pytest.mark.parametrize(
    "name",
    ["sex", "birth_date", "age", "head_age_years", "disability_grade", "hukou_area", "district", "marital_status",
     "ethnicity", "religion", "nationality", "face_match", "conduct_score", "confirmed", "override_reason",
     "paid_on", "benefits_received_1y"],
)  # fmt: skip
def test_banned_inputs_are_refused_by_name(name: str) -> None:
    with pytest.raises(BannedInputError) as refused:
        check_inputs("take_up", ("steps_to_act", name))
    assert refused.value.name == name


def test_receipt_of_the_benefit_itself_is_refused() -> None:
    with pytest.raises(BannedInputError, match="the benefit that it is about"):
        check_inputs("second_look", ("months_of_dibao",), own_benefits=("dibao",))


def test_both_models_declare_inputs_with_reasons_in_both_languages() -> None:
    for found in (take_up_inputs(), second_look_inputs()):
        assert len(found.listed) >= 8
        assert all(entry.why.zh and entry.why.en for entry in found.listed)
        assert found.exclusions
        assert found.limits


def test_only_offers_that_had_their_time_and_no_help_teach() -> None:
    offers = pl.DataFrame(
        {
            "id": ["acted", "late", "not", "open", "drawn and quick", "helped"],
            "offered_on": days(100, 100, 100, 10, 100, 100),
            "confirmed_on": days(90, 60, None, None, 95, 80),
            "help_drawn": [False, False, False, False, True, False],
            "help_propensity": [0.0, 0.5, 0.2, 0.0, 0.9, 0.0],
            "helped_on": days(None, None, None, None, None, 85),
        }
    )
    found = label_offers(offers, 30, DAY)
    assert dict(zip(found.rows["id"], found.label, strict=True)) == {"acted": 1, "late": 0, "not": 0}
    assert found.weight == pytest.approx([1.0, 2.0, 1.25])
    assert found.left_out == {"window still open": 1, "drawn for help, or helped": 2}


def test_a_confirmation_that_comes_after_the_day_is_not_seen() -> None:
    offers = pl.DataFrame(
        {"id": ["p1"], "offered_on": days(100), "confirmed_on": days(-1), "help_drawn": [False],
         "help_propensity": [0.0], "helped_on": days(None)},
        schema_overrides={"helped_on": pl.Date},
    )  # fmt: skip
    assert label_offers(offers, 30, DAY).label.to_list() == [0]


def test_cases_nobody_looked_at_are_not_right_and_errors_of_themselves_are_only_counted() -> None:
    cases = pl.DataFrame(
        {
            "id": ["right", "wrong", "never", "returned"],
            "looked_on": days(20, 20, None, 20),
            "look_propensity": [0.05, 0.5, None, None],
            "fact_was_wrong": [False, True, None, True],
            "found_by": ["blind_sample", "model", None, "return"],
        }
    )
    found = label_cases(cases, DAY)
    assert dict(zip(found.rows["id"], found.label, strict=True)) == {"right": 0, "wrong": 1}
    assert found.weight == pytest.approx([20.0, 2.0])
    assert found.left_out == {"nobody looked": 1, "came to light by itself": 1}


def test_the_lot_reaches_everybody_and_its_chances_are_true() -> None:
    scores = np.linspace(0, 1, 200)
    drawn = [choose(scores, 40, 0.2, seed) for seed in range(400)]
    assert np.mean([one.chosen.sum() for one in drawn]) == pytest.approx(40, abs=1)
    share = np.mean([one.chosen for one in drawn], axis=0)
    assert np.abs(share - drawn[0].propensity).max() < 0.08
    assert 0 < drawn[0].propensity.min() < drawn[0].propensity.max() < 1
    assert not (drawn[0].by_model & ~drawn[0].chosen).any()


def test_without_a_lot_there_is_no_training() -> None:
    with pytest.raises(NoExplorationError):
        choose(np.arange(10.0), 3, 0.01, seed=1)
    with pytest.raises(NoExplorationError):
        inverse_weights(np.array([0.5, 0.0]), np.array([True, True]))


def test_weights_undo_the_choice_of_the_model() -> None:
    """Errors are commoner where the model looks; weighted by the chance of a look, their share is the true one."""
    rng = np.random.default_rng(8)
    n = 40_000
    risk = rng.random(n) * 0.4
    wrong = rng.random(n) < risk
    look = choose(risk, n // 10, 0.3, seed=4)
    weights = inverse_weights(look.propensity, look.chosen)
    naive, weighed = wrong[look.chosen].mean(), float((weights * wrong).sum() / weights.sum())
    assert naive > 1.5 * wrong.mean()
    # the largest inverse here (1 / 0.03) is above the cap of 20, so a little of the choice stays
    assert weighed == pytest.approx(wrong.mean(), abs=0.02)
    assert effective_size(weights) < look.chosen.sum()


def test_unlabelled_rows_are_not_negatives() -> None:
    """Where a third of the positives were found, the doubled rows have the true share of positives."""
    rng = np.random.default_rng(2)
    n, rate = 60_000, 1 / 3
    chance = rng.random(n) * 0.6
    positive = rng.random(n) < chance
    found = positive & (rng.random(n) < rate)
    estimate = labelling_rate(np.full(100, rate))
    rows, labels, weights = doubled(found, chance * rate, estimate)
    assert len(rows) == found.sum() + 2 * (~found).sum()
    share = float((weights * labels).sum() / weights.sum())
    assert share == pytest.approx(positive.mean(), abs=0.01)
    assert found.mean() < 0.5 * positive.mean()


def test_too_few_positives_give_no_rate() -> None:
    with pytest.raises(Exception, match="Fewer than 20"):
        labelling_rate(np.full(19, 0.5))
