"""Feast's point-in-time read gives what the history gives, row by row."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from features.facts.encoding import ID, STALE_SUFFIX
from features.history.history import History
from features.history.records import View
from features.store.settings import StoreSettings
from features.store.training import TrainingSets
from tests.unit.features.store.histories import CN, READS, day, deliver, deliveries, empty_history, moment, purposes

Made = list[tuple[View, int, list[dict[str, Any]], int]]


def settings(folder: Path) -> StoreSettings:
    return StoreSettings(folder, online="postgresql://unused")


@given(made=deliveries(), asked=st.lists(st.tuples(st.sampled_from(["p1", "p2", "p3"]), st.integers(-250, 1300)), min_size=1, max_size=8), known=st.integers(0, 900))
def test_a_training_set_is_what_the_history_says(
    tmp_path_factory: Any, made: Made, asked: list[tuple[str, int]], known: int
) -> None:
    folder: Path = tmp_path_factory.mktemp("history")
    history = empty_history(folder / "history")
    for view, learned, rows, attested in made:
        deliver(history, view, learned, rows, attested)
    spine = pl.DataFrame({ID: [i for i, _ in asked], "on_date": [day(d) for _, d in asked]})
    with TrainingSets(settings(folder), history, CN, purposes()).at(moment(known)) as snapshot:
        for purpose in READS:
            found = snapshot.read(purpose, "person", spine)
            facts = [fact for kind, fact in READS[purpose] if kind == "person"]
            assert set(found.columns) == {ID, "on_date", *facts}
            for row in found.iter_rows(named=True):
                assert {f: row[f] for f in facts} == known_facts(history, row[ID], row["on_date"], moment(known), facts)


def known_facts(
    history: History, subject: str, on_date: dt.date, known_at: dt.datetime, facts: list[str]
) -> dict[str, Any]:
    """What the history holds of a subject, null where it is not known or too old."""
    table = history.as_of(on_date, known_at, ids={"person": [subject]}, facts=facts).get("person")
    if table is None or table.height == 0:
        return dict.fromkeys(facts)
    row = table.row(0, named=True)
    stale = {f: row.get(f + STALE_SUFFIX) for f in facts}
    return {f: None if (s := stale[f]) is not None and s <= on_date else row[f] for f in facts}
