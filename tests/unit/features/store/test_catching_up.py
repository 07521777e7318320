"""The online store is told what was learned, whatever stops in between and in whatever order things were written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from features.facts.encoding import ID
from features.facts.values import Gap, Known, Unknown
from features.history.history import History
from features.history.records import TRUE_FROM, View
from features.store.backends.place import Merge, Place
from features.store.catching_up import CaughtUp, catch_up, is_current, read_mark
from features.store.filling import OnlineFiller
from features.store.places import open_place, subject_key
from features.store.purposes import kept_views
from features.store.reading import OnlineFacts
from features.store.rows import load
from tests.unit.features.store.histories import (
    AID,
    CN,
    HUKOU,
    PEOPLE,
    READS,
    VIEWS,
    WORK,
    Act,
    act_on,
    acts,
    day,
    deliver,
    deliveries,
    empty_history,
    moment,
    purposes,
)

KEPT = kept_views(VIEWS, purposes())
Made = list[tuple[View, int, list[dict[str, Any]], int]]


@pytest.fixture
def place(online: tuple[str, str]) -> Iterator[Place]:
    opened = open_place(*online)
    yield opened
    opened.drop()
    opened.close()


def filler(place: Place, history: History, views: Sequence[View] = KEPT) -> OnlineFiller:
    return OnlineFiller(place, history, CN, views)


def reader(place: Place) -> OnlineFacts:
    return OnlineFacts(place, CN, purposes(), KEPT)


def assert_same(place: Place, history: History, on_date: dt.date, known_at: dt.datetime) -> None:
    """Everything that is read online is what the history holds."""
    held = {subject: history.holdings("person", subject, on_date, known_at) for subject in PEOPLE}
    for purpose in READS:
        for subject, found in reader(place).read(purpose, "person", PEOPLE, on_date).items():
            for fact, read in found.facts.items():
                expected = held[subject][fact]
                if isinstance(expected, Known) and expected.stale_on is not None and expected.stale_on <= on_date:
                    expected = Unknown(Gap.STALE)
                assert read.holding == expected, (purpose, subject, fact)


class Killed(BaseException):
    """The process was killed."""


class Dying:
    """A place whose process is killed at one of its writes: before it, so that the write never happened."""

    def __init__(self, place: Place, writes: int) -> None:
        self.place, self.writes = place, writes

    def prepare(self) -> None:
        self.place.prepare()

    def read(self, keys: Sequence[str]) -> dict[str, bytes]:
        return self.place.read(keys)

    def change(self, keys: Sequence[str], merge: Merge) -> int:
        if not self.writes:
            raise Killed
        self.writes -= 1
        return self.place.change(keys, merge)

    def drop(self) -> None:
        self.place.drop()

    def close(self) -> None:
        self.place.close()


def test_the_first_time_it_is_filled_then_told_what_changed_then_nothing(place: Place, tmp_path: Path) -> None:
    history = empty_history(tmp_path)
    deliver(history, AID, 0, [{ID: i, TRUE_FROM: day(0), "receives_dibao": True} for i in PEOPLE])
    first = catch_up(filler(place, history), moment(1))
    assert (first.filled, first.written, first.known_at) == (True, 3, moment(1))
    deliver(history, AID, 2, [{ID: "p1", TRUE_FROM: day(2), "receives_dibao": False}])
    assert not is_current(filler(place, history))
    second = catch_up(filler(place, history), moment(3))
    assert (second.filled, second.written, second.known_at) == (False, 1, moment(3))
    assert is_current(filler(place, history))
    assert catch_up(filler(place, history), moment(4)) == CaughtUp(filled=False, written=0, known_at=moment(3))
    assert_same(place, history, day(4), moment(4))


def test_what_was_learned_before_the_last_push_and_written_after_it_is_told(place: Place, tmp_path: Path) -> None:
    """A long load bears the moment at which it began: a mark that were a moment would pass it over."""
    history = empty_history(tmp_path)
    deliver(history, AID, 5, [{ID: "p1", TRUE_FROM: day(0), "receives_dibao": True}])
    catch_up(filler(place, history), moment(6))
    deliver(history, WORK, 1, [{ID: "p2", TRUE_FROM: day(0), "insured_area": "440112"}])
    assert not catch_up(filler(place, history), moment(7)).filled
    assert_same(place, history, day(8), moment(8))


def test_a_clock_that_was_set_back_keeps_nothing_from_being_told(place: Place, tmp_path: Path) -> None:
    history = empty_history(tmp_path)
    deliver(history, AID, 5, [{ID: "p1", TRUE_FROM: day(0), "receives_dibao": True}])
    catch_up(filler(place, history), moment(6))
    deliver(history, AID, 5, [{ID: "p1", TRUE_FROM: day(0), "receives_dibao": False}])
    assert catch_up(filler(place, history), moment(2)).written == 1
    assert_same(place, history, day(8), moment(8))


def test_what_people_withhold_and_dispute_is_told(place: Place, tmp_path: Path) -> None:
    history = empty_history(tmp_path)
    deliver(history, AID, 0, [{ID: "p1", TRUE_FROM: day(0), "receives_dibao": True}])
    catch_up(filler(place, history), moment(0))
    for noted, number in ((history.withholding.withhold, 1), (history.withholding.release, 2)):
        noted("person", "p1", "receives_dibao", "citizen", moment(number))
        assert catch_up(filler(place, history), moment(number)).written == 1
        assert_same(place, history, day(9), moment(number))
    ticket = history.tickets.open("person", "p1", "receives_dibao", AID.register, "wrong", moment(3), day(30))
    assert catch_up(filler(place, history), moment(3)).written == 1
    history.tickets.answer(ticket.id, moment(4))
    assert catch_up(filler(place, history), moment(4)).written == 1
    assert_same(place, history, day(9), moment(4))


def test_a_store_that_lost_its_rows_is_filled_anew(place: Place, tmp_path: Path) -> None:
    history = empty_history(tmp_path)
    deliver(history, AID, 0, [{ID: i, TRUE_FROM: day(0), "receives_dibao": True} for i in PEOPLE])
    catch_up(filler(place, history), moment(1))
    place.drop()
    assert catch_up(filler(place, history), moment(2)).filled
    assert_same(place, history, day(2), moment(2))


def test_what_is_no_longer_read_leaves_every_row(place: Place, tmp_path: Path) -> None:
    history = empty_history(tmp_path)
    told = {"insured_area": "440112", "pension_contribution_years": 9}
    deliver(history, WORK, 0, [{ID: "p1", TRUE_FROM: day(0), **told}])
    catch_up(filler(place, history), moment(1))
    few = kept_views(VIEWS, purposes({"benefit__work": [("person", "insured_area")]}))
    assert catch_up(filler(place, history, few), moment(2)).filled
    mark = read_mark(place)
    assert mark is not None
    assert mark.views(VIEWS) == few
    held = load(place.read([subject_key("person", "p1")])[subject_key("person", "p1")])
    assert [list(row.facts) for rows in held.views.values() for row in rows.rows] == [["insured_area"]]


def test_filling_anew_writes_also_who_is_written_already(place: Place, tmp_path: Path) -> None:
    history = empty_history(tmp_path)
    deliver(history, AID, 0, [{ID: "p1", TRUE_FROM: day(0), "receives_dibao": True}])
    catch_up(filler(place, history), moment(1))
    key = subject_key("person", "p1")

    def broken(there: Mapping[str, bytes]) -> dict[str, bytes]:
        return {key: there[key].replace(b"true", b"false")}

    place.change([key], broken)
    assert catch_up(filler(place, history), moment(2)).written == 0
    assert catch_up(filler(place, history), moment(3), anew=True).written == 1
    assert_same(place, history, day(3), moment(3))


@settings_of_hypothesis(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    made=deliveries(),
    done=acts(),
    turns=st.lists(st.tuples(st.integers(0, 900), st.one_of(st.none(), st.integers(0, 4))), min_size=9, max_size=9),
)
def test_whenever_it_is_told_or_killed_it_ends_with_what_the_history_holds(
    place: Place,
    tmp_path_factory: pytest.TempPathFactory,
    made: Made,
    done: list[Act],
    turns: list[tuple[int, int | None]],
) -> None:
    """Deliveries written in any order of their moments, clocks that jump, a kill at any write."""
    place.drop()
    history = empty_history(tmp_path_factory.mktemp("history"))
    for (view, learned, rows, attested), (clock, killed_at) in zip(made, turns, strict=False):
        deliver(history, view, learned, rows, attested)
        if killed_at is None:
            catch_up(filler(place, history), moment(clock))
            continue
        try:
            catch_up(filler(Dying(place, killed_at), history), moment(clock))
        except Killed:
            assert not is_current(filler(place, history))
    act_on(history, done)
    last = catch_up(filler(place, history), moment(turns[-1][0]))
    assert is_current(filler(place, history))
    for on_date in (last.known_at.date(), last.known_at.date() + dt.timedelta(days=200)):
        assert_same(place, history, max(on_date, day(900)), last.known_at)


def test_a_list_that_comes_late_among_others_is_told(place: Place, tmp_path: Path) -> None:
    history = empty_history(tmp_path)
    for learned, area in ((10, "440100"), (30, "440112")):
        deliver(history, HUKOU, learned, [{ID: "p1", TRUE_FROM: day(0), "hukou_area": area}])
    catch_up(filler(place, history), moment(31))
    deliver(history, HUKOU, 32, [{ID: "p2", TRUE_FROM: day(5), "hukou_area": "440100"}], attested=20)
    catch_up(filler(place, history), moment(33))
    assert_same(place, history, day(40), moment(40))
