"""F14: malformed records (bad bytes, GBK, huge fields, NaN, 1e308, wrong types, missing ids).

A row is set aside with its reason and the others go on; nothing crashes; more than half a percent stops the delivery.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.facts.encoding import ID
from features.history.records import QUARANTINED, ROW, STATUS
from features.registers.contracts import DEFAULT_LIMIT_ROWS, ENDINGS, Table
from features.registers.errors import LoadRefusedError
from features.registers.intake import Intake, take_in
from features.registers.writing import notification, write_delivery
from tests.registers_world import ATTESTED, LEARNED, china, contracts, rows_of, written

ROWS = 400
TABLES = [contracts().tables[name] for name in (
    "public_security.residents", "housing_provident_fund.accounts", "health.maternity", "tax.annual_returns",
    "human_resources_social_security.insurance", "healthcare_security.insured",
)]  # fmt: skip
WITH_FORMS = [(table, form) for table in TABLES for form in table.formats if ENDINGS[form]]
NASTY = st.one_of(
    st.sampled_from([
        "NaN", "inf", "-inf", "1e308", "1E400", "-0", "0x10", "9" * 400, "null", "None", "true", "١٢٣", "１２３",
        "2023-02-29", "20230229", "00000000", "99991231", "2024-01-01T00:00:00Z", "=1+1", "'; DROP TABLE x; --",
        "\u202e", "\u200b", "\x00", "\x1a", "\ufeff", "\ufffd", "none", "鏄�", "ä¸­", "a" * 70_000, "😀" * 40,
    ]),
    st.text(max_size=30),
    st.floats().map(repr),
    st.integers().map(str),
)  # fmt: skip


def _take(table: Table, path: Path) -> Intake | None:
    """What was taken; None where the delivery was refused. Anything else would be a crash."""
    try:
        return take_in(table, path, LEARNED, china())
    except LoadRefusedError:
        return None


def _written_with(table: Table, form: str, changes: dict[tuple[int, str], str | None], folder: Path) -> Path:
    cells = written(table, ROWS)
    at = pl.int_range(pl.len())
    for (row, header), cell in changes.items():
        changed = pl.when(at == row).then(pl.lit(cell, dtype=pl.String)).otherwise(pl.col(header))
        cells = cells.with_columns(changed.alias(header))
    path = folder / table.file_name(ATTESTED, form)
    if form == "csv":
        path.write_bytes(cells.write_csv(quote_style="always").encode(table.encoding, "replace"))
    else:
        write_delivery(table, cells, path)
    return path


@pytest.mark.searched
@given(data=st.data())
def test_two_bad_rows_of_four_hundred_cost_no_other(data: st.DataObject) -> None:
    forms = [(table, form) for table, form in WITH_FORMS if form != "xlsx"]
    table, form = data.draw(st.sampled_from(forms))
    places = st.tuples(st.sampled_from([7, 211]), st.sampled_from(table.headers))
    changes = data.draw(st.dictionaries(places, st.one_of(st.none(), NASTY), min_size=1, max_size=6))
    with tempfile.TemporaryDirectory() as folder:
        intake = _take(table, _written_with(table, form, changes, Path(folder)))
    expected = rows_of(table, ROWS)
    touched = {expected[ID][row] for row, _ in changes}
    assert intake is not None
    first = 1 if form in ("parquet", "dci_json") else 2
    others = [first + row for row in range(ROWS) if row not in (7, 211)]
    assert_frame_equal(
        intake.rows.filter(pl.col(ROW).is_in(others)).drop(ROW),
        expected.filter(~pl.col(ROW).is_in([8, 212])).drop(ROW),
        check_column_order=False,
    )
    assert set(intake.quarantine["row"]) <= {first + 7, first + 211}
    facts = [fact for fact in table.view.facts if fact not in china().subjects.links]
    for row in intake.rows.filter(pl.col(STATUS) == QUARANTINED).rows(named=True):
        assert all(row[fact] is None for fact in facts)
    assert intake.report.set_aside == intake.quarantine["row"].n_unique()
    assert touched


@pytest.mark.searched
@given(content=st.binary(max_size=2_000), which=st.sampled_from(WITH_FORMS))
def test_random_bytes_are_refused_or_set_aside_and_never_crash(content: bytes, which: tuple[Table, str]) -> None:
    table, form = which
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / table.file_name(ATTESTED, form)
        path.write_bytes(content)
        intake = _take(table, path)
    assert intake is None or intake.report.stated == 0


@pytest.mark.searched
@given(data=st.data())
def test_a_file_with_flipped_bytes_never_crashes(data: st.DataObject) -> None:
    table, form = data.draw(st.sampled_from(WITH_FORMS))
    with tempfile.TemporaryDirectory() as folder:
        path = _written_with(table, form, {}, Path(folder))
        raw = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 8))):
            at = data.draw(st.integers(0, len(raw) - 1))
            raw[at] = data.draw(st.integers(0, 255))
        path.write_bytes(raw)
        intake = _take(table, path)
    if intake is not None:
        assert intake.report.read <= ROWS + 8
        # Two rows are few, whatever their share: a newline that is no longer one leaves 399 rows.
        assert intake.report.set_aside <= max(intake.report.read * 0.005, DEFAULT_LIMIT_ROWS)


@pytest.mark.parametrize("byte", [0, 1, 2, 3, 7, 0x7F, 0x80, 0xFF])
def test_no_wrong_byte_of_a_parquet_file_ends_the_program(byte: int, tmp_path: Path) -> None:
    """Page headers of the first pages among them: a wrong length there must be an error, not the end of the process."""
    table = contracts().tables["housing_provident_fund.accounts"]
    path = tmp_path / table.file_name(ATTESTED, "parquet")
    written(table, 4).write_parquet(path, compression="uncompressed", statistics=False)
    raw = path.read_bytes()
    for at in range(4, 200):
        path.write_bytes(raw[:at] + bytes([byte]) + raw[at + 1 :])
        _take(table, path)


@pytest.mark.searched
@given(data=st.data())
def test_a_file_that_breaks_off_never_passes_for_whole(data: st.DataObject) -> None:
    table = contracts().tables["tax.annual_returns"]
    with tempfile.TemporaryDirectory() as folder:
        path = _written_with(table, "csv", {}, Path(folder))
        raw = path.read_bytes()
        path.write_bytes(raw[: data.draw(st.integers(0, len(raw) - 1))])
        intake = _take(table, path)
    if intake is not None:
        assert intake.report.read <= ROWS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.searched
@given(record=JSON, message=JSON)
def test_messages_of_any_shape_never_crash(record: object, message: object) -> None:
    table = contracts().tables["health.maternity"]
    whole = notification(table, written(table, ROWS), "m-1", LEARNED)
    again = notification(table, written(table, 1), "m-2", LEARNED)
    again["message"]["notify_event"][0]["data"]["reg_records"] = [record]  # type: ignore[index]
    lines = [json.dumps(each) for each in (whole, again, message)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / table.file_name(ATTESTED, "dci_json")
        path.write_text("\n".join(lines), encoding="utf-8")
        intake = _take(table, path)
    if intake is not None:
        assert intake.report.stated >= ROWS - 1


@pytest.mark.parametrize("form", ["csv", "parquet", "dci_json"])
def test_a_field_of_ten_megabytes_costs_its_row_alone(form: str, tmp_path: Path) -> None:
    table = next(table for table, known in WITH_FORMS if known == form)
    fact_columns = [column for column in table.headers if column != table.headers[0]]
    intake = _take(table, _written_with(table, form, {(7, fact_columns[0]): "贫" * 10_000_000}, tmp_path))
    assert intake is not None
    assert (intake.report.stated, intake.report.set_aside) == (ROWS - 1, 1)
    assert (intake.quarantine["reason"].str.len_chars() < 300).all(), "what is told of it does not repeat it"


def test_a_message_nested_beyond_reason_is_set_aside(tmp_path: Path) -> None:
    table = contracts().tables["health.maternity"]
    path = tmp_path / table.file_name(ATTESTED, "dci_json")
    whole = json.dumps(notification(table, written(table, ROWS), "m-1", LEARNED))
    path.write_text(whole + "\n" + "[" * 200_000 + "\n", encoding="utf-8")
    intake = take_in(table, path, LEARNED, china())
    assert intake.quarantine["reason"].to_list() == ["The message is not valid JSON."]
    assert intake.report.stated == ROWS


@pytest.mark.parametrize("bad", [2, 3])
def test_more_than_half_a_percent_stops_the_delivery(bad: int, tmp_path: Path) -> None:
    table = contracts().tables["tax.annual_returns"]
    changes: dict[tuple[int, str], str | None] = {(row, "企业划型"): "?" for row in range(bad)}
    intake = _take(table, _written_with(table, "csv", changes, tmp_path))
    assert (intake is None) == (bad > ROWS * 0.005)
