"""F38 through the sweep: of two ids of one person one is answered, old grants follow, a double one is for a human."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.store import sweeps
from serving.store.database import Session
from serving.store.server import EmbeddedServer
from serving.sweep.facts import RecordedFacts
from serving.sweep.replay import Replayer
from serving.sweep.review import MERGED, SPLIT, GrantForReview, grants_for_review
from serving.sweep.run import Outcome, Settings, Sweeper
from tests.faults.elders import APRIL, BENEFIT, elder, tell_of
from tests.sweep_world import cn_catalogue, cn_rulebook, current, emptied
from tests.unit.features.events.city import REGISTERS, City
from tests.unit.features.events.worlds import china, event


@pytest.fixture
def session(server: EmbeddedServer, tmp_path: Path) -> Iterator[Session]:
    with emptied(server, tmp_path) as session:
        yield session


def _facts(city: City) -> RecordedFacts:
    return RecordedFacts(city.folder / "history", (*china().views.values(), *REGISTERS))


def _swept(server: EmbeddedServer, city: City, on_date: dt.date = APRIL) -> Outcome:
    city.now += dt.timedelta(hours=1)
    runner = Sweeper(server, city.folder, _facts(city), Settings(1, 100), lambda: city.now)
    try:
        return runner.run(cn_catalogue(), on_date)
    finally:
        runner.close()


def _outcomes(session: Session) -> dict[str, str]:
    rows = current(session)
    found = rows.filter((rows["benefit"] == BENEFIT) & (rows["subject"] == "person"))
    return dict(found.select("id", "outcome").iter_rows())


def _review(session: Session, city: City) -> list[GrantForReview]:
    known = _facts(city).open(cn_rulebook().vocabulary).identities(APRIL, city.now)
    return [grant for grant in grants_for_review(session, known) if grant.benefit == BENEFIT]


def _replays(session: Session, city: City) -> None:
    for sweep in sweeps.all_sweeps(session):
        assert Replayer(session, city.folder, _facts(city), sweep.id).everything().differing == 0


def test_a_double_grant_ends_and_is_for_a_human(server: EmbeddedServer, session: Session, tmp_path: Path) -> None:
    city = elder(tmp_path, alive_attested="2026-02-28")
    tell_of(city, "old", "2026-02-28")
    _swept(server, city)
    assert _outcomes(session) == {"p1": "eligible", "old": "eligible"}
    assert _review(session, city) == []
    city.told(event("persons_merged", "2026-03-20", source="police", id="m", kept="p1", retired="old"))
    assert _swept(server, city).looked_at == 2
    assert _outcomes(session) == {"p1": "eligible", "old": "undetermined"}
    assert _review(session, city) == [GrantForReview("p1", ("old", "p1"), BENEFIT, MERGED)]
    city.told(event("persons_merged", "2026-03-25", source="police", id="r", kept="p1", retired="old", reverses="m"))
    _swept(server, city)
    assert _outcomes(session) == {"p1": "eligible", "old": "eligible"}
    assert _review(session, city) == []
    _replays(session, city)


def test_a_grant_follows_to_the_id_that_is_kept(server: EmbeddedServer, session: Session, tmp_path: Path) -> None:
    city = City(tmp_path)
    tell_of(city, "old", "2026-02-28")
    born = dt.date(1940, 1, 1)
    city.registered("public_security", "p1", "1940-01-01", "2026-03-01", birth_date=born, hukou_area="110101")
    _swept(server, city)
    assert _outcomes(session) == {"p1": "undetermined", "old": "eligible"}
    city.told(event("persons_merged", "2026-03-20", source="police", kept="p1", retired="old"))
    _swept(server, city)
    assert _outcomes(session) == {"p1": "eligible", "old": "undetermined"}
    assert _review(session, city) == []
    _replays(session, city)


def test_two_ids_that_tell_different_things_leave_it_open(
    server: EmbeddedServer, session: Session, tmp_path: Path
) -> None:
    city = elder(tmp_path, alive_attested="2026-02-28")
    tell_of(city, "old", "2026-02-28")
    city.registered("health", "old", "2026-03-02", "2026-03-05", deceased=True)
    _swept(server, city)
    assert _outcomes(session) == {"p1": "eligible", "old": "ineligible"}
    city.told(event("persons_merged", "2026-03-20", source="police", kept="p1", retired="old"))
    _swept(server, city)
    assert _outcomes(session) == {"p1": "undetermined", "old": "undetermined"}


def test_what_was_granted_to_a_shared_id_is_for_a_human(
    server: EmbeddedServer, session: Session, tmp_path: Path
) -> None:
    city = elder(tmp_path, alive_attested="2026-02-28")
    _swept(server, city)
    city.told(event("person_split", "2026-03-20", source="police", person="p1", other="p2", birth_date="1961-05-04"))
    _swept(server, city)
    assert _review(session, city) == [GrantForReview("p1", ("p1",), BENEFIT, SPLIT)]


def test_households_of_a_merged_person_are_looked_at_by_day_over_day_as_by_a_full_sweep(
    server: EmbeddedServer, session: Session, tmp_path: Path
) -> None:
    city = elder(tmp_path, alive_attested="2026-02-28")
    tell_of(city, "old", "2026-02-28")
    for person, home in (("p1", "h1"), ("old", "h2"), ("p3", "h2")):
        move = event("move_in", "2026-01-05", id=f"in-{person}", person=person, household_id=home, hukou_area="110101")
        city.told(move)
    _swept(server, city)
    city.told(event("persons_merged", "2026-03-20", source="police", kept="p1", retired="old"))
    _swept(server, city)
    by_day = current(session)
    doubtful = by_day.filter((by_day["subject"] == "household") & (by_day["outcome"] == "undetermined"))
    assert set(doubtful["id"]) <= {"h1", "h2"}
    known = _facts(city).open(cn_rulebook().vocabulary)
    assert known.doubtful(APRIL, city.now)["id"].to_list() == ["h1", "h2"]
    _replays(session, city)
    with emptied(server, tmp_path) as anew:
        _swept(server, city)
        assert current(anew).equals(by_day)
