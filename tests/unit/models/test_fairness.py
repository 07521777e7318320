"""Groups are compared with intervals, chance findings are kept out, and small cells stay hidden."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.fairness.groups import GroupLine, GroupReport, report_groups
from models.fairness.guards import benjamini_hochberg, hidden_cells, holm


def test_holm_and_benjamini_hochberg_give_the_textbook_values() -> None:
    p_values = np.array([0.01, 0.04, 0.03, 0.005])
    assert holm(p_values) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert benjamini_hochberg(p_values) == pytest.approx([0.02, 0.04, 0.04, 0.02])


def test_a_small_cell_is_hidden_with_one_more_so_that_it_cannot_be_had_by_subtraction() -> None:
    assert hidden_cells([500, 7, 40], least=30) == [False, True, True]
    assert hidden_cells([500, 7, 9], least=30) == [False, True, True]
    assert hidden_cells([500, 0, 40], least=30) == [False, False, False]


def a_report(n: int, seed: int, *, skew: float = 0.0) -> GroupReport:
    rng = np.random.default_rng(seed)
    sex, district = rng.choice(["female", "male"], n), rng.choice(["east", "west", "north"], n)
    chance = rng.uniform(0.05, 0.95, n)
    labels = (rng.random(n) < chance).astype(np.int8)
    scores = np.clip(chance - skew * (sex == "female"), 0, 1)
    groups = pl.DataFrame({"sex": sex, "district": district})
    return report_groups(scores, labels, scores > 0.5, groups, seed=1, draws=200)


def line(report: GroupReport, axis: str, group: str) -> GroupLine:
    return next(found for found in report.lines if (found.axis, found.group) == (axis, group))


def test_a_model_that_underrates_women_is_flagged_in_reach_and_calibration() -> None:
    women = line(a_report(6_000, 3, skew=0.15), "sex", "female")
    assert set(women.flagged) == {"reach", "calibration_gap"}
    gap = women.figures["calibration_gap"]
    assert gap.low < gap.value < gap.high < -0.1


def test_a_fair_model_is_seldom_flagged_by_chance() -> None:
    flagged = sum(bool(a_report(1_500, seed).flagged) for seed in range(10))
    assert flagged <= 2  # 10 reports of 22 tests each: without a guard nearly every one would be flagged


def test_the_figures_are_those_of_plain_counting() -> None:
    labels = np.array([1, 1, 0, 0, 1, 0] * 10, dtype=np.int8)
    scores = np.array([0.9, 0.4, 0.6, 0.1, 0.8, 0.2] * 10)
    groups = pl.DataFrame({"home": ["a", "a", "a", "b", "b", "b"] * 10})
    found = line(report_groups(scores, labels, scores > 0.5, groups, seed=1, least_cell=10), "home", "a")
    assert (found.count, found.positives) == (30, 20)
    assert found.figures["reach"].value == pytest.approx(0.5)
    assert found.figures["rate"].value == pytest.approx(2 / 3)
    assert found.figures["calibration_gap"].value == pytest.approx((0.9 + 0.4 + 0.6) / 3 - 2 / 3)


def test_small_groups_are_hidden_and_people_of_unknown_group_are_one() -> None:
    labels = np.tile(np.array([0, 1], dtype=np.int8), 60)
    groups = pl.DataFrame({"disability": ["yes"] * 5 + [None] * 45 + ["no"] * 70})
    report = report_groups(np.full(120, 0.5), labels, labels == 1, groups, seed=1, draws=50)
    hidden = {found.group for found in report.lines if found.hidden}
    assert hidden == {"yes", "not known"}
    assert line(report, "disability", "yes").figures == {}
