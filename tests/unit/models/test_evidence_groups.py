"""The model of missing evidence goes through the lifecycle: its card compares groups that no input of it names."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from features.documents import Wording
from models.fitted import FittedModel
from models.intervals import measured
from models.lifecycle.candidate import HeldOut
from models.lifecycle.kinds import kind_of
from models.lifecycle.limits import load_limits
from models.lifecycle.training import TrainingSet, train
from models.measures import area_under_curve, expected_calibration_error
from models.missing_evidence.groups import AXES, GROUP, REGIONS, group_columns
from models.missing_evidence.inputs import ALL, inputs_of
from models.missing_evidence.left_over import left_over
from models.missing_evidence.outages import NOT_AT_RANDOM, PATTERNS
from models.missing_evidence.training import Examples, examples_of, mask
from models.trees import Growth
from tests.unit.models.conftest import SMALL
from tests.unit.models.made_households import made_file, made_households

DAY = dt.date(2026, 3, 1)
DEEP = Growth(trees=80, leaves=127, learning_rate=0.4, least_in_leaf=3, share_of_features=1.0, l2=0.0)
"""Remembers whatever it can: where nothing is to be learned, that is what a leak would feed."""
PATTERN = next(p for p in PATTERNS if p.name == NOT_AT_RANDOM)


@pytest.fixture(scope="module")
def card_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("life")
    chance = np.random.default_rng(3)
    rows = made_file(1_500, seed=4).with_columns(
        pl.lit("dev_train").alias("split"),
        pl.Series("ref_age_head", chance.integers(18, 90, 1_500)),
        pl.Series("fips", chance.choice([6, 17, 36, 48], 1_500)),
    )
    rows.write_parquet(folder / "households.parquet")
    kind = kind_of("missing_evidence")
    train(kind.read(folder / "households.parquet", DAY), load_limits(), folder / "model", folder / "rows", DAY, SMALL)
    return folder


def test_the_card_compares_every_axis_and_pair_with_intervals(card_folder: Path) -> None:
    card = json.loads((card_folder / "model" / "card.json").read_text(encoding="utf-8"))
    names = [axis.name for axis in AXES]
    pairs = {f"{a} × {b}" for i, a in enumerate(names) for b in names[i + 1 :]}
    assert {line["axis"] for line in card["groups"]} == {"all", *names, *pairs}
    shown = [line for line in card["groups"] if not line["hidden"]]
    assert all(line["figures"]["reach"]["low"] <= line["figures"]["reach"]["high"] for line in shown
               if line["figures"]["reach"]["value"] is not None)  # fmt: skip
    assert card["groups_guard"]["multiple_tests"] == "Holm"
    assert not {axis.name for axis in AXES} & {feature["name"] for feature in card["features"]}


def test_the_card_gives_each_reason_in_both_languages(card_folder: Path) -> None:
    zh, en = ((card_folder / "model" / f"card.{language}.md").read_text(encoding="utf-8") for language in ("zh", "en"))
    for given in ALL:
        assert f"{given.why.zh}\n" in zh
        assert f"{given.why.en}\n" in en
        assert given.why.en not in zh


def test_rows_of_one_household_are_drawn_together(card_folder: Path) -> None:
    kept = next((card_folder / "rows").glob("*.parquet"))
    rows = HeldOut.of_table(pl.read_parquet(kept))
    assert rows.clusters is not None
    assert len(np.unique(rows.clusters)) < len(rows.clusters) / 3
    assert HeldOut.of_table(rows.table()).table().equals(rows.table())


def test_shuffled_answers_give_half_where_a_household_is_on_one_side_of_the_split(tmp_path: Path) -> None:
    """Each household keeps its shuffled answer under every outage: a split by row would remember it."""
    examples = examples_of(made_households(12_000, seed=8), seed=3)
    households = np.unique(examples.groups)
    answer = np.random.default_rng(6).integers(0, 2, int(households.max()) + 1).astype(np.int8)[examples.groups]
    rows = kind_rows(examples, answer)
    by_household, by_row = (
        train(given, load_limits(), tmp_path / name, tmp_path / "rows", DAY, DEEP).assessment.auc.value
        for name, given in (
            ("household", rows),
            ("row", dataclasses.replace(rows, subjects=[str(n) for n in range(len(answer))])),
        )
    )
    assert by_household == pytest.approx(0.5, abs=0.02)
    assert by_row > 0.53


def kind_rows(examples: Examples, answers: npt.NDArray[np.int8]) -> TrainingSet:
    said = Wording("本测试", "this test")
    return TrainingSet(
        model="missing_evidence", frame=examples.inputs, labels=answers,
        subjects=[str(group) for group in examples.groups.tolist()], weights=examples.weights,
        groups=pl.DataFrame({"all of them": ["yes"] * len(answers)}),
        features={i.name: (i.why, 0) for i in ALL}, target=said, window_days=30,
    )  # fmt: skip


def test_an_interval_of_repeated_rows_is_no_narrower_than_of_the_rows_themselves(chance: np.random.Generator) -> None:
    truth = (chance.random(400) < 0.5).astype(np.int8)
    scores = np.clip(0.2 * truth + chance.random(400), 0, 1)
    once = measured(area_under_curve, scores, truth, np.ones(400), 1)
    five, of = np.tile(scores, 5), np.tile(np.arange(400), 5)
    together = measured(area_under_curve, five, np.tile(truth, 5), np.ones(2_000), 1, of)
    apart = measured(area_under_curve, five, np.tile(truth, 5), np.ones(2_000), 1)
    assert together.high - together.low == pytest.approx(once.high - once.low)
    assert apart.high - apart.low < 0.6 * (once.high - once.low)


def test_every_state_has_one_region_and_ages_are_bands() -> None:
    states = [state for of in REGIONS.values() for state in of]
    assert len(states) == len(set(states)) == 51
    rows = pl.DataFrame({"ref_age_head": [29, 30, 74, 75], "fips": [36, 6, 99, 48]})
    found = group_columns(rows)
    assert found.get_column(f"{GROUP}age of head").to_list() == ["under 30", "30 to 44", "60 to 74", "75 and over"]
    assert found.get_column(f"{GROUP}region").to_list() == ["northeast", "west", None, "south"]


def test_what_the_settled_leave_over_steadies_300_audits(model: FittedModel) -> None:
    """Of twenty draws of 300 audits, at least nineteen give an ECE of at most 0.06; alone they err more on average."""
    left = mask(made_households(8_000, seed=3), PATTERN, seed=4, for_training=False)
    frame, pattern, truth = inputs_of(left.open_records), left.open_records["pattern"][0], left.answers
    expected = left_over(model, left.records, left.undetermined, PATTERN)
    assert expected.inputs.equals(frame)
    found: dict[bool, list[float]] = {True: [], False: []}
    for draw in range(20):
        audited = np.isin(np.arange(len(truth)), np.random.default_rng(draw).choice(len(truth), 300, replace=False))
        for helped in found:
            more = (expected.inputs, expected.shares) if helped else None
            again = model.recalibrated(pattern, frame.filter(pl.Series(audited)), truth[audited], more)
            others = frame.filter(pl.Series(~audited))
            scores = again.score(others, [pattern] * others.height)
            found[helped].append(expected_calibration_error(scores, truth[~audited]))
    assert np.mean(found[True]) < np.mean(found[False])
    assert sum(ece <= 0.06 for ece in found[True]) >= 19


def test_what_the_settled_leave_over_reads_no_answer_of_those_whose_records_are_missing(model: FittedModel) -> None:
    left = mask(made_households(3_000, seed=5), PATTERN, seed=4, for_training=False)
    turned = left.records.with_columns(
        answer=pl.when(pl.Series(left.undetermined)).then(1 - pl.col("answer")).otherwise("answer")
    )
    shares = [left_over(model, rows, left.undetermined, PATTERN).shares for rows in (left.records, turned)]
    assert np.array_equal(shares[0], shares[1])
