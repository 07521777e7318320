"""What append tells, what changed, and that whoever is killed leaves a whole delivery or nothing."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from features.documents import Wording
from features.facts.areas import Area, Areas
from features.facts.encoding import column_type
from features.facts.values import Gap, Known, Unknown
from features.history.errors import HistoryError
from features.history.history import History
from features.history.keeping import Appended
from features.history.records import Batch, View
from tests.unit.history.plain import Line, frame_of
from tests.unit.history.test_as_of import TYPES, VIEWS, VOCABULARY

PEOPLE, MOVES, WAGES, GOATS = VIEWS
ON = dt.date(2026, 7, 1)


def at(month: int, day: int = 2) -> dt.datetime:
    return dt.datetime(2026, month, day, 8, tzinfo=dt.UTC)


def deliver(history: History, view: View, month: int, *lines: Line, content: str = "") -> Appended:
    day = dt.date(2026, month, 1)
    batch = Batch(view.id, content or f"{view.id}-{month}", "file.csv", at(month), day)
    return history.append(batch, frame_of(view, lines, TYPES))


def person(subject: str, wage: int | None, since: dt.date = dt.date(2020, 1, 1), status: str = "stated") -> Line:
    return Line(subject, since, None, status, (None, wage, None))


def earner(subject: str, wage: int | None, goats: int | None = None, since: dt.date = dt.date(2020, 1, 1)) -> Line:
    return Line(subject, since, None, "stated", (wage, goats))


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history", VOCABULARY, VIEWS)


def test_the_same_content_of_the_same_day_is_taken_once(history: History) -> None:
    assert deliver(history, PEOPLE, 1, person("ann", 100)) == Appended(taken=True, new=1)
    assert deliver(history, PEOPLE, 1, person("ann", 100)) == Appended(taken=False)
    assert deliver(history, PEOPLE, 2, person("ann", 100), content="village_office.people-1").taken


def test_a_list_stores_what_it_changes_and_closes_whom_it_leaves_out(history: History) -> None:
    deliver(history, PEOPLE, 1, person("ann", 100), person("bo", 100), person("cy", 100))
    found = deliver(history, PEOPLE, 2, person("ann", 100), person("bo", 200))
    assert found == Appended(taken=True, new=1, unchanged=1, closed=1)
    held = history.holdings("person", "cy", dt.date(2026, 1, 31), at(3))["wage"]
    assert isinstance(held, Known)
    assert history.holdings("person", "cy", dt.date(2026, 2, 1), at(3))["wage"] == Unknown(Gap.NOT_HELD)
    again = deliver(history, PEOPLE, 3, person("ann", 100), person("bo", 200), person("cy", 100))
    assert again == Appended(taken=True, new=1, unchanged=2)
    assert isinstance(history.holdings("person", "cy", dt.date(2026, 2, 1), at(3))["wage"], Known)


def test_a_list_without_dates_says_nothing_new_of_whoever_it_repeats(history: History) -> None:
    deliver(history, PEOPLE, 1, person("ann", 100, dt.date(2026, 1, 1)))
    assert deliver(history, PEOPLE, 2, person("ann", 100, dt.date(2026, 2, 1))).unchanged == 1
    held = history.holdings("person", "ann", ON, at(8))["wage"]
    assert isinstance(held, Known)
    assert (held.true_from, held.stale_on) == (dt.date(2026, 1, 1), dt.date(2027, 2, 1))


def test_a_list_that_arrives_after_one_of_a_later_day_is_recorded_and_changes_nothing(history: History) -> None:
    deliver(history, PEOPLE, 3, person("ann", 300))
    late = Batch(PEOPLE.id, "old", "file.csv", at(4), dt.date(2026, 2, 1))
    assert history.append(late, frame_of(PEOPLE, [person("ann", 200)], TYPES)).overtaken
    held = history.holdings("person", "ann", ON, at(8))["wage"]
    assert isinstance(held, Known)
    assert held.value == 300


def test_what_changed_names_subjects_records_and_moments(history: History) -> None:
    deliver(history, PEOPLE, 1, person("ann", 100), person("bo", 100), person("cy", 100))
    deliver(history, PEOPLE, 2, person("ann", 100), person("bo", 200))
    deliver(history, WAGES, 3, earner("ann", 100))
    changed = history.changed(at(1), at(3))
    assert changed.select("id", "view", "record").rows() == [
        ("bo", PEOPLE.id, "village_office.people-2:2"),
        ("cy", PEOPLE.id, "village_office.people-2:0"),
        ("ann", WAGES.id, "tax.wages-3:1"),
    ]
    assert history.changed(at(3), at(9)).is_empty()


def test_a_list_that_drops_one_of_somebodys_rows_changes_her(history: History) -> None:
    first, second = person("ann", 100, dt.date(2026, 1, 1)), person("ann", 200, dt.date(2026, 2, 1))
    deliver(history, PEOPLE, 1, first, second, person("bo", 100))
    deliver(history, PEOPLE, 2, first, person("bo", 100))
    assert history.changed(at(1), at(2)).select("id", "record").rows() == [("ann", "village_office.people-2:0")]


def test_a_list_that_renews_what_may_have_been_too_old_changes_everybody_on_it(history: History) -> None:
    deliver(history, GOATS, 1, Line("ann", dt.date(2020, 1, 1), None, "stated", (1, [24300])))
    deliver(history, GOATS, 4, Line("ann", dt.date(2020, 1, 1), None, "stated", (1, [24300])))
    assert history.changed(at(1), at(4)).select("id", "record").rows() == [("ann", "shop.goats-4:0")]


def test_the_coming_of_a_day_turns_those_whose_rows_begin_or_end(history: History) -> None:
    rows = [
        Line("ann", dt.date(2026, 5, 10), None, "stated", (100, None)),
        Line("bo", dt.date(2020, 1, 1), dt.date(2026, 5, 11), "stated", (100, None)),
        Line("cy", dt.date(2020, 1, 1), None, "stated", (100, None)),
    ]
    deliver(history, WAGES, 1, *rows)
    assert history.turned(dt.date(2026, 5, 9), dt.date(2026, 5, 10), at(2))["id"].to_list() == ["ann"]
    assert history.turned(dt.date(2026, 5, 9), dt.date(2026, 5, 11), at(2))["id"].to_list() == ["ann", "bo"]


def test_only_whom_a_register_tells_of_has_a_row(history: History) -> None:
    line = Line("ann", dt.date(2020, 1, 1), None, "stated", (None, 100, "h1"))
    deliver(history, PEOPLE, 1, line)
    assert history.as_of(ON, at(8)).keys() == {"person"}
    assert history.subjects("person", at(8)).to_list() == ["ann"]
    assert history.subjects("household", at(8)).to_list() == []
    assert history.subjects("person", at(1, 1)).to_list() == []


def test_whoever_may_have_one_more_person_is_doubtful(history: History) -> None:
    def living(subject: str, home: str | None, status: str = "stated", month: int = 1) -> Line:
        return Line(subject, dt.date(2020, month, 1), None, status, (None, None, home))

    deliver(history, PEOPLE, 1, living("ann", "h1"), living("bo", "h2"), living("cy", "h3"), living("di", "h4"))
    deliver(history, MOVES, 1, Line("ann", dt.date(2020, 1, 1), None, "stated", ("910000", "h9")))
    lists = [living("ann", "h1"), living("bo", None, "quarantined", 2), living("cy", "h3"), living("di", "h4")]
    deliver(history, PEOPLE, 2, *lists)
    history.tickets.open("person", "cy", "household_id", "village_office", "moved", at(2, 5), dt.date(2026, 3, 1))
    found = [("household", home) for home in ("h1", "h2", "h3", "h9")]
    assert history.doubtful(ON, at(3)).rows() == found
    assert history.doubtful(dt.date(2029, 1, 1), at(3)).rows() == [*found[:3], ("household", "h4"), found[3]]


def test_a_ticket_leaves_the_fact_disputed_until_the_register_changes_its_record(history: History) -> None:
    deliver(history, PEOPLE, 1, person("ann", 100), person("bo", 100))
    history.tickets.open("person", "ann", "wage", "village_office", "citizen_says_wrong", at(2, 5), dt.date(2026, 3, 1))
    wages = history.as_of(ON, at(2, 6), facts=["wage"])["person"]
    assert wages["wage"].to_list() == [None, 100]
    assert history.holdings("person", "ann", ON, at(2, 6))["wage"] == Unknown(Gap.CONFLICTING)
    assert isinstance(history.holdings("person", "ann", ON, at(2, 4))["wage"], Known)
    deliver(history, PEOPLE, 3, person("ann", 100), person("bo", 200))
    deliver(history, WAGES, 4, earner("ann", 100))
    (state,) = history.ticket_states(at(4))
    assert state.closed_at is None
    assert state.is_overdue(dt.date(2026, 3, 2))
    deliver(history, PEOPLE, 5, person("ann", 100, dt.date(2021, 1, 1)), person("bo", 200))
    (state,) = history.ticket_states(at(6))
    assert state.closed_at == at(5)
    assert isinstance(history.holdings("person", "ann", ON, at(6))["wage"], Known)
    assert history.holdings("person", "ann", ON, at(4))["wage"] == Unknown(Gap.CONFLICTING)


def test_a_ticket_is_closed_when_the_register_says_that_its_record_stands(history: History) -> None:
    deliver(history, PEOPLE, 1, person("ann", 100))
    ticket = history.tickets.open("person", "ann", "wage", "village_office", "wrong", at(2, 5), dt.date(2026, 3, 1))
    history.tickets.answer(ticket.id, at(3))
    assert history.ticket_states(at(2, 9))[0].closed_at is None
    assert history.ticket_states(at(3))[0].closed_at == at(3)
    assert history.changed(at(2), at(4)).select("id", "record").rows() == [("ann", "tickets:1"), ("ann", "tickets:1")]
    with pytest.raises(HistoryError, match="There is no such ticket"):
        history.tickets.answer(7, at(3))


def test_a_withheld_fact_is_unknown_until_whoever_withheld_it_releases_it(history: History) -> None:
    deliver(history, PEOPLE, 1, person("ann", 100))
    history.withholding.withhold("person", "ann", "wage", "citizen", at(2))
    history.withholding.release("person", "ann", "wage", "village_office", at(3))
    assert history.holdings("person", "ann", ON, at(4))["wage"] == Unknown(Gap.WITHHELD)
    assert history.as_of(ON, at(4))["person"]["wage"].to_list() == [None]
    assert isinstance(history.holdings("person", "ann", ON, at(1))["wage"], Known)
    history.withholding.release("person", "ann", "wage", "citizen", at(5))
    assert isinstance(history.holdings("person", "ann", ON, at(5))["wage"], Known)


def test_an_entry_that_was_never_finished_is_no_entry(history: History) -> None:
    history.withholding.withhold("person", "ann", "wage", "citizen", at(2))
    with (history.folder / "withholding.jsonl").open("a") as file:
        file.write('{"kind": "person", "subj')
    history.withholding.withhold("person", "bo", "wage", "citizen", at(2))
    assert history.withholding.in_force("person", at(3)) == {("ann", "wage"), ("bo", "wage")}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop("status"), r"Columns are missing \(status\)"),
        (lambda f: f.with_columns(pl.lit(1).alias("shoes")), r"other columns \(shoes\)"),
        (lambda f: f.with_columns(pl.lit("x").alias("wage")), "Columns are not encoded: wage"),
        (lambda f: f.with_columns(pl.lit(None, dtype=pl.Date).alias("true_from")), "row 1: The id, the first day"),
        (lambda f: f.with_columns(pl.lit("none").alias("id")), "row 1: The id, the first day"),
    ],
)
def test_rows_that_are_not_what_the_view_carries_are_refused(history: History, change: object, message: str) -> None:
    batch = Batch(PEOPLE.id, "x", "file.csv", at(1), dt.date(2026, 1, 1))
    with pytest.raises(HistoryError, match=message):
        history.append(batch, change(frame_of(PEOPLE, [person("ann", 100)], TYPES)))  # type: ignore[operator]
    assert history.as_of(ON, at(8)) == {}


def test_a_view_of_unknown_facts_or_batch_of_an_unknown_view_is_refused(tmp_path: Path, history: History) -> None:
    with pytest.raises(HistoryError, match="no fact `shoes` of a person"):
        History(tmp_path, VOCABULARY, [View("a.b", "a", "person", ("shoes",), full=True)])
    with pytest.raises(HistoryError, match=r"There is no view `a\.b`"):
        history.append(Batch("a.b", "x", "file.csv", at(1), ON), pl.DataFrame())


WRITER = """
import datetime as dt, sys
from pathlib import Path
from tests.unit.history import test_keeping as t
from features.history.history import History
history = History(Path(sys.argv[1]), t.VOCABULARY, t.VIEWS)
print("ready", flush=True)
for number in range(1, 100_000):
    lines = [t.person(f"p{i}", number) for i in range(200)]
    batch = t.Batch(t.PEOPLE.id, str(number), "f", t.at(1) + dt.timedelta(seconds=number), dt.date(2026, 1, 1))
    history.append(batch, t.frame_of(t.PEOPLE, lines, t.TYPES))
"""


def test_whoever_is_killed_while_writing_leaves_whole_deliveries(tmp_path: Path) -> None:
    committed = 0
    for pause in (0.05, 0.11, 0.17, 0.23):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(pause)
            os.kill(writer.pid, signal.SIGKILL)
        batches = len(list((tmp_path / "batches").glob("*.json")))
        assert batches >= committed
        committed = batches
        people = History(tmp_path, VOCABULARY, VIEWS).as_of(ON, at(8)).get("person")
        if people is not None:
            assert people.height == 200
            assert people["wage"].n_unique() == 1
    assert committed > 0


@pytest.mark.parametrize("order", [(3, 5), (5, 3)], ids=["in turn", "inserted before another"])
def test_lists_from_before_an_area_had_its_code_are_read_and_compared(tmp_path: Path, order: tuple[int, int]) -> None:
    """A merge of two villages gives the new one a code of its own: what was kept before knows nothing of it."""
    view = View("village_office.homes", "village_office", "person", ("lives_in",), full=True)
    merged = Area("930000", Wording("新村", "New Village"), "900000")
    areas = Areas({**VOCABULARY.areas.by_code, merged.code: merged})
    homes = {
        1: {"ann": "910000", "bo": "910000", "cy": "920000"},
        3: {"ann": "910000", "bo": "910000", "cy": "930000"},
        5: {"ann": "930000", "bo": "910000"},
    }
    new = dataclasses.replace(VOCABULARY, areas=areas)
    for month in (1, *order):
        known = VOCABULARY if month == 1 else new
        types = {"lives_in": column_type(known.dictionary.facts["lives_in"], known.areas)}
        day = dt.date(2026, month, 1)
        lines = [Line(subject, day, None, "stated", (home,)) for subject, home in homes[month].items()]
        batch = Batch(view.id, f"homes-{month}", "file.csv", at(month), day)
        assert History(tmp_path, known, [view]).append(batch, frame_of(view, lines, types)).taken
    read = History(tmp_path, new, [view])
    found = {month: read.as_of(dt.date(2026, month, 1), at(7))["person"] for month in homes}
    assert {m: dict(zip(t["id"], t["lives_in"], strict=True)) for m, t in found.items()} == {
        **homes, 5: {**homes[5], "cy": None}
    }  # fmt: skip
