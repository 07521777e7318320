"""The past leads up to the present, and nothing is true of anybody before they were born."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.city.courses import CERTIFICATE, DEATH, MARRIAGE, WORK
from features.city.households import make_pool
from features.city.margins import load_margins
from features.city.past import POSITION, Chronicle
from features.city.quarter import Quarter, make_quarter
from features.facts.subjects import PERSON
from features.facts.vocabulary import Vocabulary
from features.history.records import TRUE_FROM
from tests.unit.features.city.conftest import TODAY


@pytest.fixture(scope="module")
def quarter(vocabulary: Vocabulary) -> Quarter:
    margins = load_margins()
    return make_quarter(vocabulary, margins, make_pool(margins, np.random.default_rng(1)), 3_000, 0, 9, TODAY)


@pytest.fixture(scope="module")
def past(quarter: Quarter) -> Chronicle:
    return quarter.past[PERSON]


@pytest.mark.parametrize("names", [MARRIAGE, WORK, CERTIFICATE, DEATH, (*DEATH, *WORK, "sex"), ("sex", "hukou_area")])
def test_the_last_episode_is_the_truth_of_today(quarter: Quarter, past: Chronicle, names: tuple[str, ...]) -> None:
    last = past.rows_of(names).unique(POSITION, keep="last", maintain_order=True)
    truth = quarter.facts[PERSON].frame().select(names)
    assert last.select(names).equals(truth)


@pytest.mark.parametrize("names", [MARRIAGE, WORK, CERTIFICATE, DEATH, (*DEATH, *MARRIAGE, *WORK)])
def test_episodes_begin_between_birth_and_today_one_after_the_other(
    quarter: Quarter, past: Chronicle, names: tuple[str, ...]
) -> None:
    rows = past.rows_of(names)
    assert rows.height > quarter.people.n
    born = pl.Series(quarter.people.birth).cast(pl.Date).gather(rows[POSITION])
    assert (rows[TRUE_FROM] >= born).all()
    assert (rows[TRUE_FROM] <= TODAY).all()
    assert not rows.select(POSITION, TRUE_FROM).is_duplicated().any()
    assert rows.select(POSITION, TRUE_FROM).equals(rows.select(POSITION, TRUE_FROM).sort(POSITION, TRUE_FROM))


def test_the_decade_has_jobs_marriages_deaths_and_certificates_before_todays(past: Chronicle) -> None:
    before = {
        names: past.rows_of(names).filter(~pl.col(POSITION).is_last_distinct()) for names in (WORK, MARRIAGE, DEATH)
    }
    assert before[WORK].filter("employed").height > 100
    assert before[MARRIAGE].filter(pl.col("marital_status") == "single").height > 100
    assert before[MARRIAGE].filter(pl.col("marital_status") == "married").height > 20
    assert not before[DEATH]["deceased"].any()


def test_nobody_is_hired_before_the_job_is_on_record(past: Chronicle) -> None:
    rows = past.rows_of(WORK).filter(pl.col("hired_on").is_not_null())
    assert (rows["hired_on"] <= rows[TRUE_FROM]).all()


def test_the_dead_were_alive_before(quarter: Quarter, past: Chronicle) -> None:
    rows = past.rows_of(DEATH)
    dead = rows.filter("deceased")
    assert dead.height == int(quarter.people.dead.sum())
    assert (dead[TRUE_FROM] == dead["death_date"]).all()
    assert rows.filter(pl.col(POSITION).is_in(dead[POSITION].implode())).height == 2 * dead.height
