"""F17: a sweep that is started twice is one sweep."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from serving.store.server import EmbeddedServer, NamedServer
from serving.sweep.errors import SweepBackwardsError, SweepBusyError
from serving.sweep.run import Settings, Sweeper
from tests import sweep_world
from tests.sweep_world import FIRST, NOW, ON_DATE, Editions, cn_catalogue, current, emptied, expected, made_tables

BUSY = 7


def sweep_or_leave(url: str, home: Path, source: Editions) -> None:
    """One of two schedulers."""
    runner = Sweeper(NamedServer(url), home, source, Settings(1, 200), lambda: NOW)
    try:
        runner.run(cn_catalogue(), ON_DATE)
    except SweepBusyError:
        raise SystemExit(BUSY) from None
    finally:
        runner.close()


def test_two_at_once_make_one_sweep(server: EmbeddedServer, tmp_path: Path) -> None:
    source = Editions(tmp_path / "editions", pause_seconds=0.5)
    tables = made_tables(400)
    source.add(FIRST, tables)
    session = emptied(server, tmp_path)
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=sweep_or_leave, args=(server.url, tmp_path, source)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert sorted(process.exitcode or 0 for process in both) == [0, BUSY]
    assert session.execute("SELECT count(*) FROM sweep").fetchone() == (1,)
    assert_frame_equal(current(session), expected(tables))
    session.close()


def test_the_same_sweep_again_finds_nothing_to_do(server: EmbeddedServer, tmp_path: Path) -> None:
    source = Editions(tmp_path / "editions")
    source.add(FIRST, made_tables(100))
    emptied(server, tmp_path).close()
    first = sweep_world.swept(server, tmp_path, source)
    again = sweep_world.swept(server, tmp_path, source)
    assert (first.was_done, again.was_done) == (False, True)
    assert again.sweep == first.sweep


def test_sweeps_go_forward(server: EmbeddedServer, tmp_path: Path) -> None:
    source = Editions(tmp_path / "editions")
    source.add(FIRST, made_tables(100))
    emptied(server, tmp_path).close()
    sweep_world.swept(server, tmp_path, source)
    with pytest.raises(SweepBackwardsError, match="made for the day 2026-03-01, this one asks for 2026-02-28"):
        sweep_world.swept(server, tmp_path, source, ON_DATE.replace(month=2, day=28))
