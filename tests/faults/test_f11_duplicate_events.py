"""F11: an event that is told twice, or a hundred times, or by two sources, has one effect."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tests.faults.elders import INELIGIBLE, elder, outcome
from tests.unit.features.events.worlds import death


@pytest.mark.parametrize("times", [2, 100])
def test_told_again_and_again_in_one_load(tmp_path: Path, times: int) -> None:
    city = elder(tmp_path, alive_attested="2026-02-28")
    loaded = city.told(*[death("2026-03-05", id="d1")] * times)
    assert (loaded.logged.new, loaded.logged.doubled) == (1, times - 1)
    assert outcome(city, city.now)["outcome"] == INELIGIBLE


@pytest.mark.parametrize("times", [2, 100])
def test_told_again_and_again_in_many_loads(tmp_path: Path, times: int) -> None:
    city = elder(tmp_path, alive_attested="2026-02-28")
    city.told(death("2026-03-05", id="d1"))
    after_one = outcome(city, city.now)
    statements = city.history.statements("person", "p1", dt.date(2026, 4, 1), city.now, ["deceased"])
    for _ in range(times - 1):
        loaded = city.told(death("2026-03-05", id="d1"))
        assert (loaded.logged.new, loaded.logged.doubled, loaded.stated) == (0, 1, 0)
    assert city.history.statements("person", "p1", dt.date(2026, 4, 1), city.now, ["deceased"]) == statements
    assert outcome(city, city.now) == after_one


def test_the_same_death_from_two_sources_under_two_ids_is_one_death(tmp_path: Path) -> None:
    city = elder(tmp_path, alive_attested="2026-02-28")
    city.told(death("2026-03-05", id="d1"), death("2026-03-05", id="h7", source="hospital"))
    assert city.fact("deceased", on="2026-03-06") is True
    assert outcome(city, city.now)["outcome"] == INELIGIBLE
