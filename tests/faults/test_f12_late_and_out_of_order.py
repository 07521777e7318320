"""F11, F12, F13: events twice, in any order, and taken back; with the Chinese rules on what is then known."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path

import pytest

from features.events.messages import Event
from tests.faults.elders import APRIL, ELIGIBLE, INELIGIBLE, UNDETERMINED, elder, outcome
from tests.unit.features.events.city import City
from tests.unit.features.events.worlds import death, event


def test_a_late_death_changes_no_old_determination_and_supersedes_the_current_one(tmp_path: Path) -> None:
    city = elder(tmp_path, alive_attested="2026-02-28")
    then = city.now
    before = outcome(city, then)
    assert before["outcome"] == ELIGIBLE
    city.told(death("2026-03-05"))
    assert outcome(city, then) == before
    assert outcome(city, city.now)["outcome"] == INELIGIBLE
    assert outcome(city, city.now, dt.date(2026, 3, 4))["outcome"] == ELIGIBLE


def test_a_register_that_says_alive_after_the_death_makes_it_a_question_never_a_payment(tmp_path: Path) -> None:
    city = elder(tmp_path, alive_attested="2026-03-31")
    city.told(death("2026-03-05"))
    assert outcome(city, city.now)["outcome"] == UNDETERMINED


STORY = [death("2026-03-05", id="d1"), death("2026-03-06", id="d2", version=2, corrects="d1")]
REVERSED = [*STORY, death(id="r1", version=3, reverses="d1")]


@pytest.mark.parametrize(("story", "expected"), [(STORY, INELIGIBLE), (REVERSED, ELIGIBLE)])
def test_in_every_order_one_answer(tmp_path_factory: pytest.TempPathFactory, story: list[Event], expected: int) -> None:
    for order in itertools.permutations(story):
        city = elder(tmp_path_factory.mktemp("city"), alive_attested="2026-02-28")
        for said in order:
            city.told(said, said)
        assert outcome(city, city.now)["outcome"] == expected


def test_a_hundred_times_has_the_effect_of_once(tmp_path: Path) -> None:
    city = elder(tmp_path, alive_attested="2026-02-28")
    city.told(*[death("2026-03-05")] * 100)
    once = city.now
    for _ in range(3):
        loaded = city.told(*[death("2026-03-05")] * 2)
        assert (loaded.logged.new, loaded.logged.doubled) == (0, 2)
    assert city.history.changed(once, city.now).height == 0
    assert outcome(city, city.now) == outcome(city, once)


def test_a_birth_that_is_withdrawn_leaves_a_child_of_whom_nothing_is_known_and_both_versions_linked(
    tmp_path: Path,
) -> None:
    """Whatever was granted on the birth is for a human: nothing is known of the child, and both events are named."""
    city = City(tmp_path)
    city.told(event("birth", "2026-02-28", id="b1", child="c1", mother="p1", sex="female", hukou_area="440303"))
    granted = city.now
    city.told(event("birth", "2026-02-28", id="r1", child="c1", sex="female", reverses="b1"))
    assert city.fact("birth_date", person="c1", known_at=granted) == dt.date(2026, 2, 28)
    held = city.history.as_of(APRIL, city.now, ids={"person": ["c1"]})["person"]
    assert [name for name in held.columns if held[name][0] is not None] == ["id"]
    changed = city.history.changed(granted, city.now)
    assert set(changed.get_column("id")) == {"c1"}
    for record in changed.get_column("record"):
        content_hash, row = record.split(":")
        assert city.events.log.lineage(content_hash, int(row)) == [("health", "b1")]
    targets = city.events.log.index().select("id", "target").rows()
    assert targets == [("b1", None), ("r1", "b1")]
