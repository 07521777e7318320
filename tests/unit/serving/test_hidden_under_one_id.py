"""Who withholds or disputes a fact means the fact, under whichever of their ids an office keeps it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from features.facts.values import Gap
from serving.sweep.identities import UnifiedHistory
from tests.faults.elders import APRIL, BENEFIT, ELIGIBLE, UNDETERMINED, answers, elder, tell_of
from tests.unit.features.events.city import City
from tests.unit.features.events.worlds import event


@pytest.fixture
def city(tmp_path: Path) -> City:
    """A man of whom every register told the same under both of his ids."""
    made = elder(tmp_path, alive_attested="2026-02-28")
    tell_of(made, "old", "2026-02-28")
    made.told(event("persons_merged", "2026-03-20", source="police", id="m", kept="p1", retired="old"))
    return made


def outcome(city: City, known_at: dt.datetime | None = None) -> object:
    tables = UnifiedHistory(city.history).as_of(APRIL, known_at or city.now, ids={"person": ["p1"]})
    (row,) = answers(tables).iter_rows(named=True)
    return row["outcome"]


def gap(city: City, fact: str, known_at: dt.datetime | None = None) -> Gap | None:
    return UnifiedHistory(city.history).gaps("person", "p1", APRIL, known_at or city.now, [fact])[fact]


@pytest.mark.parametrize("person", ["p1", "old"])
def test_a_fact_withheld_under_one_id_is_withheld_though_the_other_tells_it(city: City, person: str) -> None:
    before = city.now
    assert (outcome(city), gap(city, "birth_date")) == (ELIGIBLE, None), BENEFIT
    city.now += dt.timedelta(hours=1)
    city.history.withholding.withhold("person", person, "birth_date", "citizen", city.now)
    assert (outcome(city), gap(city, "birth_date")) == (UNDETERMINED, Gap.WITHHELD)
    assert (outcome(city, before), gap(city, "birth_date", before)) == (ELIGIBLE, None)
    assert set(UnifiedHistory(city.history).changed(before, city.now)["id"]) >= {"p1", "old"}
    everybody = UnifiedHistory(city.history).as_of(APRIL, city.now, kinds=["person"], facts=["birth_date"])["person"]
    assert everybody["birth_date"].to_list() == [None, None]
    city.now += dt.timedelta(hours=1)
    city.history.withholding.release("person", person, "birth_date", "citizen", city.now)
    assert (outcome(city), gap(city, "birth_date")) == (ELIGIBLE, None)


@pytest.mark.parametrize("person", ["p1", "old"])
def test_a_fact_disputed_under_one_id_is_disputed_though_the_other_tells_it(city: City, person: str) -> None:
    city.now += dt.timedelta(hours=1)
    due = dt.date(2026, 6, 1)
    city.history.tickets.open("person", person, "hukou_area", "public_security", "wrong_place", city.now, due)
    assert (outcome(city), gap(city, "hukou_area")) == (UNDETERMINED, Gap.CONFLICTING)
    city.history.withholding.withhold("person", "p1", "hukou_area", "citizen", city.now)
    assert gap(city, "hukou_area") is Gap.WITHHELD


def test_what_is_unsettled_of_many_is_what_each_person_alone_says(city: City) -> None:
    """Persons with several ids among others: withheld, disputed and told differently under one of their ids."""
    tell_of(city, "older", "2026-02-28")
    city.told(event("persons_merged", "2026-03-20", source="police", id="n", kept="p1", retired="older"))
    tell_of(city, "p2", "2026-02-28")
    tell_of(city, "alias", "2026-02-28")
    city.told(event("persons_merged", "2026-03-21", source="police", id="o", kept="p2", retired="alias"))
    city.now += dt.timedelta(hours=1)
    city.history.withholding.withhold("person", "older", "birth_date", "citizen", city.now)
    due = dt.date(2026, 6, 1)
    for person, fact in (("alias", "hukou_area"), ("old", "birth_date"), ("p1", "hukou_area")):
        register = "public_security"
        city.history.tickets.open("person", person, fact, register, "wrong", city.now, due)
    history = UnifiedHistory(city.history)
    facts = sorted({fact for view in city.history.views.values() if view.kind == "person" for fact in view.facts})
    persons = ["p1", "p2", "old", "older", "alias"]
    expected = {
        (person, fact, found.value)
        for person in persons
        for fact, found in history.gaps("person", person, APRIL, city.now, facts).items()
        if found not in (None, Gap.NOT_HELD)
    }
    assert {("p1", "birth_date", "withheld"), ("p2", "hukou_area", "conflicting")} <= expected
    assert not {"old", "older", "alias"} & {person for person, _, _ in expected}
    assert set(history.unsettled("person", APRIL, city.now, facts).iter_rows()) == expected
    for person in persons:
        alone = history.unsettled("person", APRIL, city.now, facts, [person])
        assert set(alone.iter_rows()) == {row for row in expected if row[0] == person}


def test_a_household_that_one_id_names_is_doubtful_where_the_link_is_withheld_under_the_other(city: City) -> None:
    for person in ("p1", "old"):
        said = event("move_in", "2026-01-05", id=f"in-{person}", person=person, household_id="h1", hukou_area="110101")
        city.told(said)
    history = UnifiedHistory(city.history)
    assert history.doubtful(APRIL, city.now).rows() == []
    city.now += dt.timedelta(hours=1)
    city.history.withholding.withhold("person", "p1", "household_id", "citizen", city.now)
    members = UnifiedHistory(city.history).as_of(APRIL, city.now, ids={"person": ["p1"]}, facts=["household_id"])
    assert members["person"]["household_id"].to_list() == [None]
    assert UnifiedHistory(city.history).doubtful(APRIL, city.now).rows() == [("household", "h1")]
    assert UnifiedHistory(city.history).doubtful(APRIL, city.now, ["p1"]).rows() == [("household", "h1")]
