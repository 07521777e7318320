"""Every planted fault ends with a human or a question, never with an automatic grant of what is not owed.

The city's maker plants faults of many kinds in what departments deliver, and keeps the truth. A fault touches whom it
is about, and through household and employer those whose answers read it.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl
import pytest

from features.city.making import FAULTS
from features.facts.encoding import ID
from features.facts.units import MINOR_UNITS
from tests.delivered_city import City

KEY = [ID, "benefit"]
BY_MACHINE = ("approved", "public_notice")
"""Where an entitlement stands that no human and no citizen had a word in."""
KINDS = 8
"""So many kinds of fault there are at least, in the smallest city too."""


@pytest.fixture(scope="module")
def touched(city: City) -> pl.DataFrame:
    """One row for each fault that touches an answer: `id`, `benefit`, `kind`, the answer, the truth, what came of it.

    `outcome`, `amount`, `tier`, `missing` of the answer; `true`, `owed` of the truth; `state`, `amount_minor` of the
    entitlement, null where there is none.
    """
    truth = city.truth.rename({"outcome": "true", "amount": "owed"}).select(*KEY, "true", "owed")
    answers = city.opened.tiers().join(city.touched.select(ID, "kind"), on=ID)
    whose = city.opened.entitlements().select(*KEY, "state", "amount_minor")
    return answers.join(truth, on=KEY, how="left").join(whose, on=KEY, how="left")


def test_whatever_is_not_certain_goes_to_a_human_or_becomes_a_question(touched: pl.DataFrame) -> None:
    uncertain = touched.filter((pl.col("outcome") == "undetermined") | (pl.col("missing").list.len() > 0))
    assert uncertain.height > 100
    assert set(uncertain["tier"]) == {"ask", "review"}
    assert set(uncertain["state"].drop_nulls()) <= {"review"}


def test_no_fault_makes_an_answer_that_is_certain_and_untrue(touched: pl.DataFrame) -> None:
    certain = touched.filter(pl.col("outcome") != "undetermined").filter(pl.col("true") != "undetermined")
    assert certain.height > 1_000
    assert certain.filter(pl.col("outcome") != pl.col("true")).is_empty()


def test_what_went_by_machine_is_owed_to_the_cent(city: City, touched: pl.DataFrame) -> None:
    """Of everybody, whom a fault touches or not."""
    truth = city.truth.rename({"outcome": "true", "amount": "owed"}).select(*KEY, "true", "owed")
    machine = city.opened.entitlements().filter(pl.col("state").is_in(BY_MACHINE))
    compared = machine.join(truth, on=KEY, how="left")
    assert compared.height == machine.height > city.persons // 2
    assert set(compared["true"]) == {"eligible"}
    money = compared.filter(pl.col("amount_minor").is_not_null())
    assert money.height > 0
    assert (money["amount_minor"] == (money["owed"] * MINOR_UNITS).cast(pl.Int64)).all()
    assert touched.filter(pl.col("state").is_in(BY_MACHINE)).height > 0  # a fault elsewhere takes nothing certain away


def test_every_kind_of_fault_ends_well(city: City, touched: pl.DataFrame, tmp_path: Path) -> None:
    planted = pl.read_parquet(city.opened.home / "city" / "truth" / FAULTS)["kind"].unique()
    found = by_kind(touched)
    assert len(planted) >= KINDS
    about_somebody = set(city.touched["kind"])
    assert set(found["kind"]) == about_somebody <= set(planted)
    # What went by machine in spite of a fault nearby was owed, as above; of what was not owed nothing did.
    assert found["machine_not_owed"].sum() == 0
    assert (
        found["answers"] == found["no"] + found["ask"] + found["review"] + found["confirm"] + found["automatic"]
    ).all()
    (tmp_path / "faults.csv").write_text(table_of(found), encoding="utf-8")  # pytest keeps the last three


def by_kind(touched: pl.DataFrame) -> pl.DataFrame:
    """What became of the answers that each kind of fault touches."""
    tiers = {"no": "none", "ask": "ask", "review": "review", "confirm": "confirm", "automatic": "automatic"}
    machine = pl.col("state").is_in(BY_MACHINE)
    return (
        touched.group_by("kind")
        .agg(
            pl.col(ID).n_unique().alias("subjects"),
            pl.len().alias("answers"),
            *((pl.col("tier") == tier).sum().alias(name) for name, tier in tiers.items()),
            machine.sum().alias("machine"),
            (machine & (pl.col("true") != "eligible")).sum().alias("machine_not_owed"),
        )
        .sort("kind")
    )


def table_of(found: pl.DataFrame) -> str:
    """As CSV, for the note of a release."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(found.columns)
    writer.writerows(found.rows())
    return text.getvalue()
