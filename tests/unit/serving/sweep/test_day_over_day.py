"""Day over day: a chain of incremental sweeps stands where a full sweep of the last day would."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from statistics import median

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from serving.evaluation import sound_rulebook
from serving.store import sweeps
from serving.store.database import Session
from serving.store.server import EmbeddedServer
from serving.sweep.replay import Replayer
from tests import sweep_world
from tests.rule_changes import Published
from tests.sweep_world import FIRST, ON_DATE, Editions, changed_tables, current, emptied, expected

ANSWER = [
    "subject", "id", "benefit", "outcome", "amount", "amount_low", "amount_high", "version", "unmet", "missing",
    "next_change",
]  # fmt: skip
"""All that a determination says."""
Change = Callable[[Published], None]
Calendar = dict[int, Change]
"""What is published on which day of the run."""


def date_of(day: int) -> dt.date:
    """The date of a day of the run."""
    return ON_DATE + dt.timedelta(days=day)


def areas_that_end(on: dt.date) -> Change:
    """Two areas in which people were made: one is merged into another, one is split over two."""

    def change(published: Published) -> None:
        published.end_an_area("440300", on, "440100")
        published.end_an_area("310000", on, "440100", "440200")

    return change


def live_through(
    server: EmbeddedServer, home: Path, persons: int, days: int, published_on: Calendar, come_on: tuple[int, ...]
) -> None:
    """Sweep day after day, compare each day with what the rules say of everybody.

    Args:
        server: the database.
        home: an empty folder.
        persons: how many to make.
        days: how many to live through.
        published_on: changes of rules and areas, by the day on which policy staff publish them.
        come_on: the days on which something comes into force that was published before.
    """
    published = Published.below(home)
    rules = before = published.catalogue()
    source = Editions(home / "editions")
    tables = sweep_world.made_tables(persons)
    source.add(FIRST, tables)
    session = emptied(server, home)
    looked_at: list[int] = []
    runner = sweep_world.sweeper(server, home, source, chunk=100_000)
    for day in range(days):
        if day:
            tables = changed_tables(tables, 0.01, day)
            source.add(FIRST + dt.timedelta(days=day), tables)
        if day in published_on:
            before = rules
            published_on[day](published)
            rules = published.catalogue()
        outcome = runner.run(rules, date_of(day))
        looked_at.append(outcome.looked_at)
        now, want = current(session), expected(tables, date_of(day), sound_rulebook(rules))
        once = want.select(ANSWER[:3])
        assert_frame_equal(now.join(once, on=ANSWER[:3], how="semi").select(ANSWER), want.select(ANSWER))
        # Whoever left a benefit's area has been told so, once; nobody else has more answers than a full sweep gives.
        more = now.join(once, on=ANSWER[:3], how="anti")
        assert all("in_area" in unmet for unmet in more["unmet"])
        assert sum(tally.outcomes.total() for tally in outcome.account.tallies.values()) == now.height
        eligible = now.filter(now["outcome"] == "eligible").unique(["subject", "id"])
        assert sum(outcome.account.eligible.values()) == eligible.height
        if day in come_on:
            assert felt(want, expected(tables, date_of(day), sound_rulebook(before))) > 0
    everything_comes_out_again(session, home, source, (0, *come_on))
    runner.close()
    session.close()
    quiet = [count for day, count in enumerate(looked_at) if day not in (0, *published_on, *come_on)]
    assert median(quiet) < looked_at[0] / 8, "an incremental sweep looks at few"
    assert max(quiet) < looked_at[0]  # on the first of a month, or where many records grow too old at once, at more
    assert all(looked_at[day] >= persons for day in published_on)
    # A version that begins concerns everybody of its kind, a rate or an area those who have to do with it.
    assert all(looked_at[day] < looked_at[0] for day in set(come_on) - set(published_on))


def felt(one: pl.DataFrame, other: pl.DataFrame) -> int:
    """How many answers of one table the other does not give."""
    return one.join(other, on=ANSWER, how="anti", nulls_equal=True).height


def everything_comes_out_again(session: Session, home: Path, source: Editions, days: tuple[int, ...]) -> None:
    """What was decided under rules, areas and facts that are gone is found again, byte for byte."""
    for sweep in sweeps.all_sweeps(session):
        if sweep.on_date in {date_of(day) for day in days}:
            found = Replayer(session, home, source, sweep.id).everything()
            assert found.compared > 0
            assert found.differing == 0


@pytest.mark.long  # half a minute; other tests of this file look at the same in small
def test_some_days(server: EmbeddedServer, tmp_path: Path) -> None:
    calendar: Calendar = {
        1: Published.correct_the_rate,
        2: areas_that_end(date_of(4)),
    }
    live_through(server, tmp_path, 400, 5, calendar, (1, 4))


def test_a_version_for_more_areas_reaches_whom_the_old_one_did_not_concern(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    """Nothing is learned and no rule is published: a day comes from which a benefit of one city is one of all."""
    eve, day = dt.date(2026, 8, 2), dt.date(2026, 8, 3)
    source = Editions(tmp_path / "editions")
    tables = sweep_world.made_tables(300)
    source.add(FIRST, tables)
    session = emptied(server, tmp_path)
    sweep_world.swept(server, tmp_path, source, eve)
    sweep_world.swept(server, tmp_path, source, day)
    want = expected(tables, day)
    assert want.join(expected(tables, eve), on=ANSWER[:3], how="anti").height > 0
    assert felt(want, current(session)) == 0
    session.close()


@pytest.mark.long
def test_sixty_days_across_changes_of_rules_and_a_merge_and_a_split_of_areas(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    calendar: Calendar = {
        7: Published.correct_the_rate,
        16: lambda published: published.announce_a_rate(date_of(23)),
        30: lambda published: published.announce_a_version(date_of(36)),
        43: areas_that_end(date_of(50)),
    }
    live_through(server, tmp_path, 600, 60, calendar, (7, 23, 36, 50))
