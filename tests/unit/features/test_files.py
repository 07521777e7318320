"""Folders of fact files: what loads, and what each mistake is answered with."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from features.errors import FactFilesError
from features.facts.encoding import population_of, tables_of
from features.facts.files import Facts, load_facts
from features.facts.values import Gap, Known, Unknown
from tests.village_world import MOST_MEMBERS, village_vocabulary

VOCABULARY = village_vocabulary()
GOOD = "id,household_id,birth_date,wage\np1,h1,1956-03-15,208.99\np2,h1,,\n"


def load(folder: Path, quarantine: Path | None = None, **files: str | bytes | pl.DataFrame) -> Facts:
    """Write files (`person_csv="…"`) and load them."""
    for name, content in files.items():
        path = folder / name.replace("_", ".")
        if isinstance(content, pl.DataFrame):
            content.write_parquet(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_facts(folder, VOCABULARY, MOST_MEMBERS, quarantine)


def problems(folder: Path, **files: str | bytes | pl.DataFrame) -> list[str]:
    """What is wrong with some files, one line each."""
    with pytest.raises(FactFilesError) as caught:
        load(folder, None, **files)
    return [str(problem) for problem in caught.value.problems]


# -- what loads --------------------------------------------------------------------------------------------------


def test_money_is_held_in_minor_units_and_an_empty_cell_is_unknown(tmp_path: Path) -> None:
    facts = load(tmp_path, person_csv=GOOD, household_csv="id,rent\nh1,350\n")
    assert facts.tables["person"].to_dicts() == [
        {"id": "p1", "household_id": "h1", "birth_date": dt.date(1956, 3, 15), "wage": 20899},
        {"id": "p2", "household_id": "h1", "birth_date": None, "wage": None},
    ]
    assert facts.tables["household"].to_dicts() == [{"id": "h1", "rent": 35000}]
    assert facts.asked == {"person": 2, "household": 1}
    assert facts.files == {"person": "person.csv", "household": "household.csv"}


def test_csv_and_parquet_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    frame = pl.DataFrame(
        {
            "id": ["p1", "p2"],
            "household_id": ["h1", "none"],
            "birth_date": [dt.date(1956, 3, 15), None],
            "wage": [208.99, None],
            "disabled": [True, False],
            "work": ["farm", None],
            "goats": [3, None],
            "land": [1.25, 0.0],
            "lives_in": ["910000", None],
            "paid_months": ["2024-01..2024-03", None],
        }
    )
    csv = load(tmp_path / "a", person_csv=frame.write_csv())
    parquet = load(tmp_path / "b", person_parquet=frame)
    assert csv.tables["person"].equals(parquet.tables["person"])
    assert csv.tables["person"].schema == parquet.tables["person"].schema


def test_what_spreadsheets_add_is_no_mistake(tmp_path: Path) -> None:
    text = "\ufeffid,disabled,wage\r\np1,TRUE,5\r\n\r\np2,False,\r\n,,\r\n"
    facts = load(tmp_path, person_csv=text)
    assert facts.tables["person"].to_dicts() == [
        {"id": "p1", "disabled": True, "wage": 500},
        {"id": "p2", "disabled": False, "wage": None},
    ]


def test_a_file_with_a_header_alone_has_no_subjects(tmp_path: Path) -> None:
    facts = load(tmp_path, person_csv="id,wage\n")
    assert facts.tables["person"].schema == {"id": pl.String, "wage": pl.Int64}
    assert facts.asked == {"person": 0}


def test_a_population_and_its_tables_say_the_same(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "id": ["p1", "p2"], "household_id": ["h1", None], "birth_date": ["1956-03-15", None], "goats": ["3", None],
            "wage": ["208.99", ""], "disabled": ["true", None], "work": ["farm", None], "land": ["1.25", None],
            "lives_in": ["910000", None], "paid_months": ["2024-01..2024-03", None],
        }
    )  # fmt: skip
    facts = load(tmp_path, person_parquet=frame, household_csv="id,rent\nh1,5\n")
    population = population_of(facts.tables, VOCABULARY, facts.files)
    first, second = population.listed["person"].values()
    assert first.facts["wage"] == Known(20899, "person.parquet")
    assert second.facts["wage"] == Unknown(Gap.NOT_HELD)
    assert second.links == {"household_id": None}
    assert population.group_of(first, "household") is population.listed["household"]["h1"]

    again = tables_of(population, VOCABULARY)
    for kind, table in facts.tables.items():
        assert again[kind].select(table.columns).equals(table)


def test_many_rows_are_read_in_batches_and_keep_their_numbers(tmp_path: Path) -> None:
    count = 600_000
    pl.DataFrame({"id": range(count)}).with_columns(goats=pl.col("id") % 502).write_csv(tmp_path / "person.csv")
    with pytest.raises(FactFilesError) as caught:
        load(tmp_path)
    assert caught.value.total == len(range(501, count, 502))
    assert [problem.row for problem in caught.value.problems[:2]] == [501 + 2, 501 + 502 + 2]
    assert len(caught.value.problems) == 50
    assert "… and 1,145 more" in str(caught.value)


# -- wrong files and columns --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"person_csv": "id,wages\np1,5\n"},
            "person.csv, row 1, column `wages`: There is no such fact of a person. Did you mean `wage`?",
        ),
        (
            {"person_csv": "id,rent\np1,5\n"},
            "person.csv, row 1, column `rent`: This is a fact of a household, not of a person. "
            "Move it to the file `household`.",
        ),
        (
            {"household_csv": "id,spouse_id\nh1,p2\n"},
            "household.csv, row 1, column `spouse_id`: This is a fact of a person, not of a household. "
            "Move it to the file `person`.",
        ),
        (
            {"person_csv": "wage\n5\n"},
            "person.csv, row 1, column `id`: The column is missing. It names each person.",
        ),
        (
            {"person_csv": "id,wage,wage\np1,5,6\n"},
            "person.csv, row 1: The column `wage` stands here twice. Remove one: neither silently wins.",
        ),
        (
            {"person_csv": "Zhang San;1956-03-15\nLi Si;1957-01-01\n"},
            "person.csv, row 1: No column has a name that is known. "
            "The first row names the columns: `id` and facts of a person.",
        ),
        ({"person_csv": ""}, "person.csv, row 1: The file is empty. Its first row names the columns."),
        (
            {"houshold_csv": "id\nh1\n"},
            "houshold.csv: There is no kind of subject `houshold`. Did you mean `household`? "
            "Rename the file, or move it elsewhere.",
        ),
        (
            {"person_csv": GOOD, "person_parquet": pl.DataFrame({"id": ["p1"]})},
            "person.parquet: There is also person.csv. Remove one of them.",
        ),
        (
            {"person_csv": "id,wage\np1,5\n张三,6\n".encode("gb18030")},
            "person.csv, row 3: The text is not UTF-8. It seems to be GB18030. Save the file with the encoding UTF-8.",
        ),
        (
            {"person_csv": "id,wage\np1,5\n张三".encode()[:-1]},
            "person.csv, row 3: The text is not UTF-8. Save the file with the encoding UTF-8.",
        ),
        ({"person_csv": "\n\nid,wage\n"}, "person.csv, row 1: The first row is empty. It names the columns."),
        (
            {"person_csv": "id,wage\np1,5\n".encode("utf-16")},
            "person.csv, row 1: The file is UTF-16. Save it as CSV with the encoding UTF-8.",
        ),
        (
            {"person_parquet": "id,wage\np1,5\n"},
            "person.parquet: This is not a Parquet file. Write it again, or name it .csv if it is text.",
        ),
        (
            {"person_parquet": pl.DataFrame({"id": ["p1", "p2"], "lives_in": [None, 910000]})},
            "person.parquet, row 2: The column `lives_in` holds Int64; it must hold text.",
        ),
    ],
)
def test_a_wrong_file_or_column_is_named_with_what_to_do(
    tmp_path: Path, files: dict[str, str | bytes | pl.DataFrame], expected: str
) -> None:
    assert problems(tmp_path, **files) == [expected]


def test_a_folder_without_files_says_how_they_are_called(tmp_path: Path) -> None:
    (line,) = problems(tmp_path)
    assert line.endswith("Files are called person.csv, household.csv, enterprise.csv, or end with .parquet.")


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(FactFilesError, match="This is no folder"):
        load_facts(tmp_path / "nowhere", VOCABULARY, MOST_MEMBERS)


def test_wrong_columns_stop_even_with_a_quarantine(tmp_path: Path) -> None:
    with pytest.raises(FactFilesError, match="Did you mean `wage`"):
        load(tmp_path, tmp_path / "bad.csv", person_csv="id,wages\np1,5\n")


def test_a_damaged_parquet_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "person.parquet"
    pl.DataFrame({"id": [f"p{n}" for n in range(100_000)]}).write_parquet(path)
    damaged = bytearray(path.read_bytes())
    damaged[1000:5000] = b"x" * 4000
    path.write_bytes(damaged)
    with pytest.raises(FactFilesError, match=r"person.parquet: The Parquet file is damaged"):
        load(tmp_path)


# -- wrong rows --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("p1,,1956-02-30,,,,,", "birth_date", "The value is not a day of the calendar, written like 2025-01-31."),
        ("p1,,1700-01-01,,,,,", "birth_date", "The value is an impossible date (outside 1850 to 2149)."),
        ("p1,,,abc,,,,", "wage", "The value is not a number."),
        ("p1,,,NaN,,,,", "wage", "The value is not a number."),
        ("p1,,,5.001,,,,", "wage", "The value has more than 2 decimals."),
        ("p1,,,-1,,,,", "wage", "The value is below the least possible value (0)."),
        ("p1,,,1000000.01,,,,", "wage", "The value is above the largest possible value (1000000)."),
        ("p1,,,,yes,,,", "disabled", "The value is not `true` or `false`."),
        ("p1,,,,,mine,,", "work", "The value is not one of its codes (farm, shop)."),
        ("p1,,,,,,2.5,", "goats", "The value is not a whole number."),
        ("p1,,,,,,,930000", "lives_in", "The value is not the code of a known area."),
        (",h1,,5,,,,", "id", "The id is missing."),
        ("none,,,,,,,", "id", "`none` is the word for nobody and cannot be an id."),
        ("p0,,,,,,,", "id", "The same id stands in row 2."),
    ],
)
def test_a_wrong_row_is_named_with_row_and_column_and_without_its_value(
    tmp_path: Path, row: str, column: str, reason: str
) -> None:
    header = "id,household_id,birth_date,wage,disabled,work,goats,lives_in"
    found = problems(tmp_path, person_csv=f"{header}\np0,h1,,,,,,\n{row}\n")
    assert f"person.csv, row 3, column `{column}`: {reason}" in found


def test_rows_of_a_parquet_file_are_counted_from_one(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"id": ["p1", "p2", "p3"], "wage": [1.0, float("nan"), float("inf")], "goats": [1.0, 2.0, 2.5]}
    )
    assert problems(tmp_path, person_parquet=frame) == [
        "person.parquet, row 2, column `wage`: The value is not a number.",
        "person.parquet, row 3, column `goats`: The value is not a whole number.",
        "person.parquet, row 3, column `wage`: The value is not a number.",
    ]


def test_a_row_with_too_few_or_too_many_cells_is_named_and_the_next_keeps_its_number(tmp_path: Path) -> None:
    text = 'id,wage,goats\n"p\n1",5,1\np2,5\n\np3,5,1,1\np4,5,x\n'
    assert problems(tmp_path, person_csv=text) == [
        "person.csv, row 3: The row has 2 cells, the header 3.",
        "person.csv, row 5: The row has 4 cells, the header 3.",
        "person.csv, row 6, column `goats`: The value is not a number.",
    ]


def test_a_group_that_is_too_large_is_refused(tmp_path: Path) -> None:
    rows = "".join(f"p{n},h{n // 6}\n" for n in range(8))
    found = problems(tmp_path, person_csv=f"id,household_id\n{rows}")
    reason = "More than 5 persons name the same household; rules reckon with no more. Split it."
    assert found == [f"person.csv, row {n}, column `household_id`: {reason}" for n in range(2, 8)]


def test_too_many_children_of_one_parent_are_refused(tmp_path: Path) -> None:
    rows = "".join(f"p{n},{'m' if n % 2 else 'x'},{'x' if n % 2 else 'm'}\n" for n in range(9))
    found = problems(tmp_path, person_csv=f"id,mother_id,father_id\n{rows}")
    assert len(found) == 18


# -- quarantine --------------------------------------------------------------------------------------------------


def test_bad_rows_are_set_aside_and_the_others_go_on(tmp_path: Path) -> None:
    quarantine = tmp_path / "deeper" / "bad.csv"
    text = "id,household_id,wage\np1,h1,5\np2,h1,x\np3,h2,6\np3,h2,7\n,h1,1\np4,h1\n"
    facts = load(tmp_path, quarantine, person_csv=text)
    people = facts.tables["person"]
    assert facts.asked == {"person": 1}
    assert people.head(1).to_dicts() == [{"id": "p1", "household_id": "h1", "wage": 500}]
    assert people.tail(-1).to_dicts() == [
        {"id": "p2", "household_id": "h1", "wage": None},
        {"id": "p3", "household_id": "h2", "wage": None},
        {"id": "(row 6 of person.csv)", "household_id": "h1", "wage": None},
    ]
    assert quarantine.read_text().splitlines() == [
        "file,row,column,reason",
        "person.csv,3,wage,The value is not a number.",
        "person.csv,4,id,The same id stands in row 5.",
        "person.csv,5,id,The same id stands in row 4.",
        "person.csv,6,id,The id is missing.",
        'person.csv,7,,"The row has 2 cells, the header 3."',
    ]
    assert facts.problems == 5
    assert facts.set_aside == 3


def test_a_quarantine_without_mistakes_has_a_header_alone(tmp_path: Path) -> None:
    facts = load(tmp_path, tmp_path / "bad.csv", person_csv=GOOD)
    assert (tmp_path / "bad.csv").read_text() == "file,row,column,reason\n"
    assert facts.asked == {"person": 2}


def test_what_an_earlier_run_wrote_is_no_file_of_facts(tmp_path: Path) -> None:
    load(tmp_path, tmp_path / "bad.csv", person_csv=GOOD)
    (tmp_path / "answers.csv").write_text("subject,id,benefit,version,outcome,missing\n")
    assert load(tmp_path, tmp_path / "other.csv").asked == {"person": 2}


def test_who_is_set_aside_from_a_group_too_large_is_in_no_group(tmp_path: Path) -> None:
    rows = "".join(f"p{n},h{n // 6}\n" for n in range(8))
    facts = load(tmp_path, tmp_path / "bad.csv", person_csv=f"id,household_id\n{rows}")
    assert facts.asked == {"person": 2}
    assert facts.tables["person"]["household_id"].to_list() == ["h1", "h1", *[None] * 6]
