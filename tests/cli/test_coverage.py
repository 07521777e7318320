"""`applyfree coverage`: counts by area and age, and nobody by name."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from features.history.records import TRUE_FROM
from serving.loading import open_loader
from tests.cli.shell import applyfree
from tests.unit.features.store.histories import FIRST, deliver

AREA = "440106"


def test_it_lists_every_area_and_age_with_what_is_expected_and_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLYFREE_HOME", str(tmp_path))
    history = open_loader(tmp_path, "cn").history
    views = {fact: view for view in history.views.values() for fact in view.facts if view.kind == "person"}
    for number, fact in enumerate(("residence_area", "birth_date", "death_date")):
        value = {"residence_area": AREA, "birth_date": FIRST.replace(year=1950), "death_date": None}[fact]
        deliver(history, views[fact], number, [{"id": "p1", TRUE_FROM: FIRST, fact: value}])
    done = applyfree("coverage", "--on-date", str(FIRST), "--residents", "1000", "--format", "csv")
    rows = list(csv.DictReader(done.out.splitlines()))
    assert {row["area"] for row in rows} > {AREA}
    assert [(row["area"], row["age_from"]) for row in rows if row["seen"] == "1"] == [(AREA, "70")]
    assert sum(int(row["expected"]) for row in rows) == pytest.approx(1000, rel=0.05)
    assert "p1" not in done.out
    shown = applyfree("coverage", "--on-date", str(FIRST), "--residents", "1000")
    assert "天河区" in shown.out


def test_with_no_records_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLYFREE_HOME", str(tmp_path))
    done = applyfree("coverage")
    assert done.status == 2
    assert "applyfree ingest" in done.err
