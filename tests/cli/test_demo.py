"""`applyfree demo`: the main job from facts to answers."""

from __future__ import annotations

import csv
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import polars as pl
import pytest

from features.cps.returns import survey_file
from tests.cli.shell import applyfree


def survey_installed() -> bool:
    """Are the CPS households there? `make install` does not fetch them; `make demo` and `make test-long` do."""
    try:
        survey_file()
    except PackageNotFoundError:
        return False
    return True


@pytest.mark.skipif(survey_installed(), reason="the CPS households are installed")
def test_without_the_survey_it_says_who_installs_it() -> None:
    done = applyfree("demo")
    assert done.status == 2
    assert "`make demo` installs them" in done.err


@pytest.mark.long
@pytest.mark.skipif(not survey_installed(), reason="the CPS households are not installed")
def test_it_finds_people_money_and_gaps_and_writes_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLYFREE_HOME", str(tmp_path))
    done = applyfree("demo", "--persons", "1000", "--households", "500")
    assert done.status == 0
    for name in ("美国 · United States", "中国 · China", "Owed for certain:", "Most often missing:"):
        assert name in done.out
    answers = pl.DataFrame()
    for place, least in (("us", 8), ("cn", 24)):
        answers = pl.read_parquet(tmp_path / "demo" / place / "answers.parquet")
        assert answers["benefit"].n_unique() >= least
        with (tmp_path / "demo" / place / "summary.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert sum(int(row["eligible"]) for row in rows) == (answers["outcome"] == "eligible").sum()
    person = answers.filter(pl.col("subject") == "person")["id"][0]
    facts = tmp_path / "demo" / "cn" / "facts"
    explained = applyfree("explain", person, "advanced_age_allowance", "--facts", facts, "--on-date", "2026-03-01")
    assert explained.status == 0
