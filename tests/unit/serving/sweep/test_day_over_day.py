"""Day over day: a chain of incremental sweeps stands where a full sweep of the last day would."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from serving.catalogues import shipped_catalogues
from serving.evaluation import sound_rulebook
from serving.store.server import EmbeddedServer
from tests import sweep_world
from tests.sweep_world import FIRST, ON_DATE, Editions, changed_tables, cn_catalogue, current, emptied, expected

ANSWER = ["subject", "id", "benefit", "outcome", "amount", "amount_low", "amount_high"]
"""What `next_change` speaks for: the day on which outcome or amount can change."""


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    yield from sweep_world.a_database()


def live_through(server: EmbeddedServer, home: Path, persons: int, days: int, rules_change_on: int) -> None:
    """Sweep day after day, compare each day with what the rules say of everybody."""
    catalogue = home / "cn"
    shutil.copytree(shipped_catalogues() / "cn", catalogue)
    source = Editions(home / "editions")
    tables = sweep_world.made_tables(persons)
    source.add(FIRST, tables)
    session = emptied(server, home)
    looked_at = []
    runner = sweep_world.sweeper(server, home, source, chunk=100_000)
    for day in range(days):
        if day:
            tables = changed_tables(tables, 0.01, day)
            source.add(FIRST + dt.timedelta(days=day), tables)
        if day == rules_change_on:
            file = catalogue / "resident_medical_insurance_subsidy" / "parameters.yaml"
            text = file.read_text(encoding="utf-8")
            file.write_text(text.replace("value: 820,", "value: 830,"), encoding="utf-8")
        rules = cn_catalogue(catalogue)
        on_date = ON_DATE + dt.timedelta(days=day)
        outcome = runner.run(rules, on_date)
        looked_at.append(outcome.looked_at)
        now, want = current(session), expected(tables, on_date, sound_rulebook(rules))
        once = want.select(ANSWER[:3])
        assert_frame_equal(now.join(once, on=ANSWER[:3], how="semi").select(ANSWER), want.select(ANSWER))
        # Whoever left a benefit's area has been told so, once; nobody else has more answers than a full sweep gives.
        more = now.join(once, on=ANSWER[:3], how="anti")
        assert all("in_area" in unmet for unmet in more["unmet"])
        assert sum(tally.outcomes.total() for tally in outcome.account.tallies.values()) == now.height
        eligible = now.filter(now["outcome"] == "eligible").unique(["subject", "id"])
        assert sum(outcome.account.eligible.values()) == eligible.height
    runner.close()
    session.close()
    quiet = [count for day, count in enumerate(looked_at) if day not in (0, rules_change_on)]
    assert max(quiet) < looked_at[0] / 4, "an incremental sweep looks at few"
    assert looked_at[rules_change_on] >= persons


def test_some_days(server: EmbeddedServer, tmp_path: Path) -> None:
    live_through(server, tmp_path, 400, 4, 2)


@pytest.mark.long
def test_sixty_days_across_a_rule_change(server: EmbeddedServer, tmp_path: Path) -> None:
    live_through(server, tmp_path, 600, 60, 31)
