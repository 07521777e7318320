"""A sweep by Spark's executors stands as one by processes of this machine, whatever happens on the way."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.facts.vocabulary import Vocabulary
from rules.evaluate.cluster import SparkError
from serving.store import sweeps
from serving.store.server import EmbeddedServer
from serving.sweep.replay import Replayer
from serving.sweep.run import Outcome, Settings, Sweeper, Watch
from serving.sweep.spark import spark_crew
from tests import sweep_world
from tests.spark_sessions import needs_spark, two_executors
from tests.sweep_world import (
    FIRST,
    ON_DATE,
    EditionHistory,
    Editions,
    changed_tables,
    cn_catalogue,
    current,
    emptied,
    expected,
)

__all__ = ["two_executors"]


class StoppedError(Exception):
    """The driver was stopped in the middle."""


@dataclass(frozen=True, slots=True)
class OnlyHere(Editions):
    """Facts that one process alone can reach."""

    pid: int = 0

    def open(self, vocabulary: Vocabulary) -> EditionHistory:
        if os.getpid() != self.pid:
            raise FileNotFoundError(str(self.folder))
        return Editions.open(self, vocabulary)


def swept(server: EmbeddedServer, home: Path, source: Editions, watch: Watch | None = None) -> Outcome:
    """A sweep by executors, in small chunks."""
    with spark_crew(server_is_named=False) as crew:
        quiet: Watch = watch or (lambda _phase, _done, _total: None)
        runner = Sweeper(server, home, source, Settings(chunk_subjects=300), lambda: max(source.moments()), quiet, crew)
        try:
            return runner.run(cn_catalogue(), ON_DATE)
        finally:
            runner.close()


@pytest.mark.long
@needs_spark
@pytest.mark.usefixtures("two_executors")
def test_executors_and_processes_leave_the_same_standings(server: EmbeddedServer, tmp_path: Path) -> None:
    source, tables = Editions(tmp_path / "editions"), sweep_world.made_tables(900)
    source.add(FIRST, tables)
    emptied(server, tmp_path).close()
    here = sweep_world.swept(server, tmp_path, source)
    session = emptied(server, tmp_path)
    by_processes = expected(tables)
    there = swept(server, tmp_path, source)
    assert_frame_equal(current(session), by_processes)
    counts = [(o.looked_at, o.written, o.determinations, o.dead, o.account.stored()) for o in (here, there)]
    assert counts[0] == counts[1]
    # The next day only what changed is looked at, and everything stored comes out again.
    tables = changed_tables(tables, 0.02, 1)
    source.add(FIRST + dt.timedelta(hours=1), tables)
    next_day = swept(server, tmp_path, source)
    assert next_day.looked_at < there.looked_at / 2
    once = expected(tables)
    key = ["subject", "id", "benefit"]
    assert_frame_equal(current(session).join(once, on=key, how="semi").select(once.columns), once)
    for sweep in sweeps.all_sweeps(session):
        assert Replayer(session, tmp_path, source, sweep.id).everything().differing == 0
    session.close()


@pytest.mark.long
@needs_spark
@pytest.mark.usefixtures("two_executors")
@pytest.mark.parametrize("how", ["poison", "raises"])
def test_a_record_that_kills_executors_is_set_aside_alone(how: str, server: EmbeddedServer, tmp_path: Path) -> None:
    tables = sweep_world.made_tables(200)
    loner = pl.DataFrame({"id": ["loner"], "birth_date": tables["person"]["birth_date"].drop_nulls().head(1)})
    tables["person"] = pl.concat([tables["person"], loner], how="diagonal")
    source = Editions(tmp_path / "editions", **{how: "loner"})  # type: ignore[arg-type]
    source.add(FIRST, tables)
    session = emptied(server, tmp_path)
    outcome = swept(server, tmp_path, source)
    assert outcome.dead == (("person", "loner"),)
    assert outcome.looked_at == outcome.written + 1
    assert_frame_equal(current(session), expected(tables).filter(pl.col("id") != "loner"))
    session.close()


@pytest.mark.long
@needs_spark
@pytest.mark.usefixtures("two_executors")
def test_processes_go_on_where_executors_were_stopped(server: EmbeddedServer, tmp_path: Path) -> None:
    source, tables = Editions(tmp_path / "editions"), sweep_world.made_tables(900)
    source.add(FIRST, tables)
    session = emptied(server, tmp_path)
    done: list[int] = []

    def stop_halfway(phase: str, answered: int, total: int) -> None:
        if phase == "sweeping" and 0 < answered < total:
            done.append(answered)
            raise StoppedError

    with pytest.raises(StoppedError):
        swept(server, tmp_path, source, stop_halfway)
    left = sweeps.unfinished(session)
    assert left is not None
    outcome = sweep_world.swept(server, tmp_path, source)
    assert outcome.sweep.id == left.id
    assert outcome.written == outcome.looked_at > done[0]
    assert_frame_equal(current(session), expected(tables))
    session.close()


def command(home: Path, path: str) -> subprocess.CompletedProcess[str]:
    """`applyfree sweep --engine spark` in a process of its own, as from a shell with this PATH."""
    places = [place for place in sys.path if place]
    environment = {"PATH": path, "PYTHONPATH": os.pathsep.join(places), "APPLYFREE_HOME": str(home), "COLUMNS": "200"}
    line = [sys.executable, "-m", "serving", "sweep", "--engine", "spark"]
    return subprocess.run(line, env=environment, cwd=home, capture_output=True, text=True, check=False)


@pytest.mark.skipif(find_spec("pyspark") is not None, reason="Spark is installed")
def test_without_pyspark_no_sweep_begins(tmp_path: Path) -> None:
    done = command(tmp_path, os.defpath)
    assert done.returncode == 2
    assert "make spark" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(find_spec("pyspark") is None, reason="Spark is not installed (`make spark`)")
def test_without_java_no_sweep_begins(tmp_path: Path) -> None:
    shell, home = tmp_path / "bin", tmp_path / "home"
    shell.mkdir()
    home.mkdir()
    for name in ("bash", "env", "dirname", "cat", "sed", "ls", "uname"):  # all that Spark's scripts need but Java
        found = shutil.which(name)
        assert found is not None
        (shell / name).symlink_to(found)
    done = command(home, str(shell))
    assert done.returncode == 2
    assert "Java 17" in done.stderr
    assert not list(home.iterdir())


@pytest.mark.long
@needs_spark
@pytest.mark.usefixtures("two_executors")
def test_executors_that_cannot_begin_are_told_of(server: EmbeddedServer, tmp_path: Path) -> None:
    source = OnlyHere(tmp_path / "editions", pid=os.getpid())
    source.add(FIRST, sweep_world.made_tables(50))
    emptied(server, tmp_path).close()
    with pytest.raises(SparkError, match="No executor could begin"):
        swept(server, tmp_path, source)
