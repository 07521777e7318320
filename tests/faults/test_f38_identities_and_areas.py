"""F38: two ids, one person; one id, two persons. And row 26: districts that merge and split on a day."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from features.events.identity import identities, unified
from tests.faults.elders import APRIL, BENEFIT, ELIGIBLE, answers, elder, tell_of
from tests.unit.features.events.city import City
from tests.unit.features.events.worlds import china, event

MERGED = dt.date(2021, 4, 9)
EVE = dt.date(2021, 4, 8)


def test_two_ids_that_are_one_person_get_one_answer_and_old_grants_follow(tmp_path: Path) -> None:
    city = elder(tmp_path, alive_attested="2026-02-28")
    tell_of(city, "old", "2026-02-28")
    before = city.now
    assert eligible(city, before) == ["p1", "old"]
    city.told(event("persons_merged", "2026-03-20", source="police", kept="p1", retired="old"))
    assert eligible(city, before) == ["p1", "old"]
    assert eligible(city, city.now) == ["p1"]
    known = identities(city.history.as_of(APRIL, city.now))
    assert known.ids_of("p1") == ["p1", "old"]
    paid = pl.DataFrame({"id": ["p1", "old"], "benefit": [BENEFIT] * 2, "month": ["2026-03"] * 2})
    assert known.doubled(paid).get_column("person").to_list() == ["p1", "p1"]


def test_a_merge_that_was_a_mistake_is_undone(tmp_path: Path) -> None:
    city = elder(tmp_path, alive_attested="2026-02-28")
    city.told(event("persons_merged", "2026-03-20", source="police", id="m", kept="p1", retired="old"))
    city.told(event("persons_merged", "2026-03-25", source="police", id="r", kept="p1", retired="old", reverses="m"))
    assert identities(city.history.as_of(APRIL, city.now)).kept == {}


def test_an_id_that_was_two_persons_is_named_so_that_its_old_grants_go_to_a_human(tmp_path: Path) -> None:
    city = elder(tmp_path, alive_attested="2026-02-28")
    city.told(event("person_split", "2026-03-20", source="police", person="p1", other="p2", birth_date="1961-05-04"))
    known = identities(city.history.as_of(APRIL, city.now))
    assert set(known.shared) == {"p1"}
    assert dict(known.origin) == {"p2": "p1"}
    assert city.fact("birth_date", person="p2") == dt.date(1961, 5, 4)
    assert city.fact("identity_split_on") == dt.date(2026, 3, 20)


def eligible(city: City, known_at: dt.datetime) -> list[str]:
    tables = city.history.as_of(APRIL, known_at)
    tables = unified(tables, identities(tables), china().vocabulary)
    return tables["person"].filter(answers(tables).get_column("outcome") == ELIGIBLE).get_column("id").to_list()


@pytest.mark.parametrize(
    ("code", "day", "expected"),
    [
        ("330103", EVE, ("330103",)),
        ("330103", MERGED, ("330105",)),
        ("330104", EVE, ("330104",)),
        ("330104", MERGED, ("330102", "330114")),
        ("330105", MERGED, ("330105",)),
        ("999999", MERGED, ("999999",)),
    ],
)
def test_hangzhou_before_and_after_its_districts_changed(code: str, day: dt.date, expected: tuple[str, ...]) -> None:
    assert china().vocabulary.areas.now(code, day) == expected


def test_what_was_read_before_a_merge_keeps_the_old_code_and_totals_reconcile(tmp_path: Path) -> None:
    city = City(tmp_path)
    for number, code in enumerate(["330103", "330103", "330104", "330105", "330106"]):
        city.registered("public_security", f"p{number}", "2010-01-01", "2021-01-01", hukou_area=code)
    known_before = city.now
    city.registered("public_security", "p0", "2021-04-09", "2021-06-01", hukou_area="330105")
    for known_at in (known_before, city.now):
        assert count(city, EVE, known_at) == {"330103": 2, "330104": 1, "330105": 1, "330106": 1}
    assert count(city, MERGED, known_before) == {"330105": 3, "330102 330114": 1, "330106": 1}
    assert count(city, MERGED, city.now) == {"330105": 3, "330102 330114": 1, "330106": 1}


def count(city: City, day: dt.date, known_at: dt.datetime) -> dict[str, int]:
    """People by where they belong on the day."""
    areas = china().vocabulary.areas
    found: dict[str, int] = {}
    for code in city.history.as_of(day, known_at)["person"].get_column("hukou_area"):
        where = " ".join(areas.now(code, day))
        found[where] = found.get(where, 0) + 1
    return found
