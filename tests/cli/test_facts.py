"""`applyfree facts`: what a caseworker sees of one subject."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from features.history.history import History
from features.history.records import STATUS, TRUE_FROM, View
from serving.loading import open_loader
from tests.cli.shell import applyfree
from tests.unit.features.store.histories import FIRST, deliver

LATER = "2026-03-01"


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    monkeypatch.setenv("APPLYFREE_HOME", str(tmp_path))
    return open_loader(tmp_path, "cn").history


def view_with(history: History, fact: str) -> View:
    return next(view for view in history.views.values() if fact in view.facts)


def test_every_fact_is_listed_with_its_source_and_dates_or_with_its_gap(history: History) -> None:
    view = view_with(history, "disability_grade")
    deliver(history, view, 0, [{"id": "p1", TRUE_FROM: FIRST, "disability_grade": 2}])
    done = applyfree("facts", "p1", "--on-date", "2024-03-01", "--lang", "en", "--format", "json")
    rows = {row["fact"]: row for row in json.loads(done.out)}
    grade = rows["disability_grade"]
    assert (grade["source"], grade["true_from"], grade["gap"]) == (view.register, str(FIRST), "")
    assert grade["value"] == "grade 2"
    assert rows["birth_date"]["gap"] == "not_held"
    assert (rows["birth_date"]["value"], rows["birth_date"]["source"]) == ("", None)


def test_a_value_that_is_too_old_and_one_that_was_set_aside_are_not_known(history: History) -> None:
    view = view_with(history, "disability_grade")
    stated, unreadable = {"disability_grade": 2}, {STATUS: "quarantined"}
    rows = [{"id": "p1", TRUE_FROM: FIRST, **stated}, {"id": "p2", TRUE_FROM: FIRST, **unreadable}]
    deliver(history, view, 0, rows)
    old = applyfree("facts", "p1", "--on-date", LATER, "--lang", "en", "--format", "csv").out
    assert next(line for line in old.splitlines() if ",disability_grade," in line).split(",")[5] == "stale"
    aside = applyfree("facts", "p2", "--on-date", "2024-03-01", "--lang", "en", "--format", "csv").out
    assert next(line for line in aside.splitlines() if ",disability_grade," in line).split(",")[5] == "quarantined"


def test_what_life_events_told_is_listed_too(history: History) -> None:
    view = next(view for view in history.views.values() if view.id == "events.death")
    deliver(history, view, 0, [{"id": "p1", TRUE_FROM: FIRST, "deceased": True}])
    done = applyfree("facts", "p1", "--on-date", "2024-01-02", "--lang", "en", "--format", "json")
    rows = {row["fact"]: row for row in json.loads(done.out)}
    assert (rows["deceased"]["source"], rows["deceased"]["gap"]) == (view.register, "")


def test_what_is_withheld_or_disputed_is_listed_without_its_value(history: History) -> None:
    view = view_with(history, "disability_grade")
    deliver(history, view, 0, [{"id": i, TRUE_FROM: FIRST, "disability_grade": 2} for i in ("p1", "p2")])
    since = dt.datetime.combine(FIRST, dt.time(12), tzinfo=dt.UTC)
    history.withholding.withhold("person", "p1", "disability_grade", "citizen", since)
    history.tickets.open("person", "p2", "disability_grade", view.register, "wrong", since, FIRST)
    for subject, gap in (("p1", "withheld"), ("p2", "conflicting")):
        done = applyfree("facts", subject, "--on-date", "2024-03-01", "--lang", "en", "--format", "json")
        grade = {row["fact"]: row for row in json.loads(done.out)}["disability_grade"]
        assert (grade["gap"], grade["value"]) == (gap, "")


def test_the_table_says_how_much_is_known(history: History) -> None:
    view = view_with(history, "disability_grade")
    deliver(history, view, 0, [{"id": "p1", TRUE_FROM: FIRST, "disability_grade": 2}])
    assert "1 of " in applyfree("facts", "p1", "--on-date", "2024-03-01").out


def test_what_was_learned_later_is_not_shown(history: History) -> None:
    view = view_with(history, "disability_grade")
    deliver(history, view, 10, [{"id": "p1", TRUE_FROM: FIRST, "disability_grade": 2}])
    before = FIRST + dt.timedelta(days=9)
    assert applyfree("facts", "p1", "--known-at", str(before)).status == 2
    assert applyfree("facts", "p1", "--known-at", str(before + dt.timedelta(days=1))).status == 0


def test_nobody_of_that_id_is_an_error_that_says_what_to_do(history: History) -> None:
    done = applyfree("facts", "nobody")
    assert done.status == 2
    assert "applyfree ingest" in done.err
    assert "nobody" not in done.err
    assert "There is no kind" in applyfree("facts", "p1", "--kind", "dog").err


def test_a_household_is_listed_with_its_members(history: History) -> None:
    homes = view_with(history, "household_income_month")
    people = view_with(history, "household_id")
    deliver(history, homes, 0, [{"id": "h1", TRUE_FROM: FIRST, "household_income_month": 1_200_00}])
    lived = {"p1": "h1", "p2": "h1", "p3": "h2"}
    deliver(history, people, 0, [{"id": i, TRUE_FROM: FIRST, "household_id": home} for i, home in lived.items()])
    asked = ("facts", "h1", "--kind", "household", "--on-date", "2024-01-02", "--lang", "en")
    rows = json.loads(applyfree(*asked, "--format", "json").out)
    assert {(row["subject"], row["id"]) for row in rows} == {("household", "h1"), ("person", "p1"), ("person", "p2")}
    (income,) = [row for row in rows if row["fact"] == "household_income_month"]
    assert (income["id"], income["source"], income["gap"]) == ("h1", homes.register, "")
    alone = json.loads(applyfree(*asked, "--no-members", "--format", "json").out)
    assert {row["id"] for row in alone} == {"h1"}
    table = applyfree(*asked).out
    assert "household h1 on 2024-01-02" in table
    assert "person p2 on 2024-01-02" in table
    assert "p3" not in table
    assert "Registers disagree" not in table


def test_it_is_told_where_registers_disagree_about_the_members(history: History) -> None:
    carrying = [view for view in history.views.values() if "household_id" in view.facts]
    assert len(carrying) > 1
    for view, home in zip(carrying, ("h1", "h2"), strict=False):
        deliver(history, view, 0, [{"id": "p1", TRUE_FROM: FIRST, "household_id": home}])
    homes = view_with(history, "household_income_month")
    deliver(history, homes, 0, [{"id": "h1", TRUE_FROM: FIRST, "household_income_month": 1_200_00}])
    done = applyfree("facts", "h1", "--on-date", "2024-01-02")
    assert "there may be other members" in done.out
