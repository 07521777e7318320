"""By which groups of survey households reach and calibration are compared. Looked at afterwards; read by no model.

The survey file has no sex, ethnicity or nationality: nothing can be said of them. It has no district below the state;
states are taken together to the four regions of the Census Bureau.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

GROUP = "group_"
REGIONS: Mapping[str, tuple[int, ...]] = {
    "northeast": (9, 23, 25, 33, 34, 36, 42, 44, 50),
    "midwest": (17, 18, 19, 20, 26, 27, 29, 31, 38, 39, 46, 55),
    "south": (1, 5, 10, 11, 12, 13, 21, 22, 24, 28, 37, 40, 45, 47, 48, 51, 54),
    "west": (2, 4, 6, 8, 15, 16, 30, 32, 35, 41, 49, 53, 56),
}
"""States by their FIPS number. Source: U.S. Census Bureau, Census Regions and Divisions of the United States."""
AGES = (30, 45, 60, 75)
NOT_IN_FILE = ("sex", "ethnicity", "nationality")


@dataclass(frozen=True, slots=True)
class Axis:
    """One way to divide households.

    Attributes:
        name: what the report calls it.
        origins: the columns of the file.
        read_as: what the model reads of it, and on what ground; empty where it reads nothing.
        of: the group of each household.
    """

    name: str
    origins: tuple[str, ...]
    read_as: str
    of: Callable[[], pl.Expr]


def _age() -> pl.Expr:
    years, bands = pl.col("ref_age_head").cast(pl.Int64), tuple(pairwise(AGES))
    band = pl.when(years >= AGES[-1]).then(pl.lit(f"{AGES[-1]} and over")).otherwise(None)
    for start, end in reversed(bands):
        band = pl.when(years < end).then(pl.lit(f"{start} to {end - 1}")).otherwise(band)
    return pl.when(years < AGES[0]).then(pl.lit(f"under {AGES[0]}")).otherwise(band)


def _household() -> pl.Expr:
    adults = (
        pl.when(pl.col("hhsize") - pl.col("nu18") > 1).then(pl.lit("several adults")).otherwise(pl.lit("one adult"))
    )
    return adults + pl.when(pl.col("nu18") > 0).then(pl.lit(", children")).otherwise(pl.lit(""))


def _exempting() -> pl.Expr:
    has = (pl.col("eld") > 0) | (pl.col("blind") > 0)
    return pl.when(has).then(pl.lit("yes")).otherwise(pl.lit("no"))


def _region() -> pl.Expr:
    by_state = {state: region for region, states in REGIONS.items() for state in states}
    return pl.col("fips").cast(pl.Int64).replace_strict(by_state, default=None, return_dtype=pl.String)


AXES = (
    Axis("age of head", ("ref_age_head",), "", _age),
    Axis("household", ("hhsize", "nu18"), "size and children: the law's limits rise with them", _household),
    Axis("elderly or disabled member", ("eld", "blind"), "their number: the law lifts one test for them", _exempting),
    Axis("region", ("fips",), "", _region),
)


def group_columns(file_rows: pl.DataFrame) -> pl.DataFrame:
    """The group of each household on each axis that the file knows, under `group_…`."""
    known = [axis for axis in AXES if set(axis.origins) <= set(file_rows.columns)]
    return file_rows.select(axis.of().alias(GROUP + axis.name) for axis in known)


def groups_of(records: pl.DataFrame) -> pl.DataFrame:
    """The axes of records that carry them, each under its own name."""
    own = [name for name in records.columns if name.startswith(GROUP)]
    return records.select(pl.col(name).alias(name.removeprefix(GROUP)) for name in own)
