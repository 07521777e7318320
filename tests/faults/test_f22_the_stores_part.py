"""F22: the online store says something else than the history. It is noticed, and nothing is delivered automatically."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from features.facts.encoding import ID
from features.history.history import History
from features.history.records import TRUE_FROM
from features.store.backends.place import Place
from features.store.filling import OnlineFiller
from features.store.places import open_place, subject_key
from features.store.purposes import kept_views
from features.store.reading import OnlineFacts
from features.store.rows import Held, Row, ViewRows, day_number, dump, load, moment_number
from features.store.skew import Skew, SkewError, compare, sample
from features.store.taking_in import take_in
from tests.unit.features.store.histories import AID, CN, VIEWS, day, deliver, empty_history, moment, purposes

PEOPLE = [f"p{number:05}" for number in range(1_200)]
KEPT = kept_views(VIEWS, purposes())


@pytest.fixture
def place(online: tuple[str, str]) -> Iterator[Place]:
    opened = open_place(*online)
    opened.prepare()
    yield opened
    opened.drop()
    opened.close()


@pytest.fixture
def history(tmp_path: Path, place: Place) -> History:
    history = empty_history(tmp_path)
    deliver(history, AID, 0, [{ID: i, TRUE_FROM: day(0), "receives_dibao": True} for i in PEOPLE])
    OnlineFiller(place, history, CN, KEPT).fill(moment(0))
    return history


def check(place: Place, history: History, size: int = 1_000) -> Skew:
    online = OnlineFacts(place, CN, purposes(), KEPT)
    ids = sample(history.subjects("person", moment(0)).to_list(), seed=22, size=size)
    return compare(online, history, "model__need", "person", ids, day(1), moment(0))


def alter(place: Place, ids: list[str]) -> None:
    """What a bug, or a hand in the database, does to one store: an amount that the history does not hold."""
    row = Row(day_number(day(0)), moment_number(moment(500)), facts={"receives_dibao": False})
    wrong = dump(Held({AID.id: ViewRows(later=(row,))}))
    take_in(place, {subject_key("person", i): wrong for i in ids})


def test_stores_that_agree_may_deliver(place: Place, history: History) -> None:
    skew = check(place, history)
    assert (skew.compared, skew.differing, skew.may_deliver) == (1_000, 0, True)
    skew.require()


def test_one_in_a_thousand_stops_automatic_delivery(place: Place, history: History) -> None:
    sampled = sample(PEOPLE, seed=22)
    alter(place, sampled[:1])
    skew = check(place, history)
    assert (skew.differing, skew.facts, skew.may_deliver) == (1, {"receives_dibao": 1}, False)
    with pytest.raises(SkewError, match="Automatic delivery stops") as caught:
        skew.require()
    assert sampled[0] not in str(caught.value)


def test_a_store_that_lost_its_rows_stops_automatic_delivery(place: Place, history: History) -> None:
    place.drop()
    place.prepare()
    assert check(place, history).differing == 1_000


def test_filling_again_heals(place: Place, history: History) -> None:
    alter(place, sample(PEOPLE, seed=22)[:5])
    assert not check(place, history).may_deliver
    OnlineFiller(place, history, CN, KEPT).fill(moment(501))
    assert check(place, history).may_deliver


def test_too_few_compared_says_nothing_and_stops(place: Place, history: History) -> None:
    skew = check(place, history, size=999)
    assert (skew.differing, skew.may_deliver) == (0, False)
    assert "Too few" in skew.said
    assert load(place.read([subject_key("person", PEOPLE[0])])[subject_key("person", PEOPLE[0])]).views
