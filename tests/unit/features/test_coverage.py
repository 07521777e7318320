"""Whom registers miss shows where they live, and at no other place."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from features.city.margins import load_margins
from features.coverage import BIRTH, DEATH, FAMILY_ERROR, RESIDENCE, coverage, unplaced
from tests.registers_world import china

DAY = dt.date(2026, 3, 1)
AREA, AGE = "440106", 70
CENSUS = load_margins()


def persons(residents: int, seed: int, seen: float = 1.0) -> pl.DataFrame:
    """As many as live there by the census, drawn; of those of `AGE` in `AREA` only a share."""
    draws = np.random.default_rng(seed)
    rows = []
    whole = sum(district.persons for district in CENSUS.districts)
    shares = sum(group.share for group in CENSUS.ages)
    for district in CENSUS.districts:
        for group in CENSUS.ages:
            lost = 1 - seen if (district.code, group.low) == (AREA, AGE) else 0
            expected = residents * district.persons / whole * group.share / shares * (1 - lost)
            born = dt.date(DAY.year - group.low - 1, 6, 1)
            rows += [(district.code, born)] * int(draws.poisson(expected))
    return pl.DataFrame(rows, schema={RESIDENCE: pl.String, BIRTH: pl.Date}, orient="row").with_columns(
        pl.lit(None, dtype=pl.Date).alias(DEATH)
    )


def gaps(frame: pl.DataFrame, residents: int) -> list[tuple[str, int]]:
    found = coverage(frame, CENSUS, china().areas, DAY, residents)
    return list(found.filter("gap").select("area", "age_from").iter_rows())


def test_a_missing_group_is_found_where_it_is_missing() -> None:
    assert gaps(persons(300_000, seed=1, seen=0.6), 300_000) == [(AREA, AGE)]


def test_chance_alone_is_no_gap() -> None:
    alarms = sum(bool(gaps(persons(20_000, seed), 20_000)) for seed in range(40))
    assert alarms / 40 <= FAMILY_ERROR


def test_every_resident_of_the_census_is_expected_somewhere() -> None:
    expected = coverage(persons(2_000, 1), CENSUS, china().areas, DAY)["expected"]
    assert expected.sum() == pytest.approx(sum(district.persons for district in CENSUS.districts))


def test_the_dead_are_not_seen_and_an_old_record_does_not_count() -> None:
    frame = pl.DataFrame(
        {
            RESIDENCE: [AREA, AREA, AREA, None],
            BIRTH: [dt.date(1954, 1, 1)] * 4,
            DEATH: [None, dt.date(2025, 1, 1), None, None],
            f"{RESIDENCE}@stale_on": [None, None, DAY, None],
        },
        schema_overrides={f"{RESIDENCE}@stale_on": pl.Date, DEATH: pl.Date},
    )
    found = coverage(frame, CENSUS, china().areas, DAY).filter(pl.col("area") == AREA, pl.col("age_from") == AGE)
    assert found.select("seen", "outdated").row(0) == (1, 1)
    assert unplaced(frame) == 1


def test_a_birthday_tomorrow_has_not_come() -> None:
    frame = pl.DataFrame(
        {RESIDENCE: [AREA, AREA], BIRTH: [dt.date(1956, 3, 1), dt.date(1956, 3, 2)], DEATH: [None, None]},
        schema_overrides={DEATH: pl.Date},
    )
    seen = coverage(frame, CENSUS, china().areas, DAY).filter(pl.col("seen") > 0)
    assert list(seen.select("age_from", "seen").iter_rows()) == [(65, 1), (70, 1)]
