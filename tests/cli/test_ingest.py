"""`applyfree ingest`: what a data officer sees, and what serves on where a delivery is refused."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest

from features.facts.values import Gap, Known, Unknown
from features.history.history import History
from features.registers.contracts import Table
from features.registers.writing import as_written, write_delivery
from tests.cli.shell import Done, applyfree
from tests.registers_world import ATTESTED, china, contracts, rows_of, written

RESIDENTS = contracts().tables["public_security.residents"]
INSURED = contracts().tables["healthcare_security.insured"]
LATER = dt.date(2026, 3, 2)
DAY = dt.date(2026, 3, 5)
FOREVER = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("APPLYFREE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def _file(table: Table, cells: pl.DataFrame, folder: Path, day: dt.date = ATTESTED) -> Path:
    path = folder / table.file_name(day)
    write_delivery(table, cells, path)
    return path


def _history(home: Path) -> History:
    return History(home / "history", china(), contracts().views.values())


def _ingest(*arguments: str | Path) -> Done:
    return applyfree("ingest", *arguments)


def test_a_wrong_column_is_refused_and_yesterdays_data_still_serve(home: Path, tmp_path: Path) -> None:
    """Acceptance row 11."""
    assert _ingest("public_security", _file(RESIDENTS, written(RESIDENTS), tmp_path)).status == 0
    before = _history(home).as_of(DAY, FOREVER)["person"]
    wrong = written(RESIDENTS).rename({"出生日期": "出生日"})
    done = _ingest("public_security", _file(RESIDENTS, wrong, tmp_path, LATER))
    assert done.status == 1
    assert "公安机关" in done.err
    assert "公安_户籍人口_20260302.csv, row 1, column `出生日`" in done.err
    assert "what was loaded before still serves" in done.err
    assert _history(home).as_of(DAY, FOREVER)["person"].equals(before)


def test_the_same_delivery_is_taken_once(home: Path, tmp_path: Path) -> None:
    path = _file(RESIDENTS, written(RESIDENTS), tmp_path)
    assert "taken" in _ingest("public_security", path).out
    before = _history(home).as_of(DAY, FOREVER)["person"]
    again = _ingest("public_security", path)
    assert (again.status, "was there already" in again.out) == (0, True)
    assert _history(home).as_of(DAY, FOREVER)["person"].equals(before)


def test_a_refused_delivery_does_not_keep_the_others_out(home: Path, tmp_path: Path) -> None:
    good = _file(INSURED, written(INSURED), tmp_path)
    bad = _file(RESIDENTS, written(RESIDENTS).drop("性别"), tmp_path)
    done = _ingest("all", bad, good)
    assert done.status == 1
    assert "refused" in done.out
    assert "taken" in done.out
    assert set(_history(home).as_of(DAY, FOREVER)["person"].columns) >= set(INSURED.view.facts)


def test_a_row_set_aside_is_a_gap_with_its_reason(home: Path, tmp_path: Path) -> None:
    cells = written(RESIDENTS)
    cells = cells.with_columns(pl.when(pl.int_range(pl.len()) == 3).then(pl.lit("?")).otherwise("性别").alias("性别"))
    done = _ingest("public_security", _file(RESIDENTS, cells, tmp_path))
    assert done.status == 0
    assert "The value is none of the words agreed (1, 2)." in done.out
    held = _history(home).holdings("person", str(cells[RESIDENTS.key][3]), DAY, FOREVER)
    assert held["birth_date"] == Unknown(Gap.QUARANTINED)
    (quarantine,) = (home / "loads").glob("*.quarantine.csv")
    assert quarantine.read_text(encoding="utf-8").splitlines() == [
        "file,row,column,reason",
        '公安_户籍人口_20260301.csv,5,性别,"The value is none of the words agreed (1, 2)."',
    ]


def test_two_registers_that_disagree_leave_a_conflict(home: Path, tmp_path: Path) -> None:
    """Acceptance row 16: neither silently wins."""
    told = rows_of(RESIDENTS, 400).with_columns(pl.lit(dt.date(1960, 1, 1)).alias("birth_date"))
    other = rows_of(INSURED, 400).with_columns(pl.lit(dt.date(1960, 1, 1)).alias("birth_date"))
    other = other.with_columns(
        pl.when(pl.col("row") == 1).then(pl.lit(dt.date(1959, 1, 1))).otherwise("birth_date").alias("birth_date")
    )
    files = [
        _file(RESIDENTS, as_written(RESIDENTS, told, ATTESTED), tmp_path),
        _file(INSURED, as_written(INSURED, other, ATTESTED), tmp_path),
    ]
    assert _ingest("all", *files).status == 0
    history = _history(home)
    assert history.holdings("person", told["id"][0], DAY, FOREVER)["birth_date"] == Unknown(Gap.CONFLICTING)
    agreed = history.holdings("person", told["id"][1], DAY, FOREVER)["birth_date"]
    assert isinstance(agreed, Known)


def test_the_report_is_there_for_programs(home: Path, tmp_path: Path) -> None:
    _ingest("public_security", _file(RESIDENTS, written(RESIDENTS), tmp_path))
    (path,) = (home / "loads").glob("*.json")
    load = json.loads(path.read_text(encoding="utf-8"))
    assert load["outcome"] == "taken"
    assert load["report"]["read"] == 400
    assert load["history"]["new"] == 400
    births = next(column for column in load["report"]["columns"] if column["fact"] == "birth_date")
    assert births["known"] + births["empty"] == 400


def test_a_folder_is_loaded_by_the_days_of_its_files(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "registers"
    folder.mkdir()
    _file(RESIDENTS, written(RESIDENTS).head(399), folder, LATER)
    _file(RESIDENTS, written(RESIDENTS), folder)
    (folder / "readme.txt").write_text("not a delivery", encoding="utf-8")
    done = _ingest("public_security", folder)
    assert done.status == 0
    gone = str(written(RESIDENTS)[RESIDENTS.key][399])
    held = _history(home).holdings("person", gone, DAY, FOREVER)
    assert held["birth_date"] == Unknown(Gap.NOT_HELD)


def test_what_no_contract_knows_is_refused_by_name(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "公安_户籍人日_20260301.csv"
    path.write_text("x", encoding="utf-8")
    done = _ingest("public_security", path)
    assert (done.status, "No contract knows such a file." in done.err) == (1, True)
    done = _ingest("police", path)
    assert (done.status, "There is no contract with a register `police`." in done.err) == (2, True)
    done = _ingest("public_security", path, "--table", "births")
    assert (done.status, "There is no table `births`." in done.err) == (2, True)


def test_a_file_of_another_name_needs_its_table_and_day(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(_file(RESIDENTS, written(RESIDENTS), tmp_path).read_bytes())
    done = _ingest("public_security", path, "--table", "residents", "--attested-on", "2026-03-01")
    assert (done.status, "taken" in done.out) == (0, True)


def test_a_list_that_was_cut_off_is_refused_until_somebody_stands_by_it(home: Path, tmp_path: Path) -> None:
    assert _ingest("public_security", _file(RESIDENTS, written(RESIDENTS), tmp_path)).status == 0
    short = _file(RESIDENTS, written(RESIDENTS).head(300), tmp_path, LATER)
    done = _ingest("public_security", short)
    assert done.status == 1
    assert "It lists 300 subjects, the list before it 400: 75.0%" in done.err
    assert "--accept-short-lists" in done.err
    gone = str(written(RESIDENTS)[RESIDENTS.key][399])
    assert isinstance(_history(home).holdings("person", gone, DAY, FOREVER)["hukou_area"], Known)
    assert _ingest("public_security", short, "--accept-short-lists").status == 0
    assert _history(home).holdings("person", gone, DAY, FOREVER)["hukou_area"] == Unknown(Gap.NOT_HELD)
    assert "was there already" in _ingest("public_security", short).out
    nearly = _file(RESIDENTS, written(RESIDENTS).head(245), tmp_path, dt.date(2026, 3, 3))
    assert _ingest("public_security", nearly).status == 0


def test_one_bad_row_in_fifty_is_set_aside_and_does_not_refuse_the_rest(home: Path, tmp_path: Path) -> None:
    def delivered(bad: int, rows: int, day: dt.date) -> Done:
        cells = written(RESIDENTS).head(rows)
        wrong = pl.when(pl.int_range(pl.len()) < bad).then(pl.lit("?")).otherwise("性别").alias("性别")
        return _ingest("public_security", _file(RESIDENTS, cells.with_columns(wrong), tmp_path, day))

    assert delivered(1, 50, ATTESTED).status == 0
    assert delivered(2, 50, LATER).status == 0
    refused = delivered(3, 50, dt.date(2026, 3, 3))
    assert refused.status == 1
    assert "3 of 50 rows have mistakes (6.00%; the contract allows 0.50%, or 2 rows" in refused.err
    assert delivered(2, 3, dt.date(2026, 3, 4)).status == 1
