"""A delivery that is read before a sweep and committed after it: not in that sweep, and in the next."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from features.history.history import History
from serving.store import sweeps
from serving.store.server import EmbeddedServer
from serving.sweep.facts import RecordedFacts
from serving.sweep.replay import Replayer
from serving.sweep.run import Settings, Sweeper
from tests import sweep_world
from tests.sweep_world import FIRST, ON_DATE, cn_catalogue, cn_rulebook, current, emptied, expected
from tests.unit.serving.sweep.test_recorded_history import deliver, views_of


def test_the_next_sweep_sees_what_was_committed_late(server: EmbeddedServer, tmp_path: Path) -> None:
    tables = sweep_world.made_tables(100)
    views = views_of(tables)
    vocabulary = cn_rulebook().vocabulary
    history = History(tmp_path / "history", vocabulary, views)
    for view in views:
        deliver(history, view, tables[view.kind], FIRST)
    source = RecordedFacts(tmp_path / "history", views)
    moments = [FIRST + dt.timedelta(hours=1), FIRST + dt.timedelta(hours=2)]
    began = FIRST + dt.timedelta(minutes=30)
    with emptied(server, tmp_path) as session:
        for moment in moments:
            runner = Sweeper(server, tmp_path, source, Settings(1, 150), lambda moment=moment: moment)  # type: ignore[misc]
            runner.run(cn_catalogue(), ON_DATE)
            runner.close()
            if moment == moments[0]:
                mover = tables["person"].head(3).with_columns(household_id=tables["household"]["id"].tail(3))
                deliver(history, views[0], mover, began)
        assert current(session).equals(expected(history.as_of(ON_DATE, moments[1])))
        assert not history.as_of(ON_DATE, moments[0])["person"].equals(history.as_of(ON_DATE, moments[1])["person"])
        for sweep in sweeps.all_sweeps(session):
            assert Replayer(session, tmp_path, source, sweep.id).everything().differing == 0


def test_late_deliveries_of_a_view_are_read_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    tables = sweep_world.made_tables(5)
    views = views_of({"person": tables["person"]})
    history = History(tmp_path / "history", cn_rulebook().vocabulary, views)
    answered = FIRST + dt.timedelta(hours=5)
    history.answer_until(answered)
    history.answer_until(FIRST)
    one = tables["person"].head(1)
    for number in range(3):
        home = one.select("id", household_id=one["id"].str.head(0) + f"h{number}")
        deliver(history, views[0], home, FIRST + dt.timedelta(minutes=number))
    assert "person" not in history.as_of(ON_DATE, answered)
    later = History(tmp_path / "history", cn_rulebook().vocabulary, views)
    held = later.as_of(ON_DATE, answered + dt.timedelta(microseconds=3))["person"]
    assert held["household_id"].to_list() == ["h2"]
    assert later.as_of(ON_DATE, answered + dt.timedelta(microseconds=2))["person"]["household_id"].to_list() == ["h1"]
