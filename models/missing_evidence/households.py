"""Households of the survey file under the names of facts: what the rule reads, what a model may read, the answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from models.errors import MissingColumnError, ModelsError
from models.missing_evidence.groups import group_columns

INCOMES = {
    "wages": "e00200",
    "self_employment": "e00900",
    "farming": "e02100",
    "interest": "e00300",
    "dividends": "e00600",
    "alimony": "e00800",
    "pension": "e01500",
    "social_security": "e02400",
    "unemployment": "e02300",
}
EARNED = ("wages", "self_employment", "farming")
COUNTED_BENEFITS = {"ssi": "ssi_ben", "tanf": "tanf_ben", "veterans": "vet_ben"}
"""Other benefits that the law counts as income. The rule reads them; no model may."""
PEOPLE = {"size": "hhsize", "children": "nu18", "elderly": "eld", "blind": "blind", "returns": "n_units"}
WORKERS = "earners"
ORIGINS = {**INCOMES, **COUNTED_BENEFITS, **PEOPLE, "workers": WORKERS, "year": "FLPDYR"}
"""Our name of each column and the file's."""


def read_households(path: Path, splits: Sequence[str]) -> pl.DataFrame:
    """The households of these splits, complete: one row each, with `answer` (1 or 0) and `group` (the row's number).

    Raises:
        ModelsError: the file cannot be read, or a split has no household.
        MissingColumnError: the file lacks a column.
    """
    try:
        whole = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as problem:
        raise ModelsError(f"{path}: cannot be read as Parquet. Give the file of households.") from problem
    absent = [name for name in ("split", *ORIGINS.values(), "eligible") if name not in whole.columns]
    if absent:
        raise MissingColumnError(absent)
    empty = sorted(set(splits) - set(whole["split"].unique().to_list()))
    if empty:
        raise ModelsError(f"{path}: no household in the splits {', '.join(empty)}. See the column `split`.")
    return named(whole.filter(pl.col("split").is_in(list(splits))))


def named(file_rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of the file under our names, with their groups. A loss counts as no income, as in the file's own answer."""
    money = [pl.col(theirs).cast(pl.Float64).clip(lower_bound=0).alias(ours) for ours, theirs in _MONEY.items()]
    rest = [pl.col(theirs).cast(pl.Float64).alias(ours) for ours, theirs in ORIGINS.items() if ours not in _MONEY]
    answer = pl.col("eligible").cast(pl.Int8).alias("answer")
    kept = file_rows.select(*money, *rest, answer).with_row_index("group")
    return pl.concat([kept, group_columns(file_rows)], how="horizontal")


_MONEY = {**INCOMES, **COUNTED_BENEFITS}
