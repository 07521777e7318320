"""Whatever the order in which events come, however often, in however many deliveries: one end state."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.events.loading import LifeEvents, rows_of
from features.events.log import EventLog
from features.events.messages import Event
from features.events.statements import Folded, Place, Row, changes, fold
from features.facts.encoding import Tables
from features.history.history import History
from features.history.records import Batch
from tests.folders import passing_folder
from tests.unit.features.events.worlds import DAYS, Twin, china, lines, logs

START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
ASKED = sorted({day + dt.timedelta(days=shift) for day in DAYS for shift in (-1, 0, 1)})


def state(folded: Folded) -> object:
    return folded.rows, folded.contradicted, folded.resolved.idle, folded.resolved.disputed


@pytest.mark.searched
@given(logs(6), st.randoms(use_true_random=False))
def test_all_orders_of_up_to_six_events_have_one_end_state(events: list[Event], chance: Random) -> None:
    expected = state(fold(events, china()))
    for order in itertools.permutations(events):
        again = [*order, *chance.choices(events, k=2)]
        assert state(fold(again, china())) == expected


def deliver(twin: Twin, held: dict[Place, Row], folded: Folded, load: int) -> dict[Place, Row]:
    """One load's changes, as one batch per view: what a history is told."""
    changed = changes(held, folded.rows)
    for view in sorted({place[0] for place in changed}):
        of_view = {place: row for place, row in changed.items() if place[0] == view}
        batch = Batch(view, f"{load}-{view}", "test", START + dt.timedelta(hours=load), START.date())
        twin.append(batch, rows_of(china().views[view], of_view, china().vocabulary))
    return dict(folded.rows)


@pytest.mark.searched
@given(logs(30), st.randoms(use_true_random=False))
def test_any_order_of_many_events_one_by_one_reads_the_same_on_every_day(events: list[Event], chance: Random) -> None:
    ended = START + dt.timedelta(days=30)
    readings: list[object] = []
    for turn in range(3):
        twin, held, seen = Twin(), dict[Place, Row](), list[Event]()
        order = [*events, *chance.choices(events, k=len(events) * turn)]
        if turn:
            chance.shuffle(order)
        for load, said in enumerate(order):
            seen.append(said)
            held = deliver(twin, held, fold(seen, china()), load)
        readings.append([twin.as_of(day, ended) for day in ASKED])
    assert readings[0] == readings[1] == readings[2]


@pytest.mark.searched
@given(logs(10), st.randoms(use_true_random=False))
def test_through_files_and_the_log_in_any_chunks(events: list[Event], chance: Random) -> None:
    """The log works out only what a load may change: that must come to the same as working out everything."""
    everything = Twin()
    deliver(everything, {}, fold(events, china()), 0)
    with passing_folder() as folder:
        twin = Twin()
        life = LifeEvents(EventLog(Path(folder) / "log"), china(), twin)
        left = [*events, *events]
        chance.shuffle(left)
        while left:
            size = chance.randint(1, len(left))
            path = Path(folder) / "events.jsonl"
            path.write_bytes(b"".join(lines(left[:size])))
            loaded = life.load(path, START)
            assert not loaded.problems
            left = left[size:]
        for day in ASKED:
            assert twin.as_of(day, START + dt.timedelta(days=1)) == everything.as_of(day, START + dt.timedelta(days=1))


@pytest.mark.searched
@given(logs(8), st.integers(1, 7))
def test_what_was_known_at_an_earlier_moment_stays_as_it_was(events: list[Event], cut: int) -> None:
    twin = Twin()
    held = deliver(twin, {}, fold(events[:cut], china()), 1)
    known_at = START + dt.timedelta(hours=1)
    before = [twin.as_of(day, known_at) for day in ASKED]
    deliver(twin, held, fold(events, china()), 2)
    assert [twin.as_of(day, known_at) for day in ASKED] == before


def loaded(folder: Path, chunks: list[list[Event]]) -> History:
    """A history to which events came in chunks."""
    history = History(folder / "history", china().vocabulary, china().views.values())
    life = LifeEvents(EventLog(folder / "log"), china(), history)
    for number, chunk in enumerate(chunks):
        path = folder / "events.jsonl"
        path.write_bytes(b"".join(lines(chunk)))
        assert not life.load(path, START + dt.timedelta(minutes=number)).problems
    return history


def same_in_the_history(events: list[Event], chance: Random) -> None:
    """In the real history: what is read of every day after chunks in any order is what one load brings."""
    ended = START + dt.timedelta(days=1)
    with passing_folder() as one, passing_folder() as other:
        whole = loaded(Path(one), [events])
        order = [*events, *events]
        chance.shuffle(order)
        cuts = sorted(chance.choices(range(len(order)), k=2))
        parts = loaded(Path(other), [order[: cuts[0]], order[cuts[0] : cuts[1]], order[cuts[1] :]])
        for day in ASKED:
            first, second = (_with_somebody(history.as_of(day, ended)) for history in (whole, parts))
            assert first == second


def _with_somebody(tables: Tables) -> dict[str, dict[str, dict[str, object]]]:
    """Who is known and what of: whoever was named by a withdrawn row alone is somebody of whom nothing is known."""
    found: dict[str, dict[str, dict[str, object]]] = {}
    for kind, table in tables.items():
        for row in table.iter_rows(named=True):
            held = {name: value for name, value in row.items() if value is not None and name != "id"}
            if held:
                found.setdefault(kind, {})[row["id"]] = held
    return found


@settings(max_examples=10)
@given(logs(6), st.randoms(use_true_random=False))
def test_in_the_history_any_chunks_read_the_same(events: list[Event], chance: Random) -> None:
    same_in_the_history(events, chance)


@pytest.mark.long
@settings(max_examples=500)
@given(logs(8), st.randoms(use_true_random=False))
def test_in_the_history_any_chunks_read_the_same_at_length(events: list[Event], chance: Random) -> None:
    same_in_the_history(events, chance)
