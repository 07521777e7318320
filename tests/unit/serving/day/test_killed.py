"""A run that is killed wherever it stands, and run again, comes to what it would have come to at once."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event

from serving.day.delivering import deliver
from tests.day_world import AT, City, reopened

WHAT_CAME = (
    "SELECT kind, subject, benefit, period, state, tier, revision, next_step_at, district FROM entitlement",
    "SELECT o.kind, o.benefit, o.state, o.channel, o.payload ->> 'to', e.subject, e.period FROM outbox o "
    "LEFT JOIN entitlement e ON e.id = o.entitlement",
    "SELECT kind, subject_kind, subject, benefit, district, why::text, due_at, first_touch_due_at FROM case_file",
    "SELECT b.addressee_kind, b.addressee, b.event_kind, b.event, e.subject, e.benefit FROM bundle b "
    "JOIN bundle_member m ON m.bundle = b.id JOIN entitlement e ON e.id = m.entitlement",
    "SELECT kind, subject, sweep, number, verdict, items::text FROM knot",
    "SELECT month, commitment FROM sample_commitment",
    "SELECT sweep, completed_at, counts::text, account ->> 'tiers' FROM day_run",
    "SELECT count(*) FROM audit_intent WHERE action = 'sweep:attested'",
)


def what_came(city: City) -> list[list[tuple[str, ...]]]:
    """Everything that a run leaves behind, but for numbers that only count up."""
    return [sorted(tuple(map(str, row)) for row in city.rows(query)) for query in WHAT_CAME]


def _commits_until(fatal: int) -> list[int]:
    """Count commits of this process; the process ends in the middle of a fatal one."""
    seen = [0]

    def committing(_: Connection) -> None:
        seen[0] += 1
        if seen[0] == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "commit", committing)
    return seen


def _deliver_and_die(home: Path, url: str, fatal: int) -> None:
    city = reopened(home, url)
    _commits_until(fatal)
    deliver(city.session, city.engine, city.ground(), AT)


@pytest.mark.parametrize("fifth", [1, 2, 3, 4])
def test_killed_and_run_again(city: City, fifth: int) -> None:
    commits, expected = _at_once(city)
    child = multiprocessing.get_context("spawn").Process(
        target=_deliver_and_die, args=(city.home, city.server.url, max(1, commits * fifth // 5))
    )
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    assert what_came(city) != expected
    city.deliver()
    assert what_came(city) == expected


_KNOWN: dict[Path, tuple[int, list[list[tuple[str, ...]]]]] = {}


def _at_once(city: City) -> tuple[int, list[list[tuple[str, ...]]]]:
    """How often a run commits that nobody kills, and what it leaves behind."""
    if city.home not in _KNOWN:
        seen = _commits_until(0)
        city.deliver()
        _KNOWN[city.home] = seen[0], what_came(city)
        city.undeliver()
    commits, expected = _KNOWN[city.home]
    assert all(expected[place] for place in (0, 1, 2, 5, 6, 7))
    return commits, expected
