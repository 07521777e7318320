"""Sweeps over the real history: what was recorded is what is answered, and whoever is in doubt stays undetermined."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.facts.encoding import STALE_SUFFIX
from features.history.history import History
from features.history.records import STATED, STATUS_TYPE, Batch, View
from serving.store import sweeps
from serving.store.server import EmbeddedServer
from serving.sweep.facts import RecordedFacts
from serving.sweep.replay import Replayer
from serving.sweep.run import Settings, Sweeper
from tests import sweep_world
from tests.sweep_world import FIRST, ON_DATE, Editions, cn_catalogue, cn_rulebook, current, emptied, expected

KNOWN = FIRST + dt.timedelta(hours=1)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    yield from sweep_world.a_database()


def deliver(history: History, view: View, rows: pl.DataFrame, learned_at: dt.datetime) -> None:
    """One delivery about some subjects."""
    told = rows.select("id", *(name for name in view.facts if name in rows.columns)).with_columns(
        true_from=pl.lit(dt.date(2020, 1, 1)),
        true_to=pl.lit(None, dtype=pl.Date),
        status=pl.lit(STATED).cast(STATUS_TYPE),
        row=pl.int_range(pl.len(), dtype=pl.UInt32),
    )
    batch = Batch(view.id, f"{learned_at:%H%M}{view.kind}", "made", learned_at, learned_at.date())
    history.append(batch, told)


def views_of(tables: dict[str, pl.DataFrame]) -> tuple[View, ...]:
    return tuple(
        View(f"test.{k}", "test", k, tuple(c for c in t.columns if c != "id" and STALE_SUFFIX not in c), full=False)
        for k, t in tables.items()
    )


def test_what_was_recorded_is_answered_and_comes_out_again(server: EmbeddedServer, tmp_path: Path) -> None:
    tables = sweep_world.made_tables(200)
    views = views_of(tables)
    history = History(tmp_path / "history", cn_rulebook().vocabulary, views)
    for view in views:
        deliver(history, view, tables[view.kind], FIRST)
    session = emptied(server, tmp_path)
    source = RecordedFacts(tmp_path / "history", views)
    runner = Sweeper(server, tmp_path, source, Settings(1, 150), lambda: KNOWN)
    runner.run(cn_catalogue(), ON_DATE)
    assert_frame_equal(current(session), expected(history.as_of(ON_DATE, KNOWN)))
    # A household moves one person in; only those whom that may touch are looked at, and all is as a full sweep says.
    later = FIRST + dt.timedelta(hours=2)
    mover = tables["person"].head(1).with_columns(household_id=tables["household"]["id"].tail(1))
    deliver(history, views[0], mover, later)
    outcome = Sweeper(server, tmp_path, source, Settings(1, 150), lambda: later)
    runner.close()
    found = outcome.run(cn_catalogue(), ON_DATE)
    outcome.close()
    assert 1 < found.looked_at < 20
    assert_frame_equal(current(session), expected(history.as_of(ON_DATE, later)))
    for sweep in sweeps.all_sweeps(session):
        assert Replayer(session, tmp_path, source, sweep.id).everything().differing == 0
    session.close()


def test_whoever_is_in_doubt_stays_undetermined(server: EmbeddedServer, tmp_path: Path) -> None:
    tables = sweep_world.made_tables(120)
    source = Editions(tmp_path / "editions", doubtful=("household", str(tables["household"]["id"][0])))
    source.add(FIRST, tables)
    session = emptied(server, tmp_path)
    sweep_world.swept(server, tmp_path, source)
    now, certain = current(session), expected(tables)
    changed = now.join(certain, on=now.columns[:4], how="anti")
    assert changed.height > 0
    assert set(changed["subject"]) == {"household"}
    assert set(changed["id"]) == {str(tables["household"]["id"][0])}
    assert set(changed["outcome"]) == {"undetermined"}
    assert all("household_id" in missing for missing in changed["missing"])
    assert changed["amount"].null_count() == changed.height
    session.close()
