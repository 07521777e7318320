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
    answers = pl.read_parquet(tmp_path / "demo" / "us" / "answers.parquet")
    assert answers["benefit"].n_unique() >= 8
    with (tmp_path / "demo" / "us" / "summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["eligible"]) for row in rows) == (answers["outcome"] == "eligible").sum()
    facts = tmp_path / "demo" / "us" / "facts"
    household = answers.filter(pl.col("benefit") == "snap")["id"][0]
    explained = applyfree("explain", household, "snap", "--facts", facts, "--on-date", "2026-03-01")
    assert explained.status == 0
    assert "False automatic-grade grants: 0, of which 0 touch a planted fault." in done.out
    assert "0 deliveries refused." in done.out
    assert "First steps of what is owed" in done.out
    assert "to be delivered, with no application" in done.out
    assert f"export APPLYFREE_HOME={tmp_path}/demo/cn" in done.out
    monkeypatch.setenv("APPLYFREE_HOME", str(tmp_path / "demo" / "cn"))
    assert "0 entitlements are new" in applyfree("deliver").out  # everything was delivered once
    city = pl.read_csv(tmp_path / "demo" / "cn" / "answers.csv", infer_schema=False)
    assert city["benefit"].n_unique() >= 24
