"""What a department writes by its contract is read back as the same rows, in every format it may come in."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.history.records import ROW
from features.registers.contracts import ENDINGS
from features.registers.intake import take_in
from features.registers.writing import write_delivery
from tests.registers_world import ATTESTED, LEARNED, china, contracts, rows_of, written

FILES = [(name, form) for name, table in contracts().tables.items() for form in table.formats if ENDINGS[form]]


@pytest.mark.parametrize(("name", "form"), FILES)
def test_every_table_comes_back_as_it_was(name: str, form: str, tmp_path: Path) -> None:
    table = contracts().tables[name]
    path = tmp_path / table.file_name(ATTESTED, form)
    write_delivery(table, written(table), path)
    intake = take_in(table, path, LEARNED, china())
    assert intake.quarantine.height == 0
    expected = rows_of(table, 400)
    assert_frame_equal(intake.rows.drop(ROW), expected.drop(ROW), check_column_order=False)
    first = 1 if form in ("parquet", "dci_json") else 2
    assert intake.rows[ROW].to_list() == list(range(first, first + expected.height))
    assert (intake.report.read, intake.report.stated, intake.report.set_aside) == (400, 400, 0)
    assert intake.batch.attested_on == ATTESTED


def test_typed_columns_of_parquet_say_the_same_as_text(tmp_path: Path) -> None:
    table = contracts().tables["human_resources_social_security.insurance"]
    rows = rows_of(table, 300)
    text = written(table, 300)
    headers = {column.fact.id: column.header for column in table.columns}
    typed = text.with_columns(
        rows["insured_and_paying"].alias(headers["insured_and_paying"]),
        (rows["average_insured_wage_12_months"].cast(pl.Decimal(20, 2)) / 100)
        .cast(pl.Decimal(20, 2))
        .alias(headers["average_insured_wage_12_months"]),
        rows["true_from"].alias(table.true_from or ""),
    )
    path = tmp_path / table.file_name(ATTESTED)
    typed.write_parquet(path)
    intake = take_in(table, path, LEARNED, china())
    assert intake.quarantine.height == 0
    assert_frame_equal(intake.rows.drop(ROW), rows.drop(ROW), check_column_order=False)


def test_the_same_content_has_the_same_hash_under_another_name(tmp_path: Path) -> None:
    table = contracts().tables["justice.persons"]
    paths = [tmp_path / "a" / table.file_name(ATTESTED), tmp_path / "b" / table.file_name(ATTESTED)]
    for path in paths:
        path.parent.mkdir()
        write_delivery(table, written(table), path)
    first, second = (take_in(table, path, LEARNED, china()) for path in paths)
    assert first.batch.content_hash == second.batch.content_hash
    write_delivery(table, written(table).head(399), paths[1])
    assert take_in(table, paths[1], LEARNED, china()).batch.content_hash != first.batch.content_hash
