"""`applyfree evaluate`: files in, file out."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import polars as pl
import pytest

from tests.cli.shell import VILLAGE, WITH_VILLAGE, Done, applyfree
from tests.village_world import CATALOGUE

PERSONS = """\
id,household_id,birth_date,wage,disabled,lives_in
old,h1,1950-01-01,1500,true,910000
open,h1,1940-01-01,1500,,910000
unsure,h2,1940-01-01,,,910000
rich,,1940-01-01,5000,,910000
away,h2,1940-01-01,0,,920000
"""
HOUSEHOLDS = "id,rent\nh1,300\nh2,500\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files of facts."""
    facts = tmp_path / "facts"
    facts.mkdir()
    (facts / "person.csv").write_text(PERSONS)
    (facts / "household.csv").write_text(HOUSEHOLDS)
    return facts


def evaluate(folder: Path, out: Path, *more: str | Path) -> Done:
    """Evaluate the village's benefits."""
    return applyfree("evaluate", "--facts", folder, "--out", out, "--on-date", "2026-03-01", *WITH_VILLAGE, *more)


def rows(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    """The rows of a CSV file of determinations, by benefit and id."""
    with path.open(newline="") as file:
        return {(row["benefit"], row["id"]): row for row in csv.DictReader(file)}


def test_every_subject_gets_a_row_for_every_benefit(folder: Path, tmp_path: Path) -> None:
    done = evaluate(folder, tmp_path / "answers.csv")
    assert done.status == 0
    found = rows(tmp_path / "answers.csv")
    assert len(found) == 5 * 3 + 2
    assert {key: row["outcome"] for key, row in found.items() if key[0] == "old_age_grant"} == {
        ("old_age_grant", "old"): "eligible",
        ("old_age_grant", "open"): "eligible",
        ("old_age_grant", "unsure"): "undetermined",
        ("old_age_grant", "rich"): "ineligible",
        ("old_age_grant", "away"): "ineligible",
    }
    assert found["old_age_grant", "unsure"]["missing"] == "wage;disabled"
    assert found["old_age_grant", "rich"]["unmet"] == "low_wage"
    assert "17 determinations" in done.out


def test_the_screen_says_how_many_and_how_much(folder: Path, tmp_path: Path) -> None:
    out = evaluate(folder, tmp_path / "answers.parquet").out
    (line,) = [line for line in out.splitlines() if "old_age_grant" in line]
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    assert cells == ["old_age_grant", "person", "2", "1", "2", "≥ 301.50 CNY / month", "disabled 2"]


def test_both_engines_write_the_same_file(folder: Path, tmp_path: Path) -> None:
    evaluate(folder, tmp_path / "batch.csv")
    evaluate(folder, tmp_path / "reference.csv", "--engine", "reference")
    assert (tmp_path / "batch.csv").read_text() == (tmp_path / "reference.csv").read_text()


def test_parquet_holds_lists_dates_and_exact_sums(folder: Path, tmp_path: Path) -> None:
    evaluate(folder, tmp_path / "answers.parquet")
    schema = pl.read_parquet_schema(tmp_path / "answers.parquet")
    assert schema["missing"] == pl.List(pl.String)
    assert schema["amount"] == pl.Decimal(38, 2)
    assert schema["next_change"] == pl.Date


def test_one_benefit_can_be_asked_for(folder: Path, tmp_path: Path) -> None:
    evaluate(folder, tmp_path / "answers.csv", "--benefit", "rent_help")
    assert {key[0] for key in rows(tmp_path / "answers.csv")} == {"rent_help"}


def test_a_bad_row_stops_the_run_and_leaves_no_file(folder: Path, tmp_path: Path) -> None:
    (folder / "person.csv").write_text(PERSONS + "bad,h1,1956-02-30,,,\n")
    done = evaluate(folder, tmp_path / "answers.csv")
    assert done.status == 2
    assert "person.csv, row 7, column `birth_date`: The value is not a day of the calendar" in done.err
    assert "--quarantine FILE" in done.err
    assert "1956-02-30" not in done.err
    assert not (tmp_path / "answers.csv").exists()


def test_with_a_quarantine_the_good_rows_are_answered(folder: Path, tmp_path: Path) -> None:
    (folder / "person.csv").write_text(PERSONS + "bad,h1,1956-02-30,,,\n")
    done = evaluate(folder, tmp_path / "answers.csv", "--quarantine", tmp_path / "bad.csv")
    assert done.status == 0
    assert "1 subjects were set aside for 1 mistakes" in done.out
    found = rows(tmp_path / "answers.csv")
    assert ("old_age_grant", "bad") not in found
    assert len(found) == 17
    # Somebody more lives in h1, of whom nothing is known: its answer may not be computed as if nobody did.
    assert found["rent_help", "h1"]["outcome"] == "ineligible"
    assert found["carer_help", "old"]["outcome"] == "eligible"
    with (tmp_path / "bad.csv").open() as file:
        assert [row["row"] for row in csv.DictReader(file)] == ["7"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--benefit", "rent_halp"], "There is no benefit `rent_halp` in this catalogue. Did you mean `rent_help`?"),
        (["--on-date", "2026-3-1"], "--on-date is `2026-3-1`, which is not a day. Write it like 2026-01-31."),
        (["--out", "answers.xlsx"], "--out is `answers.xlsx`. Name a file that ends with .parquet or .csv."),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    folder: Path, tmp_path: Path, more: list[str], message: str
) -> None:
    done = evaluate(folder, tmp_path / "answers.csv", *more)
    assert done.status == 2
    assert message in done.err


def test_a_catalogue_with_mistakes_answers_nothing(folder: Path, tmp_path: Path) -> None:
    catalogue = shutil.copytree(CATALOGUE, tmp_path / "village")
    benefit = catalogue / "rent_help/benefit.yaml"
    benefit.write_text(benefit.read_text().replace("of wage", "of wages"))
    out = tmp_path / "answers.csv"
    done = applyfree("evaluate", "--facts", folder, "--out", out, "--catalogue", catalogue, *VILLAGE)
    assert done.status == 2
    assert "this catalogue has mistakes, so nothing was evaluated" in done.err
    assert "Did you mean `wage`?" in done.err


def test_of_several_catalogues_the_one_that_knows_the_columns_answers(folder: Path, tmp_path: Path) -> None:
    catalogues = tmp_path / "catalogues"
    shutil.copytree(CATALOGUE, catalogues / "village")
    (catalogues / "other").mkdir()
    (catalogues / "other" / "catalogue.yaml").write_text(
        'jurisdiction: island\ncurrency: CNY\nroot_area: "900000"\nnames: {zh: 岛, en: island}\n'
    )
    vocabulary = shutil.copytree(VILLAGE[1], tmp_path / "vocabulary")
    island = vocabulary / "dictionary" / "island"
    island.mkdir()
    source = (vocabulary / "dictionary/village/village_office.yaml").read_text()
    (island / "office.yaml").write_text(source.replace("wage:", "salary:", 1))
    common = ("--out", tmp_path / "answers.csv", "--on-date", "2026-03-01", "--vocabulary", vocabulary)

    done = applyfree("evaluate", "--facts", folder, "--catalogue", catalogues, *common)
    assert (done.status, "village catalogue" in done.out) == (0, True)

    (folder / "person.csv").write_text("id,birth_date\np1,1950-01-01\n")
    done = applyfree("evaluate", "--facts", folder, "--catalogue", catalogues, *common)
    assert done.status == 2
    assert "fit 2 catalogues equally well" in done.err


def test_a_place_that_cannot_be_written_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = evaluate(folder, tmp_path / "file" / "answers.csv")
    assert done.status == 2
    assert "cannot be written" in done.err
    done = evaluate(folder, tmp_path / "answers.csv", "--quarantine", tmp_path / "file" / "bad.csv")
    assert done.status == 2
    assert str(tmp_path / "file") in done.err


def test_a_folder_in_the_place_of_a_file_is_named(folder: Path, tmp_path: Path) -> None:
    (folder / "person.csv").unlink()
    (folder / "person.csv").mkdir()
    done = evaluate(folder, tmp_path / "answers.csv")
    assert done.status == 2
    assert "person.csv: The file cannot be read (Is a directory)." in done.err
