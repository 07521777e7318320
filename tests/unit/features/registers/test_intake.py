"""A bad row is set aside with its reason and the rest goes on; a delivery that cannot be trusted is refused whole."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from features.facts.encoding import ID
from features.history.records import QUARANTINED, ROW, STATUS, TRUE_FROM, WITHDRAWN
from features.registers.contracts import Table
from features.registers.errors import LoadRefusedError
from features.registers.intake import Intake, take_in
from features.registers.workbook_writing import write_workbook
from tests.registers_world import ATTESTED, LEARNED, china, contracts, written

RESIDENTS = contracts().tables["public_security.residents"]
LOANS = contracts().tables["education.loans"]
ACCOUNTS = contracts().tables["housing_provident_fund.accounts"]
INSURANCE = contracts().tables["human_resources_social_security.insurance"]
VITAL = contracts().tables["health.vital_status"]


def _csv(table: Table, folder: Path, cells: pl.DataFrame, encoding: str | None = None) -> Path:
    path = folder / table.file_name(ATTESTED, "csv")
    path.write_bytes(cells.write_csv().encode(encoding or table.encoding))
    return path


def _with_cell(cells: pl.DataFrame, row: int, header: str, cell: str | None) -> pl.DataFrame:
    at = pl.int_range(pl.len()) == row
    return cells.with_columns(pl.when(at).then(pl.lit(cell, dtype=pl.String)).otherwise(pl.col(header)).alias(header))


def _taken(table: Table, path: Path) -> Intake:
    return take_in(table, path, LEARNED, china())


def _refusal(table: Table, path: Path) -> str:
    with pytest.raises(LoadRefusedError) as refused:
        take_in(table, path, LEARNED, china())
    text = str(refused.value)
    assert table.register.owner.zh in text
    assert "what was loaded before still serves" in text
    return text


BAD_CELLS = [
    (RESIDENTS, "出生日期", "20230229",
     "The value is not a day of the calendar from 1850 to 2149, written like YYYYMMDD."),
    (RESIDENTS, "出生日期", "1990-01-01",
     "The value is not a day of the calendar from 1850 to 2149, written like YYYYMMDD."),
    (RESIDENTS, "出生日期", "18491231",
     "The value is not a day of the calendar from 1850 to 2149, written like YYYYMMDD."),
    (RESIDENTS, "性别", "3", "The value is none of the words agreed (1, 2)."),
    (RESIDENTS, "户籍地行政区划代码", "999999", "The value is not the code of a known area."),
    (RESIDENTS, "户籍性质", "灞呮皯", "The text is garbled (saved in one encoding, read in another)."),
    (RESIDENTS, "生效日期", None, "The day from which it holds is missing."),
    (RESIDENTS, "失效日期", "19000101", "It ends before it begins."),
    (RESIDENTS, "记录状态", "正常", "The value is neither 有效 nor 撤销."),
    (ACCOUNTS, "账户余额", "1e308", "The value is not a number."),
    (ACCOUNTS, "账户余额", "NaN", "The value is not a number."),
    (ACCOUNTS, "账户余额", "12.34", "The value is not a whole number."),
    (ACCOUNTS, "账户余额", "9" * 15, "The value is above the largest possible value (1000000000000)."),
    (ACCOUNTS, "足额缴存月份", "2024-13", "The value is not a set of months, written like 2024-01..2024-06;2024-09."),
    (INSURANCE, "前十二个月平均缴费工资", "5000.005", "The value has more than 2 decimals."),
    (INSURANCE, "正常参保缴费", "也许", "The value is neither 是 nor 否."),
    (INSURANCE, "参保地行政区划代码", "x" * 10_000_000, "The cell holds more than 4,000 characters."),
]  # fmt: skip


@pytest.mark.parametrize(("table", "header", "cell", "reason"), BAD_CELLS)
def test_a_bad_cell_sets_its_row_aside_and_the_rest_goes_on(
    table: Table, header: str, cell: str | None, reason: str, tmp_path: Path
) -> None:
    cells = _with_cell(written(table), 16, header, cell)
    intake = _taken(table, _csv(table, tmp_path, cells))
    path = table.file_name(ATTESTED, "csv")
    assert intake.quarantine.rows() == [(path, 18, header, reason)]
    (subject,) = intake.rows.filter(pl.col(STATUS) == QUARANTINED).rows(named=True)
    assert (subject[ID], subject[ROW]) == (cells[table.key][16], 18)
    links = china().subjects.links
    assert all(subject[fact] is None for fact in table.view.facts if fact not in links)
    assert intake.rows.height == cells.height
    assert intake.report.set_aside == 1
    assert intake.report.stated == cells.height - 1


def test_the_quarantine_never_repeats_a_value(tmp_path: Path) -> None:
    secret = "19560315某某某"
    cells = _with_cell(written(RESIDENTS), 3, "出生日期", secret)
    intake = _taken(RESIDENTS, _csv(RESIDENTS, tmp_path, cells))
    assert secret not in intake.quarantine.write_csv()
    assert secret not in str(intake.report.as_json())


def test_a_subject_set_aside_stays_in_its_household(tmp_path: Path) -> None:
    cells = _with_cell(written(RESIDENTS), 5, "性别", "?")
    cells = _with_cell(cells, 5, "母亲公民身份号码", "p-mother")
    rows = _taken(RESIDENTS, _csv(RESIDENTS, tmp_path, cells)).rows
    assert rows.filter(pl.col(STATUS) == QUARANTINED)["mother_id"].to_list() == ["p-mother"]


def test_ids_are_tidied_and_never_guessed(tmp_path: Path) -> None:
    cells = written(LOANS)
    for row, id_ in enumerate(["11010119900101１２３x", " 440106 19900101 1234 ", "４４０１", None, "none", "4.4E+17"]):
        cells = _with_cell(cells, row, LOANS.key, id_)
    refusal = _refusal(LOANS, _csv(LOANS, tmp_path, cells))
    assert "The id is missing. (1 rows)" in refusal
    good = _with_cell(_with_cell(_with_cell(cells, 3, LOANS.key, "a"), 4, LOANS.key, "b"), 5, LOANS.key, "c")
    intake = _taken(LOANS, _csv(LOANS, tmp_path, good))
    assert intake.rows[ID].to_list()[:4] == ["11010119900101123X", "440106199001011234", "4401", "a"]
    assert intake.report.tidied == 3


def test_a_row_without_an_id_belongs_to_nobody(tmp_path: Path) -> None:
    intake = _taken(LOANS, _csv(LOANS, tmp_path, _with_cell(written(LOANS), 7, LOANS.key, None)))
    assert intake.rows.filter(pl.col(STATUS) == QUARANTINED).height == 0
    assert (intake.report.set_aside, intake.report.nameless) == (1, 1)


def test_a_row_that_says_the_same_twice_is_taken_once(tmp_path: Path) -> None:
    cells = written(LOANS)
    intake = _taken(LOANS, _csv(LOANS, tmp_path, pl.concat([cells, cells])))
    assert (intake.report.repeated, intake.report.set_aside) == (400, 0)
    assert intake.rows.height == 400


def test_rows_that_disagree_are_both_set_aside(tmp_path: Path) -> None:
    cells = _with_cell(written(LOANS), 0, "曾获助学贷款", "是")
    other = _with_cell(cells.head(1), 0, "曾获助学贷款", "否")
    intake = _taken(LOANS, _csv(LOANS, tmp_path, pl.concat([cells, other])))
    assert intake.quarantine["row"].to_list() == [2, 402]
    assert intake.rows.filter(pl.col(ID) == cells[LOANS.key][0])[STATUS].to_list() == [QUARANTINED]


def test_a_good_row_beside_an_unreadable_one_of_the_same_day_is_no_ground(tmp_path: Path) -> None:
    cells = written(LOANS)
    other = _with_cell(cells.head(1), 0, "曾获助学贷款", "?")
    intake = _taken(LOANS, _csv(LOANS, tmp_path, pl.concat([cells, other])))
    assert intake.quarantine["row"].to_list() == [2, 402]
    assert intake.rows.filter(pl.col(ID) == cells[LOANS.key][0])[STATUS].to_list() == [QUARANTINED]


def test_what_is_taken_back_needs_no_values(tmp_path: Path) -> None:
    cells = _with_cell(_with_cell(written(RESIDENTS), 9, "记录状态", "撤销"), 9, "出生日期", "not read")
    intake = _taken(RESIDENTS, _csv(RESIDENTS, tmp_path, cells))
    (row,) = intake.rows.filter(pl.col(STATUS) == WITHDRAWN).rows(named=True)
    assert row["birth_date"] is None
    assert row["sex"] is None
    assert (intake.report.withdrawn, intake.report.set_aside) == (1, 0)


# -- files as departments save them ------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["\r\n", "\r", "mixed"])
def test_lines_may_end_as_they_like(ending: str, tmp_path: Path) -> None:
    lines = written(VITAL).write_csv().splitlines()
    marks = ["\n", "\r\n", "\r"] if ending == "mixed" else [ending]
    text = "".join(line + marks[number % len(marks)] for number, line in enumerate(lines))
    path = tmp_path / VITAL.file_name(ATTESTED)
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    intake = _taken(VITAL, path)
    assert (intake.rows.height, intake.quarantine.height) == (400, 0)


def test_quotes_blank_lines_and_columns_that_are_not_read(tmp_path: Path) -> None:
    cells = written(VITAL).with_columns(pl.lit('张"三",\n李四').alias("姓名"))
    text = cells.write_csv(quote_style="always").replace('\n"', '\n\n"', 2) + "\n,,,,,\n\n"
    path = tmp_path / VITAL.file_name(ATTESTED)
    path.write_text(text, encoding="utf-8")
    intake = _taken(VITAL, path)
    assert (intake.rows.height, intake.quarantine.height, intake.report.read) == (400, 0, 400)


def test_a_row_with_other_cells_than_the_header_is_set_aside_under_its_subject(tmp_path: Path) -> None:
    lines = written(VITAL).write_csv().splitlines()
    lines[20] += ",,extra"
    lines[21] = lines[21].split(",")[0]
    path = tmp_path / VITAL.file_name(ATTESTED)
    path.write_text("\n".join(lines), encoding="utf-8")
    intake = _taken(VITAL, path)
    assert intake.quarantine["row"].to_list() == [21, 22]
    assert intake.quarantine["reason"][0] == "The row has 8 cells, the header 6."
    quarantined = intake.rows.filter(pl.col(STATUS) == QUARANTINED)
    assert quarantined[ID].to_list() == [line.split(",")[0] for line in lines[20:22]]
    assert quarantined[TRUE_FROM].to_list() == [ATTESTED] * 2
    assert intake.rows[ROW].to_list() == list(range(2, 402))


def test_a_single_bad_byte_costs_a_single_row(tmp_path: Path) -> None:
    for table in (VITAL, RESIDENTS):
        path = _csv(table, tmp_path, written(table))
        lines = path.read_bytes().split(b"\n")
        at = lines[30].index(b",") + 1
        lines[30] = lines[30][:at] + b"\xff" + lines[30][at:]
        path.write_bytes(b"\n".join(lines))
        intake = _taken(table, path)
        assert intake.quarantine["row"].to_list() == [31]
        assert "garbled" in intake.quarantine["reason"][0]


def test_the_wrong_encoding_refuses_the_load(tmp_path: Path) -> None:
    refusal = _refusal(VITAL, _csv(VITAL, tmp_path, written(VITAL), "gb18030"))
    assert "row 1: The contract says utf-8; the file seems to be gb18030. Save it as utf-8." in refusal
    refusal = _refusal(RESIDENTS, _csv(RESIDENTS, tmp_path, written(RESIDENTS), "utf-8"))
    assert "The contract says gb18030; the file seems to be utf-8." in refusal
    assert "UTF-16" in _refusal(VITAL, _csv(VITAL, tmp_path, written(VITAL), "utf-16"))


def test_a_garbled_header_is_recognised(tmp_path: Path) -> None:
    cells = written(VITAL)
    garbled = {name: name.encode().decode("gb18030", "replace") for name in cells.columns}
    text = cells.rename(garbled).write_csv()
    path = tmp_path / VITAL.file_name(ATTESTED)
    path.write_text(text, encoding="utf-8")
    assert "is garbled" in _refusal(VITAL, path)


def test_a_quote_that_hides_rows_refuses_the_load(tmp_path: Path) -> None:
    lines = written(VITAL).write_csv().splitlines()
    lines[10] = lines[10].replace(",", ',"', 1)
    lines[15] = lines[15] + '"'
    path = tmp_path / VITAL.file_name(ATTESTED)
    path.write_text("\n".join(lines), encoding="utf-8")
    _refusal(VITAL, path)


def test_a_quote_that_is_never_closed_refuses_the_load(tmp_path: Path) -> None:
    lines = written(VITAL).write_csv().splitlines()
    lines[390] = lines[390].replace(",", ',"', 1)
    path = tmp_path / VITAL.file_name(ATTESTED)
    path.write_text("\n".join(lines), encoding="utf-8")
    _refusal(VITAL, path)


def test_identity_numbers_that_a_spreadsheet_has_cut_are_not_guessed(tmp_path: Path) -> None:
    table = contracts().tables["disabled_persons_federation.only_child_families"]
    cells = written(table)
    rows: list[list[str | int | None]] = [list(cells.columns), *(list(row) for row in cells.rows())]
    rows[8][0] = 440106199001011234
    path = tmp_path / table.file_name(ATTESTED)
    write_workbook(path, rows)
    intake = _taken(table, path)
    assert intake.quarantine["row"].to_list() == [9]
    assert "Excel has cut its end" in intake.quarantine["reason"][0]
    assert intake.rows.height == 399


def test_identity_numbers_of_digits_alone_are_text_if_they_were_typed_so(tmp_path: Path) -> None:
    table = contracts().tables["disabled_persons_federation.only_child_families"]
    cells = written(table)
    header = table.key
    ids = [f"44010619900101{number:04d}" for number in range(cells.height)]
    path = tmp_path / table.file_name(ATTESTED)
    cells = cells.with_columns(pl.Series(header, ids))
    write_workbook(path, [list(cells.columns), *(list(row) for row in cells.rows())])
    intake = _taken(table, path)
    assert intake.quarantine.height == 0
    assert sorted(intake.rows["id"]) == ids


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_a_wrong_column_names_department_column_and_row(tmp_path: Path) -> None:
    cells = written(RESIDENTS).rename({"出生日期": "出生日"})
    refusal = _refusal(RESIDENTS, _csv(RESIDENTS, tmp_path, cells))
    name = RESIDENTS.file_name(ATTESTED)
    assert (
        f"{name} was refused. It comes from 公安机关 (public security authority), table `public_security.res" in refusal
    )
    assert f"{name}, row 1, column `出生日`: The contract knows no such column. Did you mean `出生日期`?" in refusal
    assert f"{name}, row 1, column `出生日期`: The column is missing." in refusal


def test_a_file_without_headers_is_refused_and_its_first_person_not_named(tmp_path: Path) -> None:
    path = tmp_path / RESIDENTS.file_name(ATTESTED)
    path.write_bytes("11010119560315123X,19560315,1,1\n".encode(RESIDENTS.encoding) * 300)
    refusal = _refusal(RESIDENTS, path)
    assert "The first row names none of the columns agreed (`公民身份号码`, `出生日期`" in refusal
    assert "19560315" not in refusal


def test_a_forbidden_column_is_refused_with_its_article(tmp_path: Path) -> None:
    cells = written(RESIDENTS).with_columns(pl.lit("汉").alias("民族"))
    refusal = _refusal(RESIDENTS, _csv(RESIDENTS, tmp_path, cells))
    assert "column `民族`: This is a forbidden input: ethnicity (Constitution of the PRC, art. 4)." in refusal


def test_more_bad_rows_than_the_contract_allows_refuse_the_load(tmp_path: Path) -> None:
    cells = written(VITAL)
    for row in (0, 1):
        cells = _with_cell(cells, row, "已死亡", "?")
    intake = _taken(VITAL, _csv(VITAL, tmp_path, cells))
    assert intake.report.set_aside == 2
    with pytest.raises(LoadRefusedError, match=r"3 of 400 rows have mistakes \(0.75%; the contract allows 0.50%") as e:
        _taken(VITAL, _csv(VITAL, tmp_path, _with_cell(cells, 2, "已死亡", "?")))
    assert e.value.quarantine is not None
    assert e.value.quarantine["row"].to_list() == [2, 3, 4]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00" * 100, b"PAR1", b"\xff\xfe"])
def test_what_is_no_file_is_refused(content: bytes, tmp_path: Path) -> None:
    for table in contracts().tables.values():
        for form in table.formats:
            if form != "postgres":
                path = tmp_path / table.file_name(ATTESTED, form)
                path.write_bytes(content)
                _refusal(table, path)


def test_a_list_of_everybody_that_lists_nobody_is_refused(tmp_path: Path) -> None:
    assert "lists nobody" in _refusal(VITAL, _csv(VITAL, tmp_path, written(VITAL).clear()))


def test_a_day_that_has_not_come_is_refused(tmp_path: Path) -> None:
    path = tmp_path / VITAL.file_name(dt.date(2026, 3, 4))
    written(VITAL).write_csv(path)
    assert "a day that has not come" in _refusal(VITAL, path)


def test_a_column_of_the_wrong_type_is_refused(tmp_path: Path) -> None:
    path = tmp_path / INSURANCE.file_name(ATTESTED)
    written(INSURANCE).with_columns(pl.lit(1.5).alias("参保地行政区划代码")).write_parquet(path)
    assert "column `参保地行政区划代码`: The column holds Float64" in _refusal(INSURANCE, path)


def test_floats_that_are_no_money_are_set_aside(tmp_path: Path) -> None:
    header = "前十二个月平均缴费工资"
    wages = pl.Series([4000.5] * 398 + [float("nan"), 1e308])
    path = tmp_path / INSURANCE.file_name(ATTESTED)
    written(INSURANCE).with_columns(wages.alias(header)).write_parquet(path)
    intake = _taken(INSURANCE, path)
    assert intake.quarantine["row"].to_list() == [399, 400]
    assert intake.rows["average_insured_wage_12_months"][0] == 400_050
