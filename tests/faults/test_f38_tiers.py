"""F38 in tiers: double grants and those of a shared id are for a human; a retired id gets nothing of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.day.tiering import tier_sweep
from serving.delivery.terms import load_programmes
from serving.store.database import Session
from serving.store.server import EmbeddedServer
from serving.sweep.facts import RecordedFacts
from serving.sweep.rulebooks import pin
from serving.sweep.run import Settings, Sweeper
from tests.faults.elders import APRIL, BENEFIT, elder, tell_of
from tests.sweep_world import cn_catalogue, cn_rulebook, emptied
from tests.unit.features.events.city import REGISTERS, City
from tests.unit.features.events.worlds import china, event


@pytest.fixture
def session(server: EmbeddedServer, tmp_path: Path) -> Iterator[Session]:
    with emptied(server, tmp_path) as session:
        yield session


def swept(server: EmbeddedServer, session: Session, city: City) -> dict[str, tuple[str, str]]:
    """A sweep with its tiers: of each person the tier of the allowance, and the code of its first reason."""
    city.now += dt.timedelta(hours=1)
    facts = RecordedFacts(city.folder / "history", (*china().views.values(), *REGISTERS))
    runner = Sweeper(server, city.folder, facts, Settings(1, 100), lambda: city.now)
    runner.run(cn_catalogue(), APRIL)
    runner.close()
    history = facts.open(cn_rulebook().vocabulary)
    tier_sweep(session, pin(city.folder, cn_catalogue()), history, load_programmes(), city.now)
    rows = session.execute(
        "SELECT id, tier, reasons->0->>'code' FROM current_tier WHERE benefit = %s AND subject = 'person'", (BENEFIT,)
    )
    return {str(who): (str(tier), str(code)) for who, tier, code in rows}


def test_a_double_grant_is_for_a_human_until_the_merge_is_taken_back(
    server: EmbeddedServer, session: Session, tmp_path: Path
) -> None:
    city = elder(tmp_path, alive_attested="2026-02-28")
    tell_of(city, "old", "2026-02-28")
    granted = {"p1": ("automatic", "in_order"), "old": ("automatic", "in_order")}
    assert swept(server, session, city) == granted
    city.told(event("persons_merged", "2026-03-20", source="police", id="m", kept="p1", retired="old"))
    assert swept(server, session, city) == {"p1": ("review", "granted_twice"), "old": ("none", "id_retired")}
    city.told(event("persons_merged", "2026-03-25", source="police", id="r", kept="p1", retired="old", reverses="m"))
    assert swept(server, session, city) == granted


def test_what_was_granted_to_a_shared_id_is_for_a_human(
    server: EmbeddedServer, session: Session, tmp_path: Path
) -> None:
    city = elder(tmp_path, alive_attested="2026-02-28")
    assert swept(server, session, city)["p1"] == ("automatic", "in_order")
    city.told(event("person_split", "2026-03-20", source="police", person="p1", other="p2", birth_date="1961-05-04"))
    found = swept(server, session, city)
    assert found["p1"] == ("review", "id_of_two")
    assert found["p2"][0] in ("ask", "review", "none")


def test_two_ids_of_one_person_that_tell_different_things_are_for_a_human(
    server: EmbeddedServer, session: Session, tmp_path: Path
) -> None:
    city = elder(tmp_path, alive_attested="2026-02-28")
    tell_of(city, "old", "2026-02-28")
    city.registered("health", "old", "2026-03-02", "2026-03-05", deceased=True)
    assert swept(server, session, city)["old"] == ("none", "ineligible")
    city.told(event("persons_merged", "2026-03-20", source="police", kept="p1", retired="old"))
    assert swept(server, session, city)["p1"] == ("review", "needed_conflicting")
