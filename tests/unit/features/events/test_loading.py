"""Events through the log into the history, as one moment after another knows them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.events.errors import BrokenLogError, LogInUseError
from features.events.log import EventLog
from features.facts.values import Gap, Known, Unknown
from tests.unit.features.events.city import START, City
from tests.unit.features.events.worlds import death, event, move


@pytest.fixture
def city(tmp_path: Path) -> City:
    return City(tmp_path)


def test_an_event_becomes_facts_from_its_day_on(city: City) -> None:
    loaded = city.told(death("2026-03-05", "p1"))
    assert (loaded.lines, loaded.logged.new, loaded.stated, loaded.withdrawn) == (1, 1, 1, 0)
    assert city.fact("deceased", "2026-03-05") is True
    assert city.fact("death_date") == dt.date(2026, 3, 5)
    assert city.fact("death_date", "2026-03-04") is Gap.NOT_HELD


def test_a_late_death_changes_no_old_reading_and_changes_the_current_one(city: City) -> None:
    city.told(event("birth", "1940-01-01", child="p1", sex="male", id="b1"))
    before = city.now
    as_then = city.history.as_of(dt.date(2026, 4, 1), before)
    city.told(death("2026-03-05", "p1"))
    assert city.history.as_of(dt.date(2026, 4, 1), before)["person"].equals(as_then["person"])
    assert city.fact("death_date", "2026-04-01", known_at=before) is Gap.NOT_HELD
    assert city.fact("death_date", "2026-04-01") == dt.date(2026, 3, 5)
    changed = city.history.changed(before, city.now)
    assert changed.get_column("id").to_list() == ["p1"]


def test_a_birth_brings_a_person_with_parents_household_and_place(city: City) -> None:
    city.told(
        event(
            "birth",
            "2026-02-28",
            child="c1",
            mother="p1",
            father="p2",
            sex="female",
            hukou_area="440303",
            household_id="h1",
            birth_order="2",
            maternity_event="birth",
            babies_born="1",
        )
    )
    expected = {
        "birth_date": dt.date(2026, 2, 28), "mother_id": "p1", "father_id": "p2", "household_id": "h1",
        "hukou_area": "440303", "sex": "female", "birth_order": 2, "deceased": Gap.STALE,
    }  # fmt: skip
    assert {name: city.fact(name, "2026-06-01", "c1") for name in expected} == expected
    assert city.fact("deceased", "2026-03-01", "c1") is False
    assert city.fact("maternity_event", person="p1") == "birth"


def test_marriage_divorce_and_death_of_a_spouse(city: City) -> None:
    city.told(
        event("marriage", "2020-05-20", one="p1", other="p2", id="m1"),
        event("divorce", "2025-07-01", one="p1", other="p2", id="d1"),
        event("marriage", "2025-08-01", one="p1", other="p3", id="m2"),
        event("death", "2026-05-01", person="p3", spouse="p1", id="x1"),
    )
    found = [(city.fact("marital_status", day), city.fact("spouse_id", day)) for day in ("2025-07-31", "2025-08-01")]
    assert found == [("divorced", "none"), ("married", "p3")]
    assert city.fact("marital_status") == "widowed"
    assert city.fact("spouse_id", "2020-06-01", "p2") == "p1"


def test_enterprises_and_their_founders(city: City) -> None:
    city.told(
        event("enterprise_founded", "2026-01-05", enterprise="e1", founder="p1", enterprise_type="enterprise",
              registration_area="440303", id="a"),
        event("enterprise_closed", "2026-05-20", enterprise="e1", founder="p1", id="b"),
    )  # fmt: skip
    held = city.history.holdings("enterprise", "e1", dt.date(2026, 5, 25), city.now)
    assert isinstance(held["enterprise_deregistered"], Known)
    assert held["enterprise_deregistered"].value is True
    assert city.fact("runs_enterprise", "2026-02-01") is True
    assert city.fact("runs_enterprise", "2026-05-25") is False


def test_the_same_event_again_has_no_second_effect(city: City) -> None:
    city.told(death())
    again = city.told(*[death()] * 100)
    assert (again.logged.new, again.logged.doubled, again.stated) == (0, 100, 0)
    assert city.history.changed(city.now - dt.timedelta(minutes=1), city.now).height == 0


def test_a_correction_before_what_it_corrects_waits_and_then_takes_effect(city: City) -> None:
    waits = city.told(death("2026-03-06", id="e2", version=2, corrects="e1"))
    assert waits.waiting == (("health", "e2"),)
    assert waits.stated == 0
    moment = city.now
    loaded = city.told(death("2026-03-05", id="e1"))
    assert (loaded.waiting, loaded.stated) == ((), 1)
    assert city.fact("death_date") == dt.date(2026, 3, 6)
    assert city.fact("death_date", known_at=moment) is Gap.NOT_HELD


def test_a_reversed_event_is_withdrawn_and_may_come_back(city: City) -> None:
    moments = []
    for said in (death(id="e1"), death(id="r1", reverses="e1"), death(id="r2", reverses="r1")):
        city.told(said)
        moments.append(city.now)
    found = [city.fact("death_date", known_at=moment) for moment in moments]
    assert found == [dt.date(2026, 3, 5), Gap.NOT_HELD, dt.date(2026, 3, 5)]


def test_a_dispute_makes_the_facts_unknown_not_absent(city: City) -> None:
    city.told(death("2026-03-05", id="e1"))
    loaded = city.told(death("2026-03-09", id="e1"))
    assert loaded.logged.disputed == 1
    assert city.fact("deceased", "2026-03-10") is Gap.QUARANTINED
    city.told(death("2026-03-09", id="e1", version=2))
    assert city.fact("death_date", "2026-03-10") == dt.date(2026, 3, 9)


def test_two_sources_that_give_two_days_of_death_leave_the_day_unknown(city: City) -> None:
    city.told(death("2026-03-05", source="health", id="h1"))
    loaded = city.told(death("2026-03-07", source="police", id="h1"))
    assert loaded.contradicted == 1
    assert (city.fact("deceased", "2026-03-10"), city.fact("death_date", "2026-03-10")) == (True, Gap.NOT_HELD)


def test_a_load_bears_on_what_other_events_said_of_the_same_person(city: City) -> None:
    """What was said in the same view of the same day by another source is worked out together, not overwritten."""
    city.told(event("move_in", person="p1", hukou_area="440303", source="b", version=2, id="x"))
    city.told(event("move_in", person="p1", hukou_area="440304", hukou_type="urban", source="a", version=1, id="y"))
    assert (city.fact("hukou_area"), city.fact("hukou_type")) == ("440303", "urban")
    city.told(event("move_in", person="p1", source="b", version=3, id="z", reverses="x"))
    assert (city.fact("hukou_area"), city.fact("hukou_type")) == ("440304", "urban")


def test_an_event_follows_what_its_register_said_before(city: City) -> None:
    city.registered("public_security", "p1", since="2010-01-01", attested="2026-01-01", hukou_area="440303")
    city.told(move("2026-03-05", to="440305"))
    assert city.fact("hukou_area", "2026-03-04") == "440303"
    assert city.fact("hukou_area", "2026-03-05") == "440305"


def test_a_fact_ages_from_the_event_not_from_its_arrival(city: City) -> None:
    city.told(event("unemployment_registered", "2025-03-05", person="p1", termination_reason="resigned"))
    assert city.fact("unemployment_registered", "2025-06-01") is True
    assert city.fact("unemployment_registered", "2026-06-01") is Gap.STALE


@pytest.mark.parametrize("cut", ["append", "write_lineage", "mark_delivered"])
def test_a_load_that_was_cut_off_is_brought_to_its_end(city: City, monkeypatch: pytest.MonkeyPatch, cut: str) -> None:
    city.told(death("2026-03-05", id="e1"))
    holder: object = city.history if cut == "append" else city.events.log
    ends: Callable[..., Any] = getattr(holder, cut)
    calls = []

    def cut_off(*arguments: Any) -> Any:  # noqa: ANN401
        calls.append(arguments)
        if len(calls) == 2 or cut != "append":
            raise KeyboardInterrupt
        return ends(*arguments)

    monkeypatch.setattr(holder, cut, cut_off)
    with pytest.raises(KeyboardInterrupt):
        city.told(death("2026-03-06", id="e2", corrects="e1"), move(id="m1"))
    monkeypatch.undo()
    assert city.told().lines == 0
    assert (city.fact("death_date"), city.fact("hukou_area")) == (dt.date(2026, 3, 6), "440303")
    assert all(part.delivered for part in city.events.log.parts)


def test_each_row_names_the_events_it_rests_on(city: City) -> None:
    city.told(death(id="e1"))
    city.told(death(id="r1", reverses="e1"))
    for record in city.history.changed(START, city.now).get_column("record"):
        content_hash, row = record.split(":")
        assert city.events.log.lineage(content_hash, int(row)) == [("health", "e1")]


def test_one_load_at_a_time(city: City) -> None:
    with EventLog(city.folder / "log").writing(), pytest.raises(LogInUseError, match="being written to"):
        city.told(death())


def test_a_log_that_lost_a_part_is_refused(city: City) -> None:
    city.told(death())
    (city.folder / "log" / "part-000001.parquet").unlink()
    with pytest.raises(BrokenLogError, match=r"part-000001\.parquet"):
        city.told(move())


def test_loads_never_share_a_moment(city: City) -> None:
    for said in (death(id="e1"), death(id="r1", reverses="e1")):
        city.now = START
        city.told(said)
    moments = [part.moment for part in city.events.log.parts]
    assert moments[0] < moments[1]
    assert city.fact("deceased", known_at=moments[1]) is Gap.NOT_HELD


def test_a_line_that_cannot_be_read_does_not_stop_the_others(city: City) -> None:
    loaded = city.told(death(), raw=b'{"header": {}}\n')
    assert (loaded.lines, loaded.logged.new, [problem.row for problem in loaded.problems]) == (2, 1, [2])
    assert isinstance(city.history.holdings("person", "p9", START.date(), city.now)["deceased"], Unknown)
