"""F9: clocks that are a day off, or jump: no answer comes from a clock, and whose clock is off does not begin."""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from serving import clock
from serving.store.database import connect
from serving.store.errors import ClockSkewError
from serving.store.server import EmbeddedServer
from serving.store.timekeeping import require_same_time
from serving.sweep.run import Settings, Sweeper
from tests.sweep_world import FIRST, ON_DATE, Editions, cn_catalogue, current, emptied, expected, made_tables

SHIFTS = {
    "a day ahead": dt.timedelta(days=1),
    "a day behind": dt.timedelta(days=-1),
    "ten minutes behind": dt.timedelta(minutes=-10),
}


@pytest.mark.parametrize("shift", SHIFTS.values(), ids=SHIFTS)
def test_a_clock_that_is_off_does_not_begin(server: EmbeddedServer, shift: dt.timedelta) -> None:
    with connect(server.url) as session, pytest.raises(ClockSkewError, match="seconds off the database's"):
        require_same_time(session, lambda: clock.now() + shift)


def test_a_clock_that_jumps_back_while_it_is_looked_at_does_not_begin(server: EmbeddedServer) -> None:
    readings = iter([clock.now(), clock.now() - dt.timedelta(minutes=10)])
    with connect(server.url) as session, pytest.raises(ClockSkewError):
        require_same_time(session, lambda: next(readings))


def test_a_clock_that_is_right_begins(server: EmbeddedServer) -> None:
    with connect(server.url) as session:
        require_same_time(session, clock.now)


def test_answers_are_the_same_whatever_the_clock_says(server: EmbeddedServer, tmp_path: Path) -> None:
    tables = made_tables(60)
    for number, shift in enumerate([dt.timedelta(0), *SHIFTS.values()]):
        home = tmp_path / str(number)
        source = Editions(home / "editions")
        source.add(FIRST, tables)
        session = emptied(server, home)
        runner = Sweeper(server, home, source, Settings(1, 300), _jumping(shift))
        runner.run(cn_catalogue(), ON_DATE, known_at=FIRST)
        runner.close()
        assert_frame_equal(current(session), expected(tables))
        session.close()


def _jumping(shift: dt.timedelta) -> Callable[[], dt.datetime]:
    """A clock that is off, and jumps by as much again with each look."""
    looks = 0

    def now() -> dt.datetime:
        nonlocal looks
        looks += 1
        return FIRST + looks * shift

    return now


def test_nothing_that_makes_answers_can_look_at_a_clock(repository: Path) -> None:
    """Ruff bans the clocks of the standard library everywhere but in serving/clock.py; this is about that module."""
    answering = [*repository.glob("rules/**/*.py"), *repository.glob("features/**/*.py")]
    answering += repository.glob("serving/sweep/*.py")
    assert len(answering) > 100
    looking = [path.name for path in answering if "serving.clock" in _imports(path) or "clock" in _imports(path)]
    assert looking == []


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(alias.name for alias in node.names if node.module == "serving")}
    return found
