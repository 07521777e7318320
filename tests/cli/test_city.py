"""`applyfree city` and `applyfree city score`, as typed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from features.city.making import FAULTS
from rules.catalogue import load_catalogue
from rules.evaluate.output import amount_decimals, batch_determinations, schema
from rules.evaluate.writing import DeterminationFile
from rules.rulebook import Rulebook
from serving.catalogues import shipped_catalogues
from serving.scoring.score import NO_FAULT, Score, score
from serving.scoring.truths import NoTruthError, open_truth, touched_by
from tests.cli.shell import applyfree

PERSONS = 1_200
DAY = dt.date(2026, 3, 1)


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    book = load_catalogue(shipped_catalogues() / "cn").rulebook
    assert book is not None
    return book


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("city")
    done = applyfree("city", "--persons", str(PERSONS), "--seed", "4", "--out", folder)
    assert done.status == 0, done.err
    assert "public_security" in done.out
    assert "homonym" in done.out
    assert f"{PERSONS:,} person" in done.out
    return folder


@pytest.fixture(scope="module")
def perfect(city: Path, rulebook: Rulebook) -> pl.DataFrame:
    """The answers of an engine that knows the truth."""
    truth = open_truth(city / "truth", rulebook.vocabulary)
    parts = []
    for files in truth.partitions:
        tables = {kind: pl.read_parquet(path) for kind, path in files.items()}
        asked = {kind: table.height for kind, table in tables.items()}
        parts += list(batch_determinations(rulebook, DAY, tables, asked))
    return pl.concat(parts)


def rated(city: Path, rulebook: Rulebook, answers: pl.DataFrame, folder: Path, ending: str = "parquet") -> Score:
    path = folder / f"answers.{ending}"
    with DeterminationFile(path, schema(amount_decimals(rulebook, DAY))) as file:
        file.write(answers)
    return score(open_truth(city / "truth", rulebook.vocabulary), path, rulebook)


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_an_engine_that_knows_the_truth_makes_no_mistake(
    city: Path, rulebook: Rulebook, perfect: pl.DataFrame, tmp_path: Path, ending: str
) -> None:
    found = rated(city, rulebook, perfect, tmp_path, ending)
    assert found.errors == 0
    assert found.false_automatic == 0
    assert found.strangers == 0
    assert found.benefits["undetermined"].sum() == 0
    assert found.benefits["answers"].sum() == perfect.height
    granted = perfect.filter(pl.col("outcome") == "eligible").height
    assert found.benefits["true_grant"].sum() == granted > 200


def test_an_engine_that_grants_everything_makes_false_grants(
    city: Path, rulebook: Rulebook, perfect: pl.DataFrame, tmp_path: Path
) -> None:
    generous = perfect.with_columns(
        outcome=pl.lit("eligible"), amount=pl.coalesce("amount", pl.lit(100).cast(perfect.schema["amount"]))
    )
    found = rated(city, rulebook, generous, tmp_path)
    refused = perfect.filter(pl.col("outcome") == "ineligible").height
    assert found.benefits["false_grant"].sum() == refused > 0
    careful = {name for name, plan in rulebook.in_force(DAY).items() if plan.benefit.needs_confirmation}
    at_once = perfect.filter((pl.col("outcome") == "ineligible") & ~pl.col("benefit").is_in(sorted(careful))).height
    assert found.false_automatic == at_once > 0
    assert found.false_automatic_by_fault > 0
    assert found.benefits.filter(pl.col("benefit").is_in(sorted(careful)))["false_automatic"].sum() == 0


def test_an_engine_that_grants_nothing_misses_everybody_and_one_that_is_silent_answers_nobody(
    city: Path, rulebook: Rulebook, perfect: pl.DataFrame, tmp_path: Path
) -> None:
    none = pl.lit(None)
    owed = perfect.filter(pl.col("outcome") == "eligible").height
    stingy = perfect.with_columns(outcome=pl.lit("ineligible"), amount=none.cast(perfect.schema["amount"]))
    assert rated(city, rulebook, stingy, tmp_path).benefits["missed"].sum() == owed
    unsure = perfect.with_columns(outcome=pl.lit("undetermined"), amount=none.cast(perfect.schema["amount"]))
    found = rated(city, rulebook, unsure, tmp_path)
    assert found.errors == 0
    unsettled = perfect.filter(pl.col("outcome") == "undetermined").height
    assert found.benefits["undetermined"].sum() == perfect.height - unsettled
    silent = rated(city, rulebook, perfect.clear(), tmp_path)
    assert silent.benefits["unanswered"].sum() == perfect.height


def test_a_wrong_amount_is_counted_once_and_by_the_fault_that_touches_its_subject(
    city: Path, rulebook: Rulebook, perfect: pl.DataFrame, tmp_path: Path
) -> None:
    faulty = pl.read_parquet(city / "truth" / FAULTS).filter(pl.col("kind") == "mojibake")["subject"].drop_nulls()
    paid = (pl.col("benefit") == "resident_medical_insurance_subsidy") & (pl.col("outcome") == "eligible")
    victim = perfect.filter(paid & pl.col("id").is_in(faulty.implode()))["id"][0]
    hit = paid & (pl.col("id") == victim)
    wrong = perfect.with_columns(amount=pl.when(hit).then(pl.col("amount") + 1).otherwise("amount"))
    found = rated(city, rulebook, wrong, tmp_path)
    assert found.errors == 1
    assert found.false_automatic == 1
    by_kind = dict(found.faults.select("kind", "money_wrong").iter_rows())
    assert by_kind["mojibake"] == 1
    assert by_kind[NO_FAULT] == 0


def test_every_kind_of_fault_is_named_even_without_effect(
    city: Path, rulebook: Rulebook, perfect: pl.DataFrame, tmp_path: Path
) -> None:
    kinds = set(pl.read_parquet(city / "truth" / FAULTS)["kind"])
    assert kinds < set(rated(city, rulebook, perfect, tmp_path).faults["kind"])


def test_a_fault_touches_the_household_of_whom_it_is_about() -> None:
    persons = pl.DataFrame(
        {"id": ["a", "b", "c"], "household_id": ["h", "h", "k"], "enterprise_id": ["e", "none", "none"]}
    )
    tables = {
        "person": persons,
        "household": pl.DataFrame({"id": ["h", "k"]}),
        "enterprise": pl.DataFrame({"id": ["e"]}),
    }
    touched = touched_by(tables, pl.DataFrame({"subject": ["a", None], "kind": ["homonym", "duplicated_batch"]}))
    assert touched.rows() == [
        ("a", "homonym", True), ("b", "homonym", False), ("e", "homonym", False), ("h", "homonym", False),
    ]  # fmt: skip


def test_score_on_the_command_line_says_by_its_status_whether_it_found_false_grants(
    city: Path, rulebook: Rulebook, perfect: pl.DataFrame, tmp_path: Path
) -> None:
    for name, outcome, status in (("right", pl.col("outcome"), 0), ("wrong", pl.lit("eligible"), 1)):
        amount = pl.coalesce("amount", pl.lit(7).cast(perfect.schema["amount"])) if status else pl.col("amount")
        path = tmp_path / f"{name}.parquet"
        with DeterminationFile(path, schema(amount_decimals(rulebook, DAY))) as file:
            file.write(perfect.with_columns(outcome=outcome, amount=amount))
        done = applyfree("city", "score", "--truth", city / "truth", "--answers", path, "--out", tmp_path / name)
        assert done.status == status
        assert "By kind of fault" in done.out
        assert "False automatic-grade grants" in done.out
        assert pl.read_csv(tmp_path / name / "benefits.csv").height > 30


def test_what_cannot_be_rated_is_refused_with_what_to_do(city: Path, tmp_path: Path) -> None:
    answers = tmp_path / "answers.csv"
    answers.write_text("id,benefit\n", encoding="utf-8")
    done = applyfree("city", "score", "--truth", city / "truth", "--answers", answers)
    assert done.status == 2
    assert "`outcome` is missing" in done.err
    done = applyfree("city", "score", "--truth", tmp_path, "--answers", answers)
    assert done.status == 2
    assert "does not hold the truth" in done.err


def test_a_folder_without_a_city_is_no_truth(tmp_path: Path, rulebook: Rulebook) -> None:
    with pytest.raises(NoTruthError):
        open_truth(tmp_path, rulebook.vocabulary)


def test_a_city_needs_a_folder() -> None:
    done = applyfree("city", "--persons", "10")
    assert done.status == 2
    assert "--out" in done.err
