"""Feast's point-in-time read gives what the history gives, row by row."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from features.facts.encoding import ID, STALE_SUFFIX
from features.history.history import History
from features.history.records import View
from features.store.settings import StoreSettings
from features.store.training import TrainingSets
from tests.unit.features.store.histories import (
    CN,
    PEOPLE,
    READS,
    Act,
    act_on,
    acts,
    deliver,
    deliveries,
    empty_history,
    moment,
    purposes,
    telling_days,
)

Made = list[tuple[View, int, list[dict[str, Any]], int]]


def settings(folder: Path) -> StoreSettings:
    return StoreSettings(folder, online="postgresql://unused")


@pytest.mark.long  # half a minute; other tests of this file look at the same in small
@settings_of_hypothesis(max_examples=25)
@given(made=deliveries(), done=acts(), known=st.integers(400, 900))
def test_a_training_set_is_what_the_history_says(
    tmp_path_factory: pytest.TempPathFactory, made: Made, done: list[Act], known: int
) -> None:
    folder = tmp_path_factory.mktemp("history")
    history = empty_history(folder / "history")
    for view, learned, rows, attested in made:
        deliver(history, view, learned, rows, attested)
    act_on(history, done)
    spine = pl.DataFrame(
        [(i, on_date) for on_date in telling_days(made) for i in PEOPLE], [ID, "on_date"], orient="row"
    )
    with TrainingSets(settings(folder), history, CN, purposes()).at(moment(known)) as snapshot:
        for purpose in READS:
            found = snapshot.read(purpose, "person", spine)
            facts = sorted(fact for kind, fact in READS[purpose] if kind == "person")
            assert set(found.columns) == {ID, "on_date", *facts}
            for (on_date,), rows_of_day in found.group_by("on_date"):
                assert as_dicts(rows_of_day, facts) == known_facts(history, on_date, moment(known), facts)


def as_dicts(rows: pl.DataFrame, facts: list[str]) -> dict[str, dict[str, Any]]:
    return {row[ID]: {fact: row[fact] for fact in facts} for row in rows.iter_rows(named=True)}


def known_facts(
    history: History, on_date: dt.date, known_at: dt.datetime, facts: list[str]
) -> dict[str, dict[str, Any]]:
    """What the history holds of everybody, null where it is not known or too old."""
    table = history.as_of(on_date, known_at, kinds=["person"], facts=facts).get("person")
    found: dict[str, dict[str, Any]] = {i: dict.fromkeys(facts) for i in PEOPLE}
    for row in [] if table is None else table.iter_rows(named=True):
        for fact in facts:
            stale_on = row.get(fact + STALE_SUFFIX)
            found[row[ID]][fact] = None if stale_on is not None and stale_on <= on_date else row[fact]
    return found
