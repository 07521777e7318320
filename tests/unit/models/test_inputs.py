"""Leaks: each input that knows the answer, comes after it or must not count makes the build fail."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import polars as pl
import pytest

from features.documents import Wording
from models.errors import LeakError, MissingColumnError
from models.inputs import Input, Moment, check_inputs, check_moments, check_not_too_good
from models.missing_evidence.households import ORIGINS
from models.missing_evidence.inputs import ALL, NEED_AXES, directions, inputs_of
from models.missing_evidence.training import Examples, examples_of, train
from tests.unit.models.conftest import SMALL

MADE = Wording("为本测试而设", "made for this test")


def test_the_declared_inputs_are_clean() -> None:
    check_inputs(ALL)
    assert all(i.why.zh and i.why.en and i.why.zh != i.why.en for i in ALL)
    assert {i.direction for i in ALL} <= {-1, 0, 1}
    assert {o for i in ALL for o in i.origins} <= set(ORIGINS.values())


@pytest.mark.parametrize(
    ("origin", "reason"),
    [
        ("snap_ben", "receipt"),
        ("snap_reported", "receipt"),
        ("ssi_ben", "receipt"),
        ("receives_housing_assistance", "receipt"),
        ("EIC", "receipt"),
        ("gross_m", "the answer itself"),
        ("eligible", "the answer itself"),
        ("payment_returned", "after the answer"),
        ("override_reason", "after the answer"),
        ("confirmed_on", "after the answer"),
        ("wages_next_year", "later day"),
        ("age_head_max", "protected"),
        ("sex", "protected"),
        ("fips", "protected"),
        ("ref_MARS", "protected"),
        ("blind", "only what the law makes of it"),
        ("e18400", "the answer in disguise"),
        ("hid", "identifier"),
        ("s006", "weight"),
        ("religion", "religion"),
        ("social_credit_level", "social_credit"),
    ],
)
def test_a_leaking_or_forbidden_origin_fails_the_training(origin: str, reason: str, examples: Examples) -> None:
    harmless_name = Input("an_input", 0, (origin,), MADE)
    with pytest.raises(LeakError, match=origin) as refused:
        train(examples, (*ALL, harmless_name), SMALL)
    assert reason in str(refused.value) or len(refused.value.findings) == 1


def test_an_input_known_only_afterwards_fails_the_training(examples: Examples) -> None:
    late = Input("calls_from_caseworker", 0, ("calls",), MADE, moment=Moment.AFTER)
    with pytest.raises(LeakError, match="only after the answer"):
        train(examples, (*ALL, late), SMALL)


def test_the_law_s_own_use_of_disability_may_enter_and_the_fact_may_not() -> None:
    check_inputs([Input("exempting_members", 0, ("blind",), MADE, is_rule_derived=True)])
    with pytest.raises(LeakError):
        check_inputs([Input("blind", 0, ("blind",), MADE, is_rule_derived=True)])


def test_the_same_name_twice_is_refused() -> None:
    with pytest.raises(LeakError, match="twice"):
        check_inputs([ALL[0], ALL[0]])


def test_a_fact_learned_after_its_day_fails_the_build() -> None:
    day = dt.date(2026, 3, 1)
    rows = pl.DataFrame({"as_of": [day] * 3, "wages_learned": [day, dt.date(2026, 2, 1), dt.date(2026, 3, 2)]})
    check_moments(rows.head(2), ["wages_learned"], "as_of")
    with pytest.raises(LeakError, match="`wages_learned`: 1 rows"):
        check_moments(rows, ["wages_learned"], "as_of")
    with pytest.raises(MissingColumnError):
        check_moments(rows, ["wages_learned"], "asked_on")


def test_the_answer_under_a_harmless_name_is_found_by_its_strength(examples: Examples) -> None:
    chance = np.random.default_rng(1)
    disguised = examples.answers + chance.normal(0, 0.2, len(examples.answers))
    frame = examples.inputs.with_columns(district_office_code=pl.Series(disguised), flipped=pl.Series(-disguised))
    check_not_too_good(frame, [i.name for i in ALL], examples.answers)
    with pytest.raises(LeakError, match="district_office_code") as refused:
        check_not_too_good(frame, ["district_office_code", "flipped", "wages"], examples.answers)
    assert len(refused.value.findings) == 2


def test_a_file_whose_answer_is_not_the_rule_s_is_not_learned_from(complete: pl.DataFrame) -> None:
    wrong = complete.with_columns(
        answer=pl.when(pl.col("group") % 200 == 7).then(1 - pl.col("answer")).otherwise("answer")
    )
    with pytest.raises(LeakError, match="differs from the rule"):
        examples_of(wrong, seed=1)


def test_inputs_do_not_depend_on_what_no_model_may_read(complete: pl.DataFrame, examples: Examples) -> None:
    """Change every benefit, the answer and the exact count of earners: no input moves."""
    seen = complete.head(500).with_columns(
        on_roll=pl.lit(1.0), **{f"last_{k}": pl.lit(None, dtype=pl.Float64) for k in _TAXED}
    )
    changed = seen.with_columns(
        pl.col("ssi", "tanf", "veterans") + 5_000, answer=1 - pl.col("answer"), workers=pl.col("workers") + 3
    )
    assert inputs_of(seen).equals(inputs_of(changed))


def test_every_need_axis_is_read_and_has_its_direction() -> None:
    signs = directions()
    assert all(signs[axis] == sign for axis, sign in NEED_AXES.items())


def test_directions_follow_the_declaration(examples: Examples) -> None:
    loose = tuple(dataclasses.replace(i, direction=0) for i in ALL)
    assert set(directions(loose).values()) == {0}
    assert list(directions(loose)) == list(directions()) == examples.inputs.columns


_TAXED = ("wages", "self_employment", "farming", "interest", "dividends")
