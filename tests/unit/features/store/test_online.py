"""The online store gives what the history holds, with where it comes from, and errs nowhere that stock stores err."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from features.facts.encoding import ID
from features.facts.values import Gap, Known, Unknown
from features.history.history import History
from features.history.records import STATUS, TRUE_FROM, WITHDRAWN, View
from features.store.backends.place import Place
from features.store.errors import PurposeError, UnknownPurposeError
from features.store.filling import OnlineFiller
from features.store.places import open_place, subject_key
from features.store.purposes import kept_views
from features.store.reading import OnlineFacts
from features.store.rows import Held, Row, ViewRows, day_number, dump, load, moment_number
from features.store.taking_in import take_in
from tests.unit.features.store.histories import (
    AID,
    CN,
    HOUSES,
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
    telling_days,
)

Made = list[tuple[View, int, list[dict[str, Any]], int]]
KEPT = kept_views(VIEWS, purposes())
HIDDEN = ("birth_date", "receives_dibao")


@pytest.fixture
def place(online: tuple[str, str]) -> Iterator[Place]:
    opened = open_place(*online)
    opened.prepare()
    yield opened
    opened.drop()
    opened.close()


def reader(place: Place) -> OnlineFacts:
    return OnlineFacts(place, CN, purposes(), KEPT)


def filler(place: Place, history: History) -> OnlineFiller:
    return OnlineFiller(place, history, CN, KEPT)


@settings_of_hypothesis(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=deliveries(), done=acts(), pushed=st.integers(0, 8))
def test_what_is_read_online_is_what_the_history_holds(
    place: Place, tmp_path_factory: pytest.TempPathFactory, made: Made, done: list[Act], pushed: int
) -> None:
    place.drop()
    history = empty_history(tmp_path_factory.mktemp("history"))
    act_on(history, done)
    made = one_after_the_other(made)
    before, after = made[:pushed], made[pushed:]
    for view, learned, rows, attested in before:
        deliver(history, view, learned, rows, attested)
    at = before[-1][1] if before else -1
    filler(place, history).fill(moment(at))
    for view, learned, rows, attested in after:
        deliver(history, view, learned, rows, attested)
        changed = history.changed(moment(at), moment(learned))
        filler(place, history).push_changes(changed, moment(learned))
        at = learned
    last = made[-1][1]
    for on_date in telling_days(made):
        if on_date < day(last):
            continue  # online is for the day, not for the past
        held = {subject: history.holdings("person", subject, on_date, moment(last)) for subject in PEOPLE}
        for purpose in READS:
            found = reader(place).read(purpose, "person", PEOPLE, on_date)
            for subject in PEOPLE:
                for fact, read in found[subject].facts.items():
                    expected = held[subject][fact]
                    if isinstance(expected, Known) and expected.stale_on is not None and expected.stale_on <= on_date:
                        expected = Unknown(Gap.STALE)
                    assert read.holding == expected, (purpose, subject, fact, on_date)


def one_after_the_other(made: Made) -> Made:
    """The deliveries by the day on which they are learned, never two on one."""
    ordered: Made = []
    for view, learned, rows, attested in sorted(made, key=lambda delivery: delivery[1]):
        ordered.append((view, max(learned, ordered[-1][1] + 1) if ordered else learned, rows, attested))
    return ordered


def told(history: History) -> None:
    deliver(history, HUKOU, 0, [
        {ID: "p1", TRUE_FROM: day(-100), "household_id": "h1", "birth_date": dt.date(1950, 2, 28)},
        {ID: "p2", TRUE_FROM: day(-100), "household_id": "h1"},
        {ID: "p3", TRUE_FROM: day(-100), "household_id": "h2"},
    ])  # fmt: skip
    deliver(
        history, HOUSES, 1, [{ID: "h1", TRUE_FROM: day(-50), "household_size": 2, "household_income_month": 2_000_00}]
    )
    deliver(history, AID, 2, [{ID: "p1", TRUE_FROM: day(0), "receives_dibao": True}])


def test_a_household_is_read_with_where_every_value_comes_from(place: Place, tmp_path: Path) -> None:
    history = empty_history(tmp_path)
    told(history)
    filler(place, history).fill(moment(2))
    found = reader(place).read_group("benefit__aid", "household", "h1", day(40))
    assert sorted(found["person"]) == ["p1", "p2"]
    size = found["household"]["h1"].facts["household_size"]
    assert isinstance(size.holding, Known)
    assert (size.holding.value, size.register, size.view) == (2, "civil_affairs", HOUSES.id)
    assert (size.true_from, size.learned_at, size.age_days) == (day(-50), moment(1), 39)
    unborn = found["person"]["p2"].facts["birth_date"]
    assert (unborn.gap, unborn.register) == (Gap.NOT_HELD, None)


def test_who_moved_away_is_no_longer_of_the_household(place: Place, tmp_path: Path) -> None:
    history = empty_history(tmp_path)
    told(history)
    filler(place, history).fill(moment(2))
    deliver(history, HUKOU, 30, [
        {ID: "p1", TRUE_FROM: day(-100), "household_id": "h1"}, {ID: "p2", TRUE_FROM: day(20), "household_id": "h2"},
        {ID: "p3", TRUE_FROM: day(-100), "household_id": "h2"},
    ])  # fmt: skip
    filler(place, history).push_changes(history.changed(moment(2), moment(30)), moment(30))
    assert sorted(reader(place).read_group("benefit__aid", "household", "h1", day(40))["person"]) == ["p1"]
    assert sorted(reader(place).read_group("benefit__aid", "household", "h2", day(40))["person"]) == ["p2", "p3"]


def test_an_absent_subject_is_not_one_whose_values_are_unknown(place: Place, tmp_path: Path) -> None:
    history = empty_history(tmp_path)
    deliver(history, WORK, 0, [{ID: "p1", TRUE_FROM: day(0)}])
    filler(place, history).fill(moment(0))
    found = reader(place).read("benefit__work", "person", ["p1", "nobody"], day(1))
    assert (found["p1"].is_held, found["nobody"].is_held) == (True, False)
    assert {read.gap for subject in found.values() for read in subject.facts.values()} == {Gap.NOT_HELD}


def test_a_value_that_is_too_old_is_a_gap(place: Place, tmp_path: Path) -> None:
    history = empty_history(tmp_path)
    deliver(history, WORK, 0, [{ID: "p1", TRUE_FROM: day(0), "insured_area": "440112"}])
    filler(place, history).fill(moment(0))
    read = reader(place).read
    fresh = read("benefit__work", "person", ["p1"], dt.date(2024, 3, 31))["p1"].facts["insured_area"]
    stale = read("benefit__work", "person", ["p1"], dt.date(2024, 4, 1))["p1"].facts["insured_area"]
    assert (fresh.gap, stale.gap) == (None, Gap.STALE)
    assert (stale.register, stale.attested_on) == (WORK.register, day(0))


def test_a_list_that_says_the_same_again_renews_everybody_without_writing_them(place: Place, tmp_path: Path) -> None:
    history = empty_history(tmp_path)
    rows = [{ID: i, TRUE_FROM: day(0), "hukou_area": "440100"} for i in PEOPLE]
    deliver(history, HUKOU, 0, rows)
    filler(place, history).fill(moment(0))
    deliver(history, HUKOU, 300, rows)
    assert filler(place, history).push_changes(history.changed(moment(0), moment(300)), moment(300)) == 0
    area = reader(place).read("benefit__aid", "person", ["p1"], day(500))["p1"].facts["hukou_area"]
    assert (area.gap, area.attested_on, area.learned_at) == (None, day(300), moment(0))


def test_a_list_that_drops_one_of_somebodys_rows_lets_the_row_before_speak(place: Place, tmp_path: Path) -> None:
    history = empty_history(tmp_path)
    first = {ID: "p1", TRUE_FROM: day(0), "hukou_area": "440100"}
    deliver(history, HUKOU, 10, [first, {ID: "p1", TRUE_FROM: day(5), "hukou_area": "440112"}])
    filler(place, history).fill(moment(10))
    deliver(history, HUKOU, 20, [first])
    filler(place, history).push_changes(history.changed(moment(10), moment(20)), moment(20))
    area = reader(place).read("benefit__aid", "person", ["p1"], day(20))["p1"].facts["hukou_area"].holding
    assert area == history.holdings("person", "p1", day(20), moment(20))["hukou_area"]
    assert isinstance(area, Known)
    assert area.value == "440100"


def test_what_is_withheld_or_disputed_is_not_there_to_be_read_until_it_is_released(
    place: Place, tmp_path: Path
) -> None:
    history = empty_history(tmp_path)
    told(history)
    filler(place, history).fill(moment(2))
    history.withholding.withhold("person", "p1", "birth_date", "citizen", moment(3))
    history.tickets.open("person", "p1", "receives_dibao", AID.register, "wrong", moment(3), day(33))
    filler(place, history).push_changes(history.changed(moment(2), moment(3)), moment(3))
    facts = reader(place).read("benefit__aid", "person", ["p1"], day(4))["p1"].facts
    assert (facts["birth_date"].gap, facts["receives_dibao"].gap) == (Gap.WITHHELD, Gap.CONFLICTING)
    held = load(place.read([subject_key("person", "p1")])[subject_key("person", "p1")])
    cells = [row.facts.get(fact) for rows in held.views.values() for row in rows.rows for fact in HIDDEN]
    assert cells == [None] * len(cells)
    event = Row(day_number(day(3)), moment_number(moment(4)), facts={"receives_dibao": True})
    take_in(place, {subject_key("person", "p1"): dump(Held({AID.id: ViewRows(later=(event,))}))})
    facts = reader(place).read("benefit__aid", "person", ["p1"], day(4))["p1"].facts
    assert facts["receives_dibao"].gap is Gap.CONFLICTING
    history.withholding.release("person", "p1", "birth_date", "citizen", moment(5))
    history.tickets.answer(1, moment(5))
    filler(place, history).push_changes(history.changed(moment(3), moment(5)), moment(5))
    facts = reader(place).read("benefit__aid", "person", ["p1"], day(6))["p1"].facts
    assert all(isinstance(facts[fact].holding, Known) for fact in HIDDEN)


def test_nothing_is_fetched_beyond_the_purpose(place: Place) -> None:
    with pytest.raises(PurposeError, match=r"art\. 6"):
        reader(place).read("benefit__work", "person", ["p1"], day(0), facts=["birth_date"])
    with pytest.raises(PurposeError, match=r"`person\.household_id`"):
        reader(place).read_group("benefit__work", "household", "h1", day(0))
    with pytest.raises(UnknownPurposeError, match="benefit__closed"):
        reader(place).read("benefit__closed", "person", ["p1"], day(0))


def test_what_nothing_active_reads_is_not_written(place: Place, tmp_path: Path) -> None:
    history = empty_history(tmp_path)
    deliver(
        history, WORK, 0, [{ID: "p1", TRUE_FROM: day(0), "insured_area": "440112", "pension_contribution_years": 9}]
    )
    only = purposes({"benefit__work": [("person", "insured_area")]})
    OnlineFiller(place, history, CN, kept_views(VIEWS, only)).fill(moment(0))
    held = load(place.read([subject_key("person", "p1")])[subject_key("person", "p1")])
    assert [list(row.facts) for rows in held.views.values() for row in rows.rows] == [["insured_area"]]


def test_pushing_an_older_state_changes_nothing(place: Place, tmp_path: Path) -> None:
    history = empty_history(tmp_path)
    deliver(history, AID, 0, [{ID: "p1", TRUE_FROM: day(0), "receives_dibao": True}])
    deliver(history, AID, 5, [{ID: "p1", TRUE_FROM: day(0), STATUS: WITHDRAWN}])
    assert filler(place, history).push({"person": ["p1"]}, moment(5)) == 1
    assert filler(place, history).push({"person": ["p1"]}, moment(0)) == 0
    assert reader(place).read("model__need", "person", ["p1"], day(6))["p1"].facts["receives_dibao"].gap is Gap.NOT_HELD


def test_many_readers_and_a_writer(place: Place, online: tuple[str, str], tmp_path: Path) -> None:
    history = empty_history(tmp_path)
    for learned in range(20):
        amounts = [{ID: i, TRUE_FROM: day(0), "receives_dibao": True, "own_assistance_month": learned} for i in PEOPLE]
        deliver(history, AID, learned, amounts)
    filler(place, history).fill(moment(0))
    failures: list[BaseException] = []
    seen: list[list[int]] = [[] for _ in range(6)]
    done = threading.Event()

    def keep_reading(amounts: list[int]) -> None:
        mine = open_place(*online)
        try:
            while not done.is_set() or not amounts:
                held = reader(mine).read("benefit__aid", "person", ["p1"], day(30))["p1"]
                holding = held.facts["own_assistance_month"].holding
                assert isinstance(holding, Known)
                amounts.append(int(holding.value))  # type: ignore[arg-type] # money is a number
        except BaseException as error:  # noqa: BLE001 whatever it is, the test must tell it
            failures.append(error)
        finally:
            mine.close()

    threads = [threading.Thread(target=keep_reading, args=(amounts,)) for amounts in seen]
    for thread in threads:
        thread.start()
    for learned in range(20):
        filler(place, history).push({"person": PEOPLE}, moment(learned))
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert all(amounts == sorted(amounts) for amounts in seen)
    last = reader(place).read("benefit__aid", "person", ["p1"], day(30))["p1"].facts["own_assistance_month"]
    assert last.holding == Known(19, AID.register, day(0), dt.date(2025, 1, 20))


def test_two_writers_lose_nothing_of_each_other(online: tuple[str, str], place: Place) -> None:
    def write(view: str) -> None:
        mine = open_place(*online)
        for learned in range(50):
            row = Row(learned, learned, facts={"receives_dibao": True})
            take(mine, {view: ViewRows(later=(row,))})
        mine.close()

    threads = [threading.Thread(target=write, args=(view,)) for view in (AID.id, WORK.id)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = load(place.read(["person:p1"])["person:p1"])
    assert {view: len(rows.rows) for view, rows in held.views.items()} == {AID.id: 50, WORK.id: 50}


def take(place: Place, views: dict[str, ViewRows]) -> None:

    take_in(place, {"person:p1": dump(Held(views))})
