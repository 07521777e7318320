"""Two sets of answers side by side: how often they agree, and why not where they do not."""

from __future__ import annotations

import datetime as dt

import polars as pl

KEYS = ("subject", "id", "benefit")
PERIODS_OF_A_MONTH = {"day": 15.0, "month": 1.0, "year": 1 / 12}
"""How many of the period fit a month; a school year has 180 days of meals."""
TOLERANCE = 1.0
"""Dollars a month."""


def compare(ours: pl.DataFrame, peer: pl.DataFrame) -> pl.DataFrame:
    """One row per subject and benefit with both answers.

    Raises:
        ValueError: the two do not speak of the same subjects.
    """
    both = peer.join(ours, on=KEYS, how="inner", suffix="_ours", validate="1:1")
    if not both.height == peer.height == ours.height:
        raise ValueError(f"{peer.height} answers of the peer, {ours.height} of ours, {both.height} of both.")
    factor = pl.col("per").replace_strict(PERIODS_OF_A_MONTH, return_dtype=pl.Float64)
    return both.with_columns(
        (pl.col("outcome") == pl.col("outcome_ours")).alias("same_outcome"),
        ((pl.col("amount") - pl.col("amount_ours")).abs() * factor).alias("difference"),
    ).with_columns((pl.col("same_outcome") & (pl.col("difference") <= TOLERANCE)).alias("agrees"))


def by_benefit(compared: pl.DataFrame) -> pl.DataFrame:
    """Per benefit: subjects, entitled by either, undetermined, and shares that agree."""
    either = (pl.col("outcome") == "eligible") | (pl.col("outcome_ours") == "eligible")
    return (
        compared.group_by("benefit")
        .agg(
            pl.len().alias("subjects"),
            either.sum().alias("entitled"),
            (pl.col("outcome_ours") == "undetermined").sum().alias("undetermined"),
            pl.col("same_outcome").mean().alias("outcome"),
            (pl.col("difference") <= TOLERANCE).mean().alias("amount"),
            pl.col("agrees").mean().alias("both"),
            pl.col("agrees").filter(either).mean().alias("among_entitled"),
            (~pl.col("agrees")).sum().alias("differ"),
        )
        .sort("benefit")
    )


def differences(compared: pl.DataFrame, tables: dict[str, pl.DataFrame], on_date: dt.date) -> pl.DataFrame:
    """Every answer that differs, with its household and the class of its cause."""
    person = tables["person"]
    homes = pl.concat(
        [
            person.select(pl.lit("person").alias("subject"), "id", "household_id"),
            person.select(
                pl.lit("tax_unit").alias("subject"), pl.col("tax_unit_id").alias("id"), "household_id"
            ).unique(),
            tables["household"].select(pl.lit("household").alias("subject"), "id", pl.col("id").alias("household_id")),
        ]
    )
    differing = compared.filter(~pl.col("agrees")).join(homes, on=["subject", "id"], how="left")
    sharing = _returns_with_two_disabled_children(person)
    wrong = {b: differing.filter(pl.col("benefit") == b).get_column("household_id").implode() for b in ("ssi", "snap")}
    home = pl.col("household_id")
    cause = (
        pl.when((pl.col("benefit") == "ssi") & home.is_in(sharing.implode()))
        .then(pl.lit("parental resources shared again"))
        .when((pl.col("benefit") != "ssi") & home.is_in(wrong["ssi"]))
        .then(pl.lit("follows from SSI"))
        .when(~pl.col("benefit").is_in(["ssi", "snap"]) & home.is_in(wrong["snap"]))
        .then(pl.lit("follows from SNAP"))
        .when((pl.col("benefit") == "ctc") & home.is_in(_spouses_of_school_age(person, on_date).implode()))
        .then(pl.lit("spouse of school age"))
        .when(pl.col("same_outcome") & (pl.col("difference") < 2 * TOLERANCE))
        .then(pl.lit("rounding"))
        .otherwise(pl.lit("not explained"))
    )
    return differing.select(
        "household_id", *KEYS, "outcome", "outcome_ours", "amount", "amount_ours", cause.alias("cause")
    ).sort("household_id", "benefit", "id")


def _returns_with_two_disabled_children(person: pl.DataFrame) -> pl.Series:
    """Households with a return on which the deemed resources of parents are divided among several children."""
    disabled = pl.col("meets_ssi_disability") | pl.col("is_blind")
    dependent = pl.col("tax_unit_role").cast(pl.String) == "dependent"
    return (
        person.filter(disabled & dependent)
        .group_by("tax_unit_id", "household_id")
        .len()
        .filter(pl.col("len") > 1)
        .get_column("household_id")
    )


def _spouses_of_school_age(person: pl.DataFrame, on_date: dt.date) -> pl.Series:
    """Households with a joint return of which one spouse is below 18: the peer takes such a person for a student."""
    born = dt.date(on_date.year - 18, 12, 31)
    spouse = pl.col("tax_unit_role").cast(pl.String) != "dependent"
    return person.filter(spouse & (pl.col("birth_date") > born)).get_column("household_id")
