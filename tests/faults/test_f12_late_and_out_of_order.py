"""F11, F12, F13: events twice, in any order, and taken back; with the Chinese rules on what is then known."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.events.messages import Event
from features.events.statements import fold
from serving.store.server import EmbeddedServer
from serving.sweep.facts import RecordedFacts
from serving.sweep.replay import Replayer
from serving.sweep.run import Settings, Sweeper
from tests import sweep_world
from tests.faults.elders import APRIL, BENEFIT, ELIGIBLE, INELIGIBLE, UNDETERMINED, elder, outcome
from tests.folders import passing_folder
from tests.sweep_world import cn_catalogue
from tests.unit.features.events.city import City
from tests.unit.features.events.test_one_end_state import state
from tests.unit.features.events.worlds import china, death, event, move


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


TOLD = {
    "death": death("2026-03-05", id="death"),
    "corrected": death("2026-03-06", id="corrected", version=2, corrects="death"),
    "withdrawn": death(id="withdrawn", version=3, reverses="death"),
    "not_withdrawn": death(id="not_withdrawn", version=4, reverses="withdrawn"),
    "told_again": death("2026-03-05", id="told_again"),
    "told_elsewhere": death("2026-03-05", id="told_elsewhere", source="hospital"),
    "withdrawn_elsewhere": death(id="withdrawn_elsewhere", version=2, source="hospital", reverses="told_elsewhere"),
    "moved": move("2026-03-01", id="moved", to="110102"),
}


LIVES = (
    event("birth", "2026-03-01", source="police", id="born", child="c1", mother="p1", sex="female"),
    event("birth", "2026-03-01", source="police", id="otherwise", version=2, corrects="born", child="c1", mother="p1",
          sex="male", household_id="h1"),
    event("disability_withdrawn", "2026-02-02", id="revoked", person="c1"),
    event("disability_certified", "2026-02-01", id="certified", person="c1", disability_grade="1",
          disability_category="physical", disability_certificate_valid_to="2036-02-01"),
    move("2026-03-02", "c1", id="in"),
    move("2026-03-03", "c1", id="in", version=2, to="440304"),
    move("2026-03-03", "c1", id="there", source="town", to="440305"),
    event("disability_withdrawn", "2026-02-02", id="never", version=2, reverses="revoked", person="c1"),
)  # fmt: skip
"""Revoked before it was created, corrected before it was told, one id in two versions, two senders of one day."""


@pytest.mark.parametrize("log", [tuple(TOLD.values()), LIVES], ids=["deaths", "lives"])
def test_all_orders_of_eight_events_come_to_one_end(log: tuple[Event, ...]) -> None:
    """Every one of the 40,320: a fold takes some 40 microseconds, and it alone decides what the history is told."""
    expected = state(fold(log, china()))
    assert len(log) == 8
    assert fold(log, china()).rows
    assert all(state(fold(order, china())) == expected for order in itertools.permutations(log))


def is_dead(said: set[str]) -> bool:
    """Does any death that was told still stand, once all is known?"""
    taken_back = "withdrawn" in said and "not_withdrawn" not in said
    elsewhere = "told_elsewhere" in said and "withdrawn_elsewhere" not in said
    return ("death" in said and not taken_back) or "told_again" in said or elsewhere


def never_paid_after_a_known_death(chance: Random, names: list[str]) -> None:
    """Whatever came, in whatever chunks: who is known to be dead is not eligible, and nobody else loses anything."""
    told = [*names, *chance.choices(names, k=2)]
    chance.shuffle(told)
    with passing_folder() as folder:
        city = elder(Path(folder), alive_attested="2026-02-28")
        known = set[str]()
        while told:
            now = [told.pop() for _ in range(chance.randint(1, len(told)))]
            known |= set(now)
            assert not city.told(*(TOLD[name] for name in now)).problems
            is_eligible = outcome(city, city.now)["outcome"] == ELIGIBLE
            assert is_eligible == (not is_dead(known)), (sorted(known), now)


NAMES = st.lists(st.sampled_from(sorted(TOLD)), min_size=1, max_size=8, unique=True)


@settings(max_examples=12, deadline=None)
@given(st.randoms(use_true_random=False), NAMES)
def test_no_order_of_events_pays_after_a_known_death(chance: Random, names: list[str]) -> None:
    never_paid_after_a_known_death(chance, names)


@pytest.mark.long
@settings(max_examples=400, deadline=None)
@given(st.randoms(use_true_random=False), NAMES)
def test_no_order_of_events_pays_after_a_known_death_at_length(chance: Random, names: list[str]) -> None:
    never_paid_after_a_known_death(chance, names)


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


def test_a_death_that_is_learned_late_supersedes_what_was_swept_and_edits_nothing(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    city = elder(tmp_path, alive_attested="2026-02-28")
    session = sweep_world.emptied(server, tmp_path)
    source = RecordedFacts(tmp_path / "history", tuple(city.history.views.values()))
    runner = Sweeper(server, tmp_path, source, Settings(1, 100), lambda: city.now)
    of_him = f"SELECT to_jsonb(d) FROM determination d WHERE benefit = '{BENEFIT}' ORDER BY sweep"
    stands = f"SELECT outcome, sweep FROM current_determination WHERE benefit = '{BENEFIT}'"
    first = runner.run(cn_catalogue(), APRIL)
    paid_on = session.execute(of_him).fetchall()
    assert session.execute(stands).fetchall() == [("eligible", first.sweep.id)]
    city.told(death("2026-03-05"))
    second = runner.run(cn_catalogue(), APRIL)
    assert second.looked_at == 1
    assert session.execute(stands).fetchall() == [("ineligible", second.sweep.id)]
    assert session.execute(of_him).fetchall()[:1] == paid_on, "what was said in good faith stays as it was said"
    assert len(paid_on) == 1
    # Taken back: a third answer, and all three come out again of what was known when each was given.
    city.told(death(id="r1", version=2, reverses=death("2026-03-05").id))
    third = runner.run(cn_catalogue(), APRIL)
    assert session.execute(stands).fetchall() == [("eligible", third.sweep.id)]
    for sweep in (first, second, third):
        replayed = Replayer(session, tmp_path, source, sweep.sweep.id).everything()
        assert replayed.compared > 0
        assert replayed.differing == 0
    runner.close()
    session.close()
