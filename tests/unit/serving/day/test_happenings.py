"""What happens in people's lives between two runs: what it holds up, and what comes of one event offered as one."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from features.events.log import EventLog
from features.events.messages import Event
from serving.commands.deliver import ground_of
from serving.day.arising import Offers
from serving.day.bundling import Bundler
from serving.day.delivering import Delivered, deliver
from serving.day.happenings import Happenings
from serving.day.homes import Homes
from serving.delivery.bundles.events import LifeEvent
from serving.delivery.bundles.model import Item
from serving.delivery.bundles.preparation import prepare
from serving.store import sweeps
from serving.sweep.planning import read_links
from serving.sweep.sources import swept_catalogue
from tests.day_world import AT, DAY, City

LATER = AT + dt.timedelta(hours=5)


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    return EventLog(tmp_path / "events")


def say(log: EventLog, *events: Event, at: dt.datetime = AT) -> None:
    with log.writing():
        log.append(events, "made.jsonl", at)


def after(city: City, log: EventLog, at: dt.datetime) -> Delivered:
    """What follows the last sweep, with other life events."""
    ground = city.ground()
    assert ground.life is not None
    return deliver(city.session, city.engine, replace(ground, life=replace(ground.life, log=log)), at)


def died(person: str, number: str = "d1", **other: object) -> Event:
    found = Event("health", number, 1, "death", dt.date(2026, 2, 20), {"person": person}, {})
    return replace(found, **other)  # type: ignore[arg-type]


def _approved_person(city: City) -> str:
    found = city.rows(
        "SELECT subject FROM entitlement WHERE kind = 'person' AND state = 'approved' ORDER BY id LIMIT 1"
    )
    return str(found[0][0])


def test_a_death_that_is_learned_holds_everything_and_its_reversal_lets_it_go(city: City, log: EventLog) -> None:
    after(city, log, AT)
    person = _approved_person(city)
    say(log, died(person), at=LATER)
    open_ones = city.number("SELECT count(*) FROM entitlement WHERE subject = :who", who=person)
    assert after(city, log, LATER).held == open_ones
    states = "SELECT DISTINCT state FROM outbox WHERE entitlement IN (SELECT id FROM entitlement WHERE subject = :who)"
    assert city.rows(states, who=person) == [("held",)]
    cases = "SELECT kind FROM case_file WHERE subject = :who AND kind = 'death'"
    assert city.rows(cases, who=person) == [("death",)]  # one for the person
    assert after(city, log, LATER).held == 0
    say(log, died(person, "d2", reverses="d1"), at=LATER + dt.timedelta(hours=1))
    after(city, log, LATER + dt.timedelta(hours=2))
    assert city.number("SELECT count(*) FROM hold WHERE released_at IS NULL") == 0
    assert ("ready",) in city.rows(states, who=person)


def test_nothing_begins_for_somebody_who_died_long_before_it_was_found(city: City, log: EventLog) -> None:
    after(city, log, AT)
    person = _approved_person(city)
    city.undeliver()
    say(log, died(person))
    done = after(city, log, AT)
    theirs = "SELECT DISTINCT state FROM entitlement WHERE subject = :who AND tier <> 'review'"
    assert city.rows(theirs, who=person) == [("detected",)]
    assert done.waiting >= 1
    moves = "SELECT count(*) FROM move m JOIN entitlement e ON e.id = m.entitlement WHERE e.subject = :who"
    assert city.number(f"{moves} AND e.tier <> 'review'", who=person) == 0


def test_a_correction_calls_a_human_and_nothing_goes_on(city: City, log: EventLog) -> None:
    say(log, Event("civil", "m1", 1, "move_in", dt.date(2026, 1, 5), {"person": "nobody"}, {}))
    after(city, log, AT)
    person = _approved_person(city)
    moved_in = Event("civil", "m2", 1, "move_in", dt.date(2026, 1, 5), {"person": person}, {"residence_area": "110101"})
    say(log, moved_in, at=AT - dt.timedelta(days=1))
    after(city, log, LATER)
    assert city.number("SELECT count(*) FROM hold") == 0
    say(log, replace(moved_in, id="m3", corrects="m2", attributes={"residence_area": "110105"}), at=LATER)
    after(city, log, LATER + dt.timedelta(hours=1))
    held = "SELECT DISTINCT h.code FROM hold h JOIN entitlement e ON e.id = h.entitlement WHERE e.subject = :who"
    assert city.rows(held, who=person) == [("correction",)]
    approved = "SELECT count(*) FROM entitlement WHERE subject = :who AND state = 'approved'"
    assert city.number(approved, who=person) == 0
    assert city.number("SELECT count(*) FROM case_file WHERE kind = 'correction' AND subject = :who", who=person) >= 1


def test_only_what_is_news_stands_and_is_not_long_ago_is_spoken_of(log: EventLog) -> None:
    say(log, died("old"))
    say(
        log, died("new", "d2"), died("taken back", "d3"), died("taken back", "d4", reverses="d3"),
        died("long ago", "d5", on=dt.date(2024, 2, 1)), died("to come", "d6", on=dt.date(2026, 9, 1)),
        at=LATER,
    )  # fmt: skip
    assert [event.roles["person"] for event in Happenings(log, 1).spoken_of(DAY)] == ["new"]
    assert {event.roles["person"] for event in Happenings(log, 0).spoken_of(DAY)} == {"new", "old"}
    assert Happenings(log, 2).spoken_of(DAY) == []
    corrected = died("new", "d7", corrects="d2", on=dt.date(2026, 2, 22))
    say(log, corrected, at=LATER + dt.timedelta(hours=1))
    assert [event.id for event in Happenings(log, 2).spoken_of(DAY)] == ["health:d2"]  # the same event, said otherwise
    assert Happenings(None, 0).spoken_of(DAY) == []
    assert Happenings(log, 0).told_dead() == {"old", "new", "taken back", "long ago", "to come"}


@pytest.fixture
def offers(city: City) -> tuple[Offers, Homes]:
    made = sweeps.last_complete(city.session)
    assert made is not None
    ground = ground_of(made.rulebook, city.home, swept_catalogue(None))
    assert ground.life is not None
    links = read_links(ground.history, ground.pinned, made)
    homes = Homes(links)
    prepared = prepare(ground.pinned.rulebook, DAY)
    return Offers(ground.life.kinds, Bundler(prepared, ground.history, links, homes, made.known_at)), homes


def test_offers_of_one_event_go_together_and_what_is_sensitive_goes_apart(
    city: City, offers: tuple[Offers, Homes]
) -> None:
    put, homes = offers
    rows = city.rows("SELECT DISTINCT id FROM standing WHERE kind = 'person'")
    person = next(str(one) for (one,) in rows if homes.of(("person", str(one)))[0] == "household")
    home = homes.of(("person", person))
    lost_work = LifeEvent("hr:u1", "unemployment_registered", {"person": person}, dt.date(2026, 2, 1))
    later = replace(lost_work, id="hr:u2", on=dt.date(2026, 2, 9))
    plain = [Item(name, "person", person) for name in ("unemployment_benefit", "unemployment_job_seeking_allowance")]
    secret = [Item("unemployment_birth_supplement", "person", person)]
    waiting = list(enumerate((*plain, *secret, Item("senior_transit_concession", "person", person)), 1))
    found = put.together(waiting, [lost_work, later])
    assert [(each.addressee, each.event_kind, each.event, each.offers) for each in found] == [
        (home, "unemployment_registered", "hr:u2", (1, 2))
    ]
    other = replace(lost_work, roles={"person": "somebody else"})
    assert put.together(waiting, [other]) == []
    assert put.together(waiting[:1], [lost_work]) == []  # alone it is told of alone
    assert put.together(waiting, []) == []


def test_a_bundle_is_told_of_once_and_its_offers_are_not_told_of_apart(city: City) -> None:
    done = city.deliver()
    assert done.bundles == city.number("SELECT count(*) FROM bundle") > 0
    told = city.rows(
        "SELECT b.id, count(*) FROM bundle b JOIN outbox o ON o.payload ->> 'bundle' = b.id::text GROUP BY 1 ORDER BY 1"
    )
    assert [count for _, count in told] == [1] * done.bundles
    apart = "SELECT count(*) FROM bundle_member m JOIN outbox o ON o.entitlement = m.entitlement AND o.kind = 'offer'"
    assert city.number(apart) == 0
    members = city.rows("SELECT bundle, count(*) FROM bundle_member GROUP BY 1")
    assert all(int(str(count)) >= 2 for _, count in members)
