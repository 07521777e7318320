"""`applyfree train`, `promote`, `models`: from recorded offers to the champion, and what is said on the way."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest

from features.documents import Findings
from features.facts.vocabulary import load_vocabulary
from tests.city_world import write_city
from tests.cli.shell import applyfree
from tests.unit.models.offers import made_offers

CN = load_vocabulary("cn", Findings())


def offers(file: Path) -> Path:
    """Offers as they are recorded, a hundred days old."""
    made = made_offers(5_000)
    offered = dt.date(2025, 11, 1)
    acted = pl.when(pl.Series(made.labels) == 1).then(pl.lit(offered + dt.timedelta(days=5))).otherwise(None)
    made.frame.with_columns(
        pl.Series("id", made.subjects), pl.lit(offered).alias("offered_on"), acted.cast(pl.Date).alias("confirmed_on"),
        pl.lit(None, dtype=pl.Date).alias("helped_on"), pl.lit(False).alias("help_drawn"),
        pl.lit(0.1).alias("help_propensity"), pl.lit(False).alias("because_of_model"),
        made.groups.get_column("sex").alias("group_sex"),
    ).write_parquet(file)  # fmt: skip
    return file


def test_from_offers_to_the_champion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLYFREE_HOME", str(tmp_path / "var"))
    rows = offers(tmp_path / "offers.parquet")
    trained = applyfree("train", "take_up", "--rows", rows, "--on-date", "2026-03-01")
    assert trained.status == 0, trained.err
    assert "is the challenger" in trained.out
    promoted = applyfree("promote", "take_up")
    assert promoted.status == 0, promoted.out + promoted.err
    assert "is the champion" in promoted.out
    listed = applyfree("models", "--format", "json")
    assert listed.status == 0
    found = json.loads(listed.out)
    assert [(line["model"], line["aliases"]) for line in found] == [("take_up", "champion")]
    same = applyfree("drift", "take_up", "--rows", rows, "--on-date", "2026-03-01")
    assert same.status == 0, same.out + same.err
    silent = pl.read_parquet(rows).with_columns(pl.lit(None, dtype=pl.Float64).alias("channels_known"))
    silent.write_parquet(tmp_path / "silent.parquet")
    gone = applyfree("drift", "take_up", "--rows", tmp_path / "silent.parquet", "--on-date", "2026-03-01")
    assert (gone.status, "missingness" in gone.out) == (1, True)
    assert applyfree("promote", "take_up").status == 2  # no challenger is left


def test_what_cannot_be_done_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLYFREE_HOME", str(tmp_path / "var"))
    unknown = applyfree("train", "takeup", "--rows", tmp_path / "none.parquet")
    assert (unknown.status, "Did you mean `take_up`?" in unknown.err) == (2, True)
    absent = applyfree("train", "take_up", "--rows", tmp_path / "none.parquet")
    assert (absent.status, "cannot be read" in absent.err) == (2, True)
    none = applyfree("promote", "second_look")
    assert (none.status, "applyfree train second_look" in none.err) == (2, True)


def test_the_queue_names_the_one_fact_and_whom_to_ask(tmp_path: Path) -> None:
    write_city(tmp_path / "facts", 200, dt.date(2026, 3, 1))
    catalogue, day = ("--catalogue", "rules/catalogue/cn"), ("--on-date", "2026-03-01")
    answers, queue = tmp_path / "answers.parquet", tmp_path / "queue.parquet"
    made = applyfree("evaluate", "--facts", tmp_path / "facts", "--out", answers, *catalogue, *day)
    assert made.status == 0
    before = answers.read_bytes()
    done = applyfree("outreach", "--facts", tmp_path / "facts", "--answers", answers, "--out", queue, *catalogue, *day)
    assert done.status == 0, done.err
    assert "No scores: the rules alone order." in done.out
    found = pl.read_parquet(queue)
    assert found.get_column("place").to_list() == list(range(1, found.height + 1))
    waiting = pl.read_parquet(answers).filter((pl.col("missing").list.len() > 0) & (pl.col("outcome") != "ineligible"))
    assert set(found.select("subject", "id").rows()) == set(waiting.select("subject", "id").rows())
    assert answers.read_bytes() == before
