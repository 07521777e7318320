"""A fitted model: text under a hash, unknown never zero, contributions that add up."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import lightgbm
import numpy as np
import polars as pl
import pytest

from models.calibration import Sigmoid
from models.conformal import Leaning
from models.errors import MissingColumnError, ModelsError, TamperedModelError, TrainingError
from models.fitted import MODEL_FILE, TREES_FILE, FittedModel, fit
from models.missing_evidence.inputs import inputs_of
from models.missing_evidence.outages import PATTERNS
from models.missing_evidence.training import Examples, mask, train
from models.trees import Growth, grow, matrix
from tests.unit.models.conftest import SMALL


def test_the_same_seed_gives_the_same_text(model: FittedModel, examples: Examples) -> None:
    assert train(examples, growth=SMALL).trees.text == model.trees.text


def test_a_model_survives_its_folder_to_the_bit(model: FittedModel, examples: Examples, tmp_path: Path) -> None:
    loaded = FittedModel.from_folder(tmp_path, model.to_folder(tmp_path))
    frame, patterns = examples.inputs.head(500), examples.patterns[:500]
    assert np.array_equal(loaded.score(frame, patterns), model.score(frame, patterns))
    assert loaded.directions == model.directions
    assert loaded.leanings(frame, patterns) == model.leanings(frame, patterns)


@pytest.mark.parametrize("file", [TREES_FILE, MODEL_FILE])
def test_a_flipped_byte_is_refused(model: FittedModel, tmp_path: Path, file: str) -> None:
    digest = model.to_folder(tmp_path)
    content = bytearray((tmp_path / file).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / file).write_bytes(bytes(content))
    with pytest.raises(TamperedModelError, match="not loaded"):
        FittedModel.from_folder(tmp_path, digest)


def test_another_models_hash_is_refused(model: FittedModel, tmp_path: Path) -> None:
    model.to_folder(tmp_path)
    with pytest.raises(TamperedModelError):
        FittedModel.from_folder(tmp_path, "0" * 64)


def test_a_missing_file_is_an_error_that_names_it(model: FittedModel, tmp_path: Path) -> None:
    digest = model.to_folder(tmp_path)
    (tmp_path / TREES_FILE).unlink()
    with pytest.raises(ModelsError, match=r"trees\.txt"):
        FittedModel.from_folder(tmp_path, digest)


def test_a_model_is_text_and_json_and_nothing_else(model: FittedModel, tmp_path: Path) -> None:
    model.to_folder(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [MODEL_FILE, TREES_FILE]
    assert (tmp_path / TREES_FILE).read_text(encoding="utf-8").startswith("tree\n")
    assert json.loads((tmp_path / MODEL_FILE).read_text(encoding="utf-8"))["columns"] == list(model.columns)


def test_contributions_add_up_to_the_calibrated_log_odds(model: FittedModel, examples: Examples) -> None:
    frame, patterns = examples.inputs.sample(1_000, seed=1), examples.patterns[:1_000]
    found = model.contributions(frame, patterns)
    assert found.shape == (1_000, len(model.columns) + 1)
    assert np.abs(found.sum(axis=1) - model.log_odds(frame, patterns)).max() < 1e-9
    score = model.score(frame, patterns)
    assert np.abs(np.log(score / (1 - score)) - found.sum(axis=1)).max() < 1e-9


def test_unknown_becomes_nan_and_never_zero() -> None:
    found = matrix(pl.DataFrame({"a": [1.0, None, 0.0], "b": [None, 2, 3]}), ["b", "a"])
    assert np.array_equal(found, [[np.nan, 1.0], [2.0, np.nan], [3.0, 0.0]], equal_nan=True)


def test_unknown_does_not_score_like_zero(model: FittedModel, unseen: pl.DataFrame) -> None:
    left = mask(unseen, PATTERNS[0], seed=1, for_training=False).open_records
    unknown = inputs_of(left)
    patterns = left["pattern"].to_list()
    zero = unknown.with_columns(wages=pl.lit(0.0))
    assert unknown["wages"].null_count() == unknown.height
    apart = np.abs(model.score(unknown, patterns) - model.score(zero, patterns))
    assert apart.mean() > 0.05


def test_a_frame_without_a_column_is_refused(model: FittedModel, examples: Examples) -> None:
    with pytest.raises(MissingColumnError, match="`wages`"):
        model.score(examples.inputs.drop("wages"))


def test_too_little_to_learn_from_is_refused() -> None:
    with pytest.raises(TrainingError, match="at least"):
        grow(pl.DataFrame({"a": [1.0, 2.0]}), [0, 1], {"a": 1})
    with pytest.raises(TrainingError):
        grow(pl.DataFrame({"a": np.arange(500.0)}), np.zeros(500), {"a": 1})


def test_nobody_is_asked_nothing(model: FittedModel, examples: Examples) -> None:
    assert model.score(examples.inputs.clear()).shape == (0,)
    assert model.contributions(examples.inputs.clear()).shape == (0, len(model.columns) + 1)


@pytest.mark.parametrize("direction", [1, -1])
def test_a_direction_holds_even_against_the_data(direction: int, chance: np.random.Generator) -> None:
    values, other = chance.normal(size=(2, 4_000))
    answers = chance.random(4_000) < 1 / (1 + np.exp(-2 * values - other))  # rises with `values`
    frame = pl.DataFrame({"values": values, "other": other})
    trees = grow(frame, answers, {"values": direction, "other": 0}, Growth(trees=60))
    line = pl.DataFrame({"values": np.linspace(-3, 3, 200), "other": np.zeros(200)})
    steps = np.diff(trees.log_odds(line)) * direction
    assert steps.min() >= 0
    assert (steps.max() > 0) == (direction == 1)


def test_each_pattern_has_its_own_calibration(model: FittedModel, examples: Examples) -> None:
    frame = examples.inputs.head(50)
    assert len(model.calibration) >= 6
    assert not np.allclose(model.score(frame, ["civil_registry"] * 50), model.score(frame, ["wages"] * 50))
    assert np.array_equal(model.score(frame, ["never seen"] * 50), model.score(frame))


def test_recalibration_touches_one_pattern_and_drops_its_promise(model: FittedModel, examples: Examples) -> None:
    chosen = [p == "wages" for p in examples.patterns]
    frame, answers = examples.inputs.filter(chosen), examples.answers[chosen]
    audited = model.recalibrated("wages", frame.head(200), 1 - answers[:200])
    assert audited.calibration["wages"] != model.calibration["wages"]
    assert audited.calibration["civil_registry"] == model.calibration["civil_registry"]
    assert set(audited.leanings(frame.head(50), ["wages"] * 50)) == {Leaning.ABSTAINS}
    assert audited.calibration["wages"].slope >= 0  # even absurd audits do not turn the queue round


def test_the_parts_are_fitted_on_different_households(chance: np.random.Generator) -> None:
    """Pure noise, each household many times over: with a household in two parts the scores would look sharp."""
    groups = np.repeat(np.arange(300), 20)
    frame = pl.DataFrame({"noise": chance.normal(size=300)[groups]})
    answers = (chance.random(300) < 0.5)[groups]
    fitted = fit("noise", frame, answers, {"noise": 0}, groups=groups, growth=Growth(trees=200, leaves=15))
    assert abs(fitted.calibration[""].slope) < 0.35
    assert isinstance(fitted.calibration[""], Sigmoid)


def test_contributions_are_those_of_the_shap_library(model: FittedModel, examples: Examples) -> None:
    """What serves is LightGBM's own; the library that defines SHAP is the judge, and too heavy to serve (300 MB)."""
    rows = matrix(examples.inputs.head(200), model.trees.columns)
    booster = lightgbm.Booster(model_str=model.trees.text)
    with warnings.catch_warnings():  # it sets colours as matplotlib will not, and tells of a change of years ago
        warnings.simplefilter("ignore")
        import shap  # noqa: PLC0415 seconds, for this test alone

        judged = shap.TreeExplainer(booster).shap_values(rows)
    np.testing.assert_allclose(model.trees.contributions(examples.inputs.head(200))[:, :-1], judged, atol=1e-9)
