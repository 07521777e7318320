"""The loop over a recorded history: the same facts through Feast as in the sweep, and an order that changes nothing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from models.outreach.objective import load_objective
from models.outreach.worth import KEY
from rules.catalogue import load_catalogue
from serving.catalogues import as_shown, shipped_catalogues
from serving.city_day import run_day
from serving.cli import app
from serving.evidence import Swept, known_tables, latest_sweep, queue_of, training_tables
from serving.evidence_day import BY_LOT, BY_SCORES, run_evidence
from serving.scoring.queues import value_of

DAY = dt.date(2026, 3, 1)
SCORES = {"subject": pl.String, "id": pl.String, "benefit": pl.String, "probability": pl.Float64,
          "donor_share": pl.Float64, "source": pl.String}  # fmt: skip


def test_value_is_counted_by_the_truth() -> None:
    people = [("person", f"p{place}", "aid") for place in range(20)]
    scores = pl.DataFrame([(*who, place / 20, 0.5, "model") for place, who in enumerate(people)], SCORES, orient="row")
    truth = scores.select("id", "benefit").with_columns(
        pl.when(pl.col("id").is_in(["p19", "p18", "p0", "p1"])).then(pl.lit("eligible")).otherwise(pl.lit("ineligible"))
        .alias("outcome")
    )  # fmt: skip
    queue = scores.sort("probability", descending=True).select(KEY)
    found = value_of(scores, scores.select(*KEY, "benefit"), {"first": queue, "last": queue.reverse()}, truth)
    assert (found.entitled, found.waiting) == (4, 20)
    assert found.found == {"first": 0.5, "last": 0.5}
    assert found.auc.value == 0.5 == found.donors.value


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small city's whole day."""
    folder = tmp_path_factory.mktemp("evidence")
    run_day(load_catalogue(as_shown(shipped_catalogues() / "cn")), 600, 3, DAY, folder, lambda *_: None)
    return folder


@pytest.mark.long
def test_feast_hands_out_what_the_sweep_read(home: Path) -> None:
    swept = latest_sweep(home, None)
    known, fetched = known_tables(home, swept), training_tables(home, swept, households=60)
    for kind, table in fetched.items():
        columns = [name for name in table.columns if name in known[kind].columns]
        ours = table.select("id").join(known[kind], on="id", how="left", maintain_order="left").select(columns)
        assert len(columns) > 10
        assert table.select(columns).equals(ours)


@pytest.mark.long
def test_whoever_trains_and_orders_changes_no_determination(home: Path) -> None:
    before = latest_sweep(home, None).determinations
    found = run_evidence(home, DAY, lambda _: None)
    after = latest_sweep(home, None)
    assert after.determinations.equals(before)
    assert set(found.value.found) >= {BY_SCORES, BY_LOT}
    assert waiting(found.queue.rows) == waiting(queue_without_scores(home, after))
    assert found.trained is not None or "No benefit has" in found.why  # so few people: donors order


def waiting(queue: pl.DataFrame) -> set[tuple[str, str]]:
    return set(queue.select(KEY).rows())


def queue_without_scores(home: Path, swept: Swept) -> pl.DataFrame:
    return queue_of(home, swept, load_objective()).rows


def test_other_models_do_not_learn_from_the_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLYFREE_HOME", str(tmp_path))
    found = CliRunner().invoke(app, ["train", "take_up", "--on-date", "2026-03-01"])
    assert found.exit_code == 2
    assert "learns from recorded rows alone" in " ".join((found.output + found.stderr).split())
