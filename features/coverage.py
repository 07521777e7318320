"""Who is in no register: residents that the census counted, beside those whom registers place there.

Nobody knows the names of the people whom no department has on record. Their number can be estimated, by area and age:
where registers hold far fewer than live there, somebody must go and look. A gap is never a statement on a person.
"""

from __future__ import annotations

import datetime as dt
from statistics import NormalDist

import polars as pl

from features.city.margins import Margins
from features.facts.areas import Areas
from features.facts.encoding import STALE_SUFFIX

RESIDENCE, BIRTH, DEATH = "residence_area", "birth_date", "death_date"
READ = (RESIDENCE, BIRTH, DEATH)
"""The facts of a person that are read."""
LEAST_SHARE = 0.9
"""Less than this share of the expected, with chance accounted for, is a gap."""
FAMILY_ERROR = 0.05
"""The chance that any gap at all is shown where there is none, over all areas and ages together."""
_STEADYING = 3 / 8
"""Anscombe's term: the square root of a Poisson count plus it has a standard deviation of about a half (Biometrika
35, 1948, p. 246)."""


def coverage(
    persons: pl.DataFrame, census: Margins, areas: Areas, on_date: dt.date, residents: float | None = None
) -> pl.DataFrame:
    """Expected and seen residents by area and age.

    Args:
        persons: encoded, with `READ` and the day on which a residence grows stale, as the history gives them.
        census: residents by area, and shares by age.
        areas: where the areas of records lie.
        on_date: the day of ages.
        residents: how many live there in all; as many as the census counted by default.

    Returns:
        `area, age_from, age_to, expected, seen, outdated` (placed there by a record too old to count), `share` (seen of
        expected), `share_low`, `share_high` (simultaneous 95 % bounds) and `gap`; areas and ages in the census' order.
    """
    cells = _expected(census, residents)
    counted = cells.join(_placed(persons, census, areas, on_date), on=("area", "age_from"), how="left")
    half = NormalDist().inv_cdf(1 - FAMILY_ERROR / 2 / max(1, cells.height)) / 2
    root = (pl.col("seen") + _STEADYING).sqrt()
    return counted.with_columns(pl.col("seen", "outdated").fill_null(0)).with_columns(
        share=pl.col("seen") / pl.col("expected"),
        share_low=pl.max_horizontal(root - half, 0.0).pow(2) / pl.col("expected"),
        share_high=(root + half).pow(2) / pl.col("expected"),
    ).with_columns(gap=pl.col("share_high") < LEAST_SHARE)  # fmt: skip


def unplaced(persons: pl.DataFrame) -> int:
    """How many living persons no area or no age can be given to."""
    return persons.filter(_living() & (pl.col(RESIDENCE).is_null() | pl.col(BIRTH).is_null())).height


def _expected(census: Margins, residents: float | None) -> pl.DataFrame:
    counted = sum(district.persons for district in census.districts)
    scale = 1 if residents is None else residents / counted
    shares = sum(group.share for group in census.ages)
    rows = [
        (district.code, group.low, group.high, district.persons * scale * group.share / shares)
        for district in census.districts
        for group in census.ages
    ]
    types = {"area": pl.String, "age_from": pl.Int64, "age_to": pl.Int64, "expected": pl.Float64}
    return pl.DataFrame(rows, schema=types, orient="row")


def _placed(persons: pl.DataFrame, census: Margins, areas: Areas, on_date: dt.date) -> pl.DataFrame:
    """`seen` and `outdated` by area and first age of the group."""
    codes = {district.code for district in census.districts}
    enclosing = {code: next((each for each in areas.line(code) if each in codes), None) for code in areas.by_code}
    starts = sorted(group.low for group in census.ages)
    day_of_year = pl.col(BIRTH).dt.month().cast(pl.Int32) * 100 + pl.col(BIRTH).dt.day()
    age = on_date.year - pl.col(BIRTH).dt.year() - (day_of_year > on_date.month * 100 + on_date.day).cast(pl.Int32)
    stale = pl.lit(value=False)
    if RESIDENCE + STALE_SUFFIX in persons.columns:
        stale = (pl.col(RESIDENCE + STALE_SUFFIX) <= on_date).fill_null(value=False)
    return (
        persons.filter(_living())
        .select(
            area=pl.col(RESIDENCE).cast(pl.String).replace_strict(enclosing, default=None, return_dtype=pl.String),
            age_from=pl.max_horizontal(pl.when(age >= start).then(start) for start in starts).cast(pl.Int64),
            stale=stale,
        )
        .drop_nulls(("area", "age_from"))
        .group_by("area", "age_from")
        .agg(seen=(~pl.col("stale")).sum().cast(pl.Int64), outdated=pl.col("stale").sum().cast(pl.Int64))
    )


def _living() -> pl.Expr:
    """Persons of whom no death is known."""
    return pl.col(DEATH).is_null()
