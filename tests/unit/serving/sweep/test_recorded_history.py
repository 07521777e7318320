"""Sweeps over the real history: what was recorded is what is answered, and whoever is in doubt stays undetermined."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from features.facts.encoding import STALE_SUFFIX, area_type
from features.history.history import History
from features.history.records import STATED, STATUS_TYPE, Batch, View
from serving.evaluation import sound_rulebook
from serving.store import sweeps
from serving.store.server import EmbeddedServer
from serving.sweep.facts import RecordedFacts
from serving.sweep.replay import Replayer
from serving.sweep.run import Settings, Sweeper
from tests import sweep_world
from tests.rule_changes import Published
from tests.sweep_world import FIRST, ON_DATE, Editions, cn_catalogue, cn_rulebook, current, emptied, expected

ANSWER = ["subject", "id", "benefit", "outcome", "amount", "amount_low", "amount_high"]
KNOWN = FIRST + dt.timedelta(hours=1)


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


def test_an_area_is_merged_into_a_new_one_while_people_are_swept(server: EmbeddedServer, tmp_path: Path) -> None:
    """Announced, in force, then written by registers: each day as a full sweep says, and all of it replays."""
    merged_on, published = ON_DATE + dt.timedelta(days=2), Published.below(tmp_path)
    tables = sweep_world.made_tables(200)
    views = views_of(tables)
    old_rules = published.catalogue()
    history = History(tmp_path / "history", cn_rulebook().vocabulary, views)
    for view in views:
        deliver(history, view, tables[view.kind], FIRST)
    session = emptied(server, tmp_path)
    source = RecordedFacts(tmp_path / "history", views)
    clock = [KNOWN]
    runner = Sweeper(server, tmp_path, source, Settings(1, 1_000), lambda: clock[0])
    full = runner.run(old_rules, ON_DATE).looked_at
    published.end_an_area("440300", merged_on, "440198")
    published.add_an_area("440198", "440100", merged_on)
    rules = published.catalogue()
    new_vocabulary = sound_rulebook(rules).vocabulary
    history = History(tmp_path / "history", new_vocabulary, views)

    def sweep_and_compare(days: int) -> int:
        day = ON_DATE + dt.timedelta(days=days)
        clock[0] = KNOWN + dt.timedelta(days=days)
        looked_at = runner.run(rules, day).looked_at
        want = expected(history.as_of(day, clock[0]), day, sound_rulebook(rules))
        assert_frame_equal(current(session).select(ANSWER), want.select(ANSWER))
        return looked_at

    assert sweep_and_compare(1) == full, "areas are part of every rule"
    before = current(session)
    assert 0 < sweep_and_compare(2) < full, "whoever the merge cannot concern is not looked at"
    told_so = current(session).join(before, on=ANSWER[:3], how="anti")
    of_the_merged = tables["person"].filter(pl.col("hukou_area").cast(pl.String) == "440300")["id"]
    assert told_so["id"].is_in(of_the_merged.implode()).any(), "benefits of the city now concern them"
    there = pl.col("hukou_area").cast(pl.String) == "440300"
    recoded = tables["person"].filter(there).with_columns(hukou_area=pl.lit("440198"))
    deliver(history, views[0], recoded.cast({"hukou_area": area_type(tuple(sorted(new_vocabulary.areas.by_code)))}),
            FIRST + dt.timedelta(days=3))  # fmt: skip
    assert 0 < sweep_and_compare(3) < full
    runner.close()
    for sweep in sweeps.all_sweeps(session):
        assert Replayer(session, tmp_path, source, sweep.id).everything().differing == 0
    session.close()


def test_a_fact_that_the_dictionary_gained_later_hinders_no_replay(server: EmbeddedServer, tmp_path: Path) -> None:
    tables = sweep_world.made_tables(60)
    (person, *others), published = views_of(tables), Published.below(tmp_path)
    history = History(tmp_path / "history", cn_rulebook().vocabulary, (person, *others))
    for view in (person, *others):
        deliver(history, view, tables[view.kind], FIRST)
    session = emptied(server, tmp_path)
    views = (replace(person, facts=(*person.facts, "learned_to_swim")), *others)
    source = RecordedFacts(tmp_path / "history", views)
    runner = Sweeper(server, tmp_path, source, Settings(1, 1_000), lambda: KNOWN)
    sweep = runner.run(published.catalogue(), ON_DATE).sweep
    runner.close()
    assert Replayer(session, tmp_path, source, sweep.id).everything().differing == 0
    session.close()
