"""A score taken apart: by fact, exactly, and shown without colour."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pytest

from explain.contributions import Grouping, ModelColumn, repaired
from explain.errors import AdditivityError, ColumnMappingError
from explain.waterfall import bars, waterfall_svg, waterfall_table
from explain.wording import Language, messages
from features.documents import Wording

Floats = npt.NDArray[np.float64]

SCHOOL = [f"school_{code}" for code in ("none", "primary", "junior", "senior")]
TAX, EDUCATION, REGISTRY = (
    Wording(zh, en) for zh, en in (("税务", "tax"), ("教育", "education"), ("户籍", "registry"))
)


def column(name: str, fact: str, register: str, register_name: Wording) -> ModelColumn:
    return ModelColumn(name, fact, Wording(f"事实{fact}", fact), register, register_name)


COLUMNS = [
    column("income", "income", "tax", TAX),
    column("income_is_unknown", "income", "tax", TAX),
    column("age", "birth_date", "registry", REGISTRY),
    *(column(name, "education_stage", "education", EDUCATION) for name in SCHOOL),
    column("rent", "rent", "registry", REGISTRY),
]


@pytest.fixture(scope="module")
def inputs() -> Floats:
    rng = np.random.default_rng(3)
    income = rng.gamma(2.0, 1_500.0, 3_000)
    unknown = rng.random(3_000) < 0.1
    stage = np.eye(4)[rng.integers(0, 4, 3_000)]
    table = [
        np.where(unknown, np.nan, income),
        unknown,
        rng.uniform(0, 95, 3_000),
        *stage.T,
        rng.gamma(2.0, 400.0, 3_000),
    ]
    return np.column_stack(table)


def contributions(booster: lgb.Booster, table: Floats) -> Floats:
    """What the model's columns add, the base value last."""
    return np.asarray(booster.predict(table, pred_contrib=True))


def scores_of(booster: lgb.Booster, table: Floats) -> Floats:
    """The scores of rows."""
    return np.asarray(booster.predict(table, raw_score=True))


@pytest.fixture(scope="module")
def booster(inputs: Floats) -> lgb.Booster:
    rng = np.random.default_rng(4)
    logit = 2 - np.nan_to_num(inputs[:, 0]) / 1_500 + inputs[:, 4] - inputs[:, 6] + inputs[:, 2] / 50
    labels = rng.random(len(inputs)) < 1 / (1 + np.exp(-logit))
    data = lgb.Dataset(inputs, labels.astype(int), feature_name=[c.name for c in COLUMNS])
    settings = {"objective": "binary", "num_leaves": 15, "verbosity": -1, "seed": 1, "num_threads": 1}
    return lgb.train(settings, data, num_boost_round=60)


def test_one_by_one_contributions_add_up_to_the_score(booster: lgb.Booster, inputs: Floats) -> None:
    grouping = Grouping("missing_evidence", COLUMNS)
    for row in inputs[:200]:
        raw = contributions(booster, row[None])
        score = float(scores_of(booster, row[None])[0])
        taken_apart = grouping.one(raw, score)
        total = math.fsum((taken_apart.base, *(part.value for part in taken_apart.parts)))
        assert abs(total - score) <= 1e-9
        by_register = math.fsum((taken_apart.base, *(part.value for part in taken_apart.by_register())))
        assert abs(by_register - score) <= 1e-9


def test_a_code_that_was_spread_over_columns_is_one_part(booster: lgb.Booster, inputs: Floats) -> None:
    raw = contributions(booster, inputs[:1])
    taken_apart = Grouping("m", COLUMNS).one(raw, float(scores_of(booster, inputs[:1])[0]))
    assert sorted(part.fact for part in taken_apart.parts) == ["birth_date", "education_stage", "income", "rent"]
    school = next(part for part in taken_apart.parts if part.fact == "education_stage")
    places = [COLUMNS.index(c) for c in COLUMNS if c.fact == "education_stage"]
    assert school.columns == 4
    assert school.value == pytest.approx(raw[0, places].sum(), abs=1e-12)
    shown = " ".join(waterfall_table(taken_apart, messages(Language.EN)).split("<"))
    assert not any(name in shown for name in SCHOOL)


def test_a_batch_is_grouped_as_its_rows_are(booster: lgb.Booster, inputs: Floats) -> None:
    grouping = Grouping("m", COLUMNS)
    raw, scores = contributions(booster, inputs), scores_of(booster, inputs)
    table = grouping.many(raw, scores)
    assert np.abs(table.values.sum(axis=1) + table.base - scores).max() <= 1e-5
    for row in range(0, 3_000, 101):
        single = {part.fact: part.value for part in grouping.one(raw[row], float(scores[row])).parts}
        assert dict(zip(table.facts, table.values[row], strict=True)) == pytest.approx(single, abs=1e-12)


def test_contributions_of_another_score_are_refused(booster: lgb.Booster, inputs: Floats) -> None:
    grouping = Grouping("m", COLUMNS)
    raw, scores = contributions(booster, inputs), scores_of(booster, inputs)
    with pytest.raises(AdditivityError, match="row 0 miss the score"):
        grouping.one(raw[0], float(scores[0]) + 1e-6)
    with pytest.raises(AdditivityError):
        grouping.one(raw[0], math.nan)
    scores[7] += 1e-3
    with pytest.raises(AdditivityError) as error:
        grouping.many(raw, scores)
    assert error.value.row == 7
    with pytest.raises(ColumnMappingError):
        grouping.one(raw[0, 1:], float(scores[0]))


def test_rows_that_a_fast_engine_gets_wrong_are_asked_of_the_exact_one(booster: lgb.Booster, inputs: Floats) -> None:
    raw, scores = contributions(booster, inputs), scores_of(booster, inputs)
    rough = raw.copy()
    rough[[5, 70], 2] += 2e-5
    asked: list[int] = []

    def exactly(rows: npt.NDArray[np.intp]) -> Floats:
        asked.extend(rows.tolist())
        return raw[rows]

    assert np.array_equal(repaired(rough, scores, exactly), raw)
    assert asked == [5, 70]


@pytest.mark.parametrize("most", [3, 10])
@pytest.mark.parametrize("language", list(Language))
def test_the_waterfall_leads_from_the_start_to_the_score(
    booster: lgb.Booster, inputs: Floats, language: Language, most: int
) -> None:
    say = messages(language)
    for row in range(20):
        raw = contributions(booster, inputs[row : row + 1])
        one = Grouping("m", COLUMNS).one(raw, float(scores_of(booster, inputs[row : row + 1])[0]))
        steps = bars(one, say, most)
        assert len(steps) <= most
        assert steps[0].start == one.base
        assert steps[-1].end == pytest.approx(one.score, abs=1e-9)
        assert all(later.start == earlier.end for earlier, later in pairwise(steps))


def test_table_and_drawing_can_be_read_without_colour_and_by_a_screen_reader(
    booster: lgb.Booster, inputs: Floats
) -> None:
    one = Grouping("m", COLUMNS).one(contributions(booster, inputs[:1]), float(scores_of(booster, inputs[:1])[0]))
    say = messages(Language.ZH)
    table = ElementTree.fromstring(waterfall_table(one, say))
    assert table.attrib["lang"] == "zh-CN"
    assert table.findtext("caption")
    assert {cell.attrib["scope"] for cell in table.iter("th")} == {"col", "row"}
    assert len(list(table.find("tbody") or ())) == len(one.parts) + 2
    svg = waterfall_svg(one, say, "case")
    drawing = ElementTree.fromstring(svg)
    names = {element.attrib["id"]: element for element in drawing.iter() if "id" in element.attrib}
    assert all(names[name].text for name in drawing.attrib["aria-labelledby"].split())
    figures = [text for text in drawing.itertext() if re.fullmatch(r"[+-]?\d+\.\d{3}", text)]
    assert figures == [f"{one.base:.3f}", *(f"{bar.value:+.3f}" for bar in bars(one, say)), f"{one.score:.3f}"]
    shades = set(re.findall(r"#[0-9a-f]{3,6}", svg))
    assert all(len(set(shade[1:])) == 1 for shade in shades)


def test_labels_cannot_bring_markup_into_a_page(booster: lgb.Booster, inputs: Floats) -> None:
    hostile = [ModelColumn(c.name, c.fact, Wording("<b>&", "<script>"), c.register, c.register_name) for c in COLUMNS]
    raw, score = contributions(booster, inputs[:1]), float(scores_of(booster, inputs[:1])[0])
    one = Grouping("m", hostile).one(raw, score)
    for language in Language:
        shown = waterfall_table(one, messages(language)) + waterfall_svg(one, messages(language))
        assert "<script>" not in shown
        assert "<b>" not in shown
