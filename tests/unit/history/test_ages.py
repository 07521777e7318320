"""From which day facts age that come in batches of a month."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from features.facts.values import Known
from features.history.merging import add_months
from tests.unit.features.events.city import City
from tests.unit.features.events.worlds import china, event


def test_what_an_event_told_ages_from_its_own_day(tmp_path: Path) -> None:
    city = City(tmp_path)
    city.told(event("unemployment_registered", "2026-03-20", person="p1", termination_reason="contract_ended"))
    months = china().vocabulary.dictionary.facts["unemployment_registered"].maximum_age_months
    assert months
    held = city.history.holdings("person", "p1", dt.date(2026, 4, 1), city.now)["unemployment_registered"]
    assert isinstance(held, Known)
    assert held.stale_on == add_months(dt.date(2026, 3, 20), months)


def test_what_is_said_ahead_of_time_ages_from_the_day_on_which_it_was_said(tmp_path: Path) -> None:
    city = City(tmp_path)
    city.registered("public_security", "p1", "2026-12-01", "2026-05-01", hukou_area="440303")
    months = china().vocabulary.dictionary.facts["hukou_area"].maximum_age_months
    assert months
    held = city.history.holdings("person", "p1", dt.date(2026, 12, 2), city.now)["hukou_area"]
    assert isinstance(held, Known)
    assert held.stale_on == add_months(city.now.date(), months)
