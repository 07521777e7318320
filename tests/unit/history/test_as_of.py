"""The history answers like a plain reading of all deliveries, whatever came, in whatever order it was taken in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.facts.dictionary import Authority
from features.facts.encoding import STALE_SUFFIX, column_type
from features.facts.values import Gap, Known, Unknown
from features.history.history import History
from features.history.records import Batch, View
from tests.folders import passing_folder
from tests.unit.history.plain import Answer, Delivery, Line, answer, frame_of
from tests.village_world import village_vocabulary

VILLAGE = village_vocabulary()
_GOATS = VILLAGE.dictionary.facts["goats"]
FACTS = VILLAGE.dictionary.facts | {
    "goats": replace(_GOATS, authority=Authority(("shop", "tax"), "村规 第二条", _GOATS.place))
}
VOCABULARY = replace(VILLAGE, dictionary=replace(VILLAGE.dictionary, facts=FACTS))
TYPES = {fact.id: column_type(fact, VOCABULARY.areas) for fact in FACTS.values()}
VIEWS = (
    View("village_office.people", "village_office", "person", ("birth_date", "wage", "household_id"), full=True),
    View("village_office.moves", "village_office", "person", ("lives_in", "household_id"), full=False),
    View("tax.wages", "tax", "person", ("wage", "goats"), full=False),
    View("shop.goats", "shop", "person", ("goats", "paid_months"), full=True),
)
START = dt.date(2025, 1, 1)
DAYS = st.integers(0, 12).map(lambda n: START + dt.timedelta(days=45 * n))
MOMENTS = st.integers(0, 12).map(lambda n: dt.datetime(2025, 1, 1, 8, tzinfo=dt.UTC) + dt.timedelta(days=45 * n))
SUBJECTS = ("ann", "bo", "cy")
CELLS = {
    "birth_date": st.sampled_from([dt.date(1960, 1, 1), dt.date(1961, 1, 1)]),
    "wage": st.sampled_from([100, 200]),
    "household_id": st.sampled_from(["h1", "h2", "none"]),
    "lives_in": st.sampled_from(["910000"]),
    "goats": st.integers(0, 1),
    "paid_months": st.sampled_from([[24300], [24300, 24301], []]),
}


@st.composite
def lines(draw: st.DrawFn, view: View, day: dt.date) -> Line:
    start = draw(st.one_of(st.just(day), DAYS))
    end = draw(st.one_of(st.none(), st.none(), st.integers(-90, 200).map(lambda n: start + dt.timedelta(days=n))))
    status = draw(st.sampled_from(["stated", "stated", "stated", "withdrawn", "quarantined"]))
    cells = tuple(
        None if status == "quarantined" and fact != "household_id" else draw(st.one_of(st.none(), CELLS[fact]))
        for fact in view.facts
    )
    return Line(draw(st.sampled_from(SUBJECTS)), start, end, status, cells)


@st.composite
def deliveries(draw: st.DrawFn) -> list[Delivery]:
    found = []
    for number in range(draw(st.integers(1, 9))):
        view = draw(st.sampled_from(VIEWS))
        day = draw(DAYS)
        listed = draw(st.lists(lines(view, day), max_size=4))
        if draw(st.booleans()):  # a list without dates of its own, one line each
            listed = list({line.id: replace(line, true_from=day, true_to=None) for line in listed}.values())
        batch = Batch(view.id, f"{number:064x}", "file.csv", draw(MOMENTS), day)
        found.append(Delivery(batch, tuple(listed)))
    return found


def take_in(folder: Path, taken: Sequence[Delivery]) -> History:
    history = History(folder, VOCABULARY, VIEWS)
    by_id = {view.id: view for view in VIEWS}
    for delivery in taken:
        history.append(delivery.batch, frame_of(by_id[delivery.batch.view], delivery.lines, TYPES))
    return history


def is_listed(taken: Sequence[Delivery], subject: str, on_date: dt.date, known_at: dt.datetime) -> bool:
    """Was anything said of a subject that a reader of the whole history could still find?"""
    return any(
        line.id == subject and line.true_from <= on_date
        for d in taken
        if d.batch.learned_at <= known_at
        for line in d.lines
    )


@pytest.mark.searched
@given(deliveries(), st.randoms(use_true_random=False), DAYS, MOMENTS)
def test_as_of_and_holdings_equal_the_plain_reading(
    taken: list[Delivery], chance: object, on_date: dt.date, known_at: dt.datetime
) -> None:
    shuffled = list(taken)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    with passing_folder() as folder:
        take_in(Path(folder), shuffled[: len(shuffled) // 2])
        history = take_in(Path(folder), shuffled)  # opened anew, and half of it delivered twice
        tables = history.as_of(on_date, known_at)
        rows = {row["id"]: row for row in tables["person"].iter_rows(named=True)} if "person" in tables else {}
        for subject in SUBJECTS:
            held = history.holdings("person", subject, on_date, known_at)
            few = history.as_of(on_date, known_at, ids={"person": [subject]}, facts=["wage"])
            if subject in rows:
                assert few["person"]["wage"].to_list() == [rows[subject]["wage"]]
                assert is_listed(taken, subject, on_date, known_at)
            for fact in {name for view in VIEWS for name in view.facts}:
                plain = answer(VOCABULARY, VIEWS, taken, subject, fact, on_date, known_at)
                assert same(plain, rows.get(subject), fact), (subject, fact, plain, rows.get(subject))
                assert told(held[fact]) == plain.gap, (subject, fact, plain, held[fact])


def same(plain: Answer, row: dict[str, object] | None, fact: str) -> bool:
    if row is None:
        return plain.gap is Gap.NOT_HELD
    stale_on = row.get(fact + STALE_SUFFIX)
    return (row[fact], stale_on) == (plain.value, plain.stale_on)


def told(holding: Known | Unknown) -> Gap | None:
    return holding.gap if isinstance(holding, Unknown) else None


@pytest.mark.searched
@given(deliveries(), DAYS, MOMENTS, st.integers(0, 60), st.integers(0, 60))
def test_whoever_neither_changed_nor_turned_has_the_same_facts(
    taken: list[Delivery], on_date: dt.date, known_at: dt.datetime, days: int, moments: int
) -> None:
    taken.sort(key=lambda delivery: delivery.batch.learned_at)
    today, now = on_date + dt.timedelta(days=days), known_at + dt.timedelta(days=moments)
    with passing_folder() as folder:
        history = take_in(Path(folder), taken)
        named = {*history.changed(known_at, now)["id"], *history.turned(on_date, today, now)["id"]}
        before, after = history.as_of(on_date, known_at), history.as_of(today, now)
        old = {row["id"]: row for row in before["person"].iter_rows(named=True)} if before else {}
        new = {row["id"]: row for row in after["person"].iter_rows(named=True)} if after else {}
        for subject in set(SUBJECTS) - named:
            assert (subject in old) == (subject in new)
            for name in old.get(subject, {}):
                assert name.endswith(STALE_SUFFIX) or old[subject][name] == new[subject][name], name
