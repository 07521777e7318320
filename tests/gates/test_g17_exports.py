"""Gate 17: no cell of an export is a formula, numbers stay numbers, and no fact of the highest class is in one."""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import re
import zipfile
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal

import fastexcel
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.documents import Findings
from features.facts.dictionary import Dictionary, Fact
from features.facts.vocabulary import load_vocabulary
from serving.security.errors import SensitiveExportError
from serving.security.exports import ExportColumn, Value, neutralised, write_csv, write_xlsx

DANGEROUS = [
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "\0",
    "|",
    "%",
    "＝",
    "＋",
    "－",
    "＠",
    "﹦",
    "﹢",
    "﹣",
    "﹫",
    "\u2212",
]
HIDDEN_BEFORE = ["", " ", "\u3000", "\ufeff", "\u200b", "\xa0", "\x01", "\u202e", "\x0b"]
ATTACKS = [
    hidden + first + rest
    for hidden, first, rest in itertools.product(
        HIDDEN_BEFORE, DANGEROUS, ["1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://x";"y")', "SUM(1)", ""]
    )
] + ["a;=1+1", "a\t=1+1", "a\r\n=1+1", 'a";=1+1;"', "x\n\n@SUM(1)", "a;\u3000＝1", "a;;-1;+1"]
HARMLESS = ["张三", "a=b", "3-1", "e@mail", "", " ", "'", "'=1", '"', "a,b", "1;2", "甲\n乙", "<b>&amp;</b>", "100%"]
NUMBERS: list[int | float | Decimal] = [
    0,
    1,
    -1,
    -12_345,
    10**14,
    Decimal("-0.01"),
    Decimal("1234567890.12"),
    0.25,
    -1.5,
]
STARTS = {
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "\0",
    "|",
    "%",
    "＝",
    "＋",
    "－",
    "＠",
    "﹦",
    "﹢",
    "﹣",
    "﹫",
    "\u2212",
}


@cache
def dictionaries() -> dict[str, Dictionary]:
    """The dictionaries that ship."""
    return {name: load_vocabulary(name, Findings()).dictionary for name in ("cn", "us")}


@pytest.fixture(scope="module")
def facts() -> Dictionary:
    return dictionaries()["cn"]


def read_csv(path: Path, delimiter: str = ",", quoting: Literal[0, 3] = csv.QUOTE_MINIMAL) -> list[list[str]]:
    text = path.read_bytes().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting))


def is_formula(cell: str) -> bool:
    """The oracle, on its own: the first character that a program looks at starts a formula."""
    return cell[:1] in STARTS or re.sub(r"^[\s\u200b\ufeff\u202e\x00-\x1f\ufffd]+", "", cell)[:1] in STARTS


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_NONE])
def test_no_cell_of_a_csv_is_a_formula(
    tmp_path: Path, facts: Dictionary, delimiter: str, quoting: Literal[0, 3]
) -> None:
    path = tmp_path / "export.csv"
    write_csv(path, [ExportColumn("=1+1"), ExportColumn("其他")], [(text, "x") for text in ATTACKS], facts)
    rows = read_csv(path, delimiter, quoting)
    assert [cell for row in rows for cell in row if is_formula(cell.lstrip('"'))] == []
    if delimiter == "," and quoting == csv.QUOTE_MINIMAL:
        assert len(rows) == len(ATTACKS) + 1
        assert [row[1] for row in rows[1:]] == ["x"] * len(ATTACKS)


def test_no_cell_of_a_workbook_is_a_formula(tmp_path: Path, facts: Dictionary) -> None:
    path = tmp_path / "export.xlsx"
    write_xlsx(path, [ExportColumn("=1+1"), ExportColumn("other")], [(text, "x") for text in ATTACKS], facts)
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert not re.search(r"<f[ >/]", sheet)
    assert (
        len(re.findall(r"<c [^>]*>", sheet)) == len(re.findall(r'<c [^>]*t="inlineStr"', sheet)) == 2 * len(ATTACKS) + 2
    )
    cells = pl.read_excel(path, engine="calamine", has_header=False, infer_schema_length=0)
    assert cells.height == len(ATTACKS) + 1
    assert [cell for row in cells.rows() for cell in row if is_formula(cell)] == []


def test_harmless_text_is_read_back_as_it_was(tmp_path: Path, facts: Dictionary) -> None:
    columns = [ExportColumn("a"), ExportColumn("b")]
    rows = [(text, "x") for text in HARMLESS]
    write_csv(tmp_path / "export.csv", columns, rows, facts)
    assert read_csv(tmp_path / "export.csv") == [["a", "b"], *map(list, rows)]
    write_xlsx(tmp_path / "export.xlsx", columns, rows, facts)
    cells = pl.read_excel(tmp_path / "export.xlsx", engine="calamine", has_header=False, infer_schema_length=0)
    assert [(row[0] or "", row[1]) for row in cells.rows()[1:]] == rows


def test_numbers_stay_numbers(tmp_path: Path, facts: Dictionary) -> None:
    columns = [ExportColumn("amount")]
    write_csv(tmp_path / "export.csv", columns, [(n,) for n in NUMBERS], facts)
    assert [Decimal(cell) for (cell,) in read_csv(tmp_path / "export.csv")[1:]] == [Decimal(str(n)) for n in NUMBERS]
    write_xlsx(tmp_path / "export.xlsx", columns, [(n,) for n in NUMBERS], facts)
    column = fastexcel.read_excel(tmp_path / "export.xlsx").load_sheet(0).to_polars()["amount"]
    assert column.dtype.is_numeric()
    assert column.to_list() == [float(n) for n in NUMBERS]


def test_a_number_longer_than_a_spreadsheet_keeps_loses_no_digit(tmp_path: Path, facts: Dictionary) -> None:
    identity = 440101199001011234
    write_xlsx(tmp_path / "export.xlsx", [ExportColumn("n")], [(identity,), (-identity,)], facts)
    cells = pl.read_excel(tmp_path / "export.xlsx", engine="calamine", infer_schema_length=0)
    assert cells["n"].to_list() == [str(identity), f"-{identity}"]


def test_dates_flags_and_gaps(tmp_path: Path, facts: Dictionary) -> None:
    row: tuple[Value, ...] = (dt.date(2026, 3, 1), True, None)
    write_csv(tmp_path / "export.csv", [ExportColumn(name) for name in "abc"], [row], facts)
    assert read_csv(tmp_path / "export.csv")[1] == ["2026-03-01", "true", ""]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), Decimal("NaN")])
def test_what_is_no_number_is_refused(tmp_path: Path, facts: Dictionary, bad: Decimal) -> None:
    with pytest.raises(ValueError, match="not finite"):
        write_csv(tmp_path / "export.csv", [ExportColumn("a")], [(bad,)], facts)


def test_a_row_of_another_width_is_refused(tmp_path: Path, facts: Dictionary) -> None:
    with pytest.raises(ValueError, match="Row 1 of the export has 2 cells under 1 headers"):
        write_csv(tmp_path / "export.csv", [ExportColumn("a")], [("x", "y")], facts)


@given(st.text(st.one_of(st.characters(), st.sampled_from([*DANGEROUS, *";\t\r\n\"' "]))))
def test_no_text_at_all_becomes_a_formula(text: str) -> None:
    made = neutralised(text)
    for part in re.split("[;\t\r\n]", made):
        assert not is_formula(part)
    assert not is_formula(made)
    assert neutralised(made).replace("'", "") == made.replace("'", "")


def highest() -> list[Fact]:
    return [fact for one in dictionaries().values() for fact in one.facts.values() if fact.sensitivity == 4]


def test_there_are_facts_of_the_highest_class() -> None:
    assert len(highest()) > 10


@pytest.mark.parametrize("fact", highest(), ids=lambda fact: fact.id)
@pytest.mark.parametrize("write", [write_csv, write_xlsx])
def test_no_fact_of_the_highest_class_is_exported(tmp_path: Path, fact: Fact, write: Callable[..., None]) -> None:
    facts = next(one for one in dictionaries().values() if fact.id in one.facts)
    path = tmp_path / "export"
    disguises = [fact.id, fact.id.upper(), fact.names.zh, fact.names.en, f" {fact.id.replace('_', ' ')} "]
    for column in [ExportColumn("备注", (fact,)), *map(ExportColumn, disguises)]:
        with pytest.raises(SensitiveExportError, match="highest sensitivity class"):
            write(path, [ExportColumn("id"), column], [("1", "value")], facts)
        assert not path.exists()


def test_all_other_facts_together_may_be_exported(tmp_path: Path) -> None:
    for jurisdiction, facts in dictionaries().items():
        columns = [ExportColumn(fact.id, (fact,)) for fact in facts.facts.values() if fact.sensitivity < 4]
        path = tmp_path / f"{jurisdiction}.csv"
        write_csv(path, columns, [["x"] * len(columns)], facts)
        written = set(read_csv(path)[0])
        assert written == {column.header for column in columns}
        assert written.isdisjoint(fact.id for fact in highest() if fact.id in facts.facts)


# Modules that write tables of their own, and why no formula can be in them.
WRITE_THEIR_OWN = {
    "serving/commands/catalogue.py": "the facts and benefits that we wrote ourselves",
    "serving/commands/city.py": "figures of a made city",
    "serving/commands/events.py": "file, line, field and reason, neutralised cell by cell",
    "serving/delivery/rulings.py": "rows for PostgreSQL's COPY, which no spreadsheet opens",
    "serving/loading.py": "quarantine: file, line, column and reason, neutralised cell by cell",
    "serving/security/exports.py": "this gate",
    "serving/summary.py": "benefits of the catalogue and counts",
}
WRITES_A_TABLE = re.compile(
    r"\.write_csv\(|\.write_excel\(|csv\.(?:Dict)?[wW]riter\(|write_workbook\(|\.to_csv\(|\.to_excel\("
)


def test_nothing_that_serves_people_writes_tables_another_way(repository: Path) -> None:
    found = {
        path.relative_to(repository).as_posix()
        for path in (repository / "serving").rglob("*.py")
        if WRITES_A_TABLE.search(path.read_text(encoding="utf-8"))
    }
    assert found == set(WRITE_THEIR_OWN)
