"""Determinations as tables: both evaluators write the same rows, and files hold what the tables hold."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.facts.encoding import population_of, tables_of
from features.facts.population import NONE, Population, Subject
from features.facts.values import Known, Value
from rules.evaluate.output import batch_determinations, determinations_in, reference_determinations, schema
from rules.evaluate.writing import DeterminationFile, OutputFileError
from tests.village_world import village_rulebook

RULEBOOK = village_rulebook()
ON_DATE = dt.date(2026, 3, 1)
FACTS: dict[str, st.SearchStrategy[Value]] = {
    "birth_date": st.dates(dt.date(1940, 1, 1), dt.date(2026, 1, 1)),
    "lives_in": st.sampled_from(["910000", "920000"]),
    "wage": st.integers(0, 400_000).map(Decimal),
    "disabled": st.booleans(),
}
LINKS = {
    "household_id": st.sampled_from(["h1", "h2", "on no list", NONE, None]),
    "mother_id": st.sampled_from(["p1", "p2", "on no list", "also on no list", NONE, None]),
    "father_id": st.sampled_from(["p1", "p3", "on no list", NONE, None]),
    "spouse_id": st.sampled_from(["p1", "p2", "p3", "on no list", NONE, None]),
}


@st.composite
def villages(draw: st.DrawFn) -> Population:
    """A few persons who are related to each other, to persons on no list, and to nobody."""
    columns = draw(st.sets(st.sampled_from(sorted(LINKS))))
    persons = [
        Subject(
            "person",
            f"p{number}",
            {name: Known(draw(values)) for name, values in FACTS.items() if draw(st.integers(0, 4))},
            {name: draw(LINKS[name]) for name in sorted(columns)},
        )
        for number in range(draw(st.integers(1, 6)))
    ]
    households = [Subject("household", "h1", {"rent": Known(Decimal(30_000))}), Subject("household", "h2")]
    return Population(RULEBOOK.vocabulary.subjects, [*persons, *households[: draw(st.integers(0, 2))]])


@given(villages())
def test_both_evaluators_write_the_same_rows(village: Population) -> None:
    tables = tables_of(village, RULEBOOK.vocabulary)
    asked = {kind: table.height for kind, table in tables.items()}
    batch = pl.concat(batch_determinations(RULEBOOK, ON_DATE, tables, asked))
    reference = pl.concat(reference_determinations(RULEBOOK, ON_DATE, village, asked))
    key = ["benefit", "subject", "id"]
    assert batch.sort(key).to_dicts() == reference.sort(key).to_dicts()
    assert batch.schema == reference.schema == schema(2)


def answered(asked: dict[str, int] | None = None) -> pl.DataFrame:
    """Three persons and a household, answered."""
    persons = pl.DataFrame(
        {
            "id": ["old", "unsure", "young"],
            "household_id": ["h1", "h1", "h1"],
            "birth_date": [dt.date(1950, 1, 1), dt.date(1950, 1, 1), dt.date(1956, 3, 15)],
            "wage": [0, None, 0],
            "lives_in": pl.Series(["910000"] * 3, dtype=pl.Enum(["900000", "910000", "920000"])),
            "disabled": [False, None, False],
        }
    )
    tables = {"person": persons, "household": pl.DataFrame({"id": ["h1"], "rent": [10_000]})}
    return pl.concat(batch_determinations(RULEBOOK, ON_DATE, tables, asked or {"person": 3, "household": 1}))


def test_a_row_says_what_the_contract_names() -> None:
    rows = {(row["benefit"], row["id"]): row for row in answered().to_dicts()}
    assert rows["old_age_grant", "old"] == {
        "subject": "person", "id": "old", "benefit": "old_age_grant", "version": "2020-01-01", "outcome": "eligible",
        "amount": Decimal("100.50"), "amount_low": Decimal("100.50"), "amount_high": Decimal("100.50"),
        "per": "month", "unit": "CNY", "unmet": [], "missing": [], "next_change": None,
    }  # fmt: skip
    unsure = rows["old_age_grant", "unsure"]
    assert (unsure["outcome"], unsure["amount"], unsure["missing"]) == ("undetermined", None, ["wage", "disabled"])
    assert (unsure["amount_low"], unsure["amount_high"]) == (Decimal("0.00"), Decimal("201.00"))
    young = rows["old_age_grant", "young"]
    assert (young["unmet"], young["next_change"]) == (["old_enough"], dt.date(2026, 3, 15))
    assert rows["sibling_grant", "old"]["unit"] == "in_kind"
    assert rows["sibling_grant", "old"]["amount_low"] is None


def test_who_was_set_aside_counts_for_the_others_and_is_not_answered() -> None:
    rows = answered({"person": 1, "household": 1})
    assert rows.filter(pl.col("subject") == "person").get_column("id").unique().to_list() == ["old"]
    household = rows.filter(pl.col("subject") == "household").to_dicts()[0]
    assert household["missing"] == ["wage"]


def test_rows_become_determinations_again() -> None:
    rows = answered()
    assert [found.id for found in determinations_in(rows)] == rows.get_column("id").to_list()


@pytest.mark.parametrize("name", ["answers.parquet", "deeper/answers.csv"])
def test_a_file_holds_what_was_written(tmp_path: Path, name: str) -> None:
    rows = answered()
    path = tmp_path / name
    with DeterminationFile(path, schema(2)) as file:
        file.write(rows.head(2))
        file.write(rows.tail(-2))
        assert not path.exists()
    assert file.rows == rows.height
    if path.suffix == ".parquet":
        assert pl.read_parquet(path).equals(rows)
    else:
        assert path.read_text().splitlines()[:3] == [
            "subject,id,benefit,version,outcome,amount,amount_low,amount_high,per,unit,unmet,missing,next_change",
            "person,old,carer_help,2020-01-01,undetermined,,0.00,60.00,month,CNY,,disabled,",
            "person,unsure,carer_help,2020-01-01,undetermined,,0.00,60.00,month,CNY,,disabled,",
        ]


def test_a_file_that_is_not_finished_does_not_appear(tmp_path: Path) -> None:
    with pytest.raises(pl.exceptions.ColumnNotFoundError), DeterminationFile(tmp_path / "a.csv", schema(2)) as file:
        file.write(pl.DataFrame({"id": ["without the other columns"]}))
    assert list(tmp_path.iterdir()) == []


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputFileError, match=r"\.parquet or \.csv"):
        DeterminationFile(tmp_path / "answers.xlsx", schema(2))


def test_tables_and_populations_mean_the_same() -> None:
    tables = {"person": pl.DataFrame({"id": ["a"], "wage": [5], "household_id": ["h1"]})}
    again = tables_of(population_of(tables, RULEBOOK.vocabulary), RULEBOOK.vocabulary)
    assert again["person"].select("id", "wage", "household_id").equals(tables["person"])
