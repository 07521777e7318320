"""Whoever asks for subjects that lie close together reads a part of the files, and reads the same."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.history import partitions, speaking
from features.history.history import History
from features.history.records import STATED, STATUS_TYPE, Batch, View
from tests import sweep_world
from tests.sweep_world import FIRST, ON_DATE, cn_rulebook


def test_a_span_reads_as_the_whole_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "ROW_GROUP", 40)
    people = sweep_world.made_tables(400)["person"]
    view = View(
        "test.people", "test", "person", tuple(c for c in people.columns if c != "id" and "@" not in c), full=True
    )
    history = History(tmp_path, cn_rulebook().vocabulary, [view])
    other = sweep_world.made_tables(400, seed=2)["person"]
    for day, table in enumerate((people, pl.concat([other.head(150), people.tail(230)]))):
        moment = FIRST + dt.timedelta(days=day)
        rows = table.select("id", *view.facts).with_columns(
            true_from=pl.lit(dt.date(2020, 1, 1)),
            true_to=pl.lit(None, dtype=pl.Date),
            status=pl.lit(STATED).cast(STATUS_TYPE),
            row=pl.int_range(pl.len(), dtype=pl.UInt32),
        )
        history.append(Batch(view.id, f"list {day}", "made", moment, moment.date()), rows)
    later = FIRST + dt.timedelta(days=2)
    whole = history.as_of(ON_DATE + dt.timedelta(days=3), later)["person"]
    monkeypatch.setattr(speaking, "FEW", 0)
    for first, last in ((0, 60), (130, 200), (350, 400), (0, 400)):
        ids = people["id"].slice(first, last - first).gather_every(3)
        found = history.as_of(ON_DATE + dt.timedelta(days=3), later, ids={"person": ids})["person"]
        assert_frame_equal(found, whole.filter(pl.col("id").is_in(ids.implode())))
