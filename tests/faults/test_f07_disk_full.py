"""F7: the disk of the database is full: a clear error, nothing half written, and it goes on once there is room."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from serving.store.database import connect
from serving.store.errors import DatabaseFullError, DatabaseUnreachableError
from serving.store.server import EmbeddedServer
from tests import sweep_world
from tests.sweep_world import FIRST, ON_DATE, Editions, cn_catalogue, current, emptied, expected, made_tables

ROOM_MB, LEFT_KB = 160, 600


@contextmanager
def a_small_disk() -> Iterator[Path]:
    """A disk of 160 MB of its own."""
    with tempfile.TemporaryDirectory(prefix="applyfree-") as folder:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={ROOM_MB}m", "tmpfs", folder], capture_output=True, check=False
        )
        if mounted.returncode:
            pytest.skip("a small disk cannot be mounted here: that takes the rights of root")
        Path(folder).chmod(0o755)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_stops_the_sweep_and_loses_nothing(tmp_path: Path) -> None:
    source = Editions(tmp_path / "editions")
    tables = made_tables(3000)
    source.add(FIRST, tables)
    with a_small_disk() as disk, EmbeddedServer(disk / "postgres") as server:
        emptied(server, tmp_path).close()
        ballast = disk / "ballast"
        _fill(ballast, disk)
        runner = sweep_world.sweeper(server, tmp_path, source, chunk=300)
        with pytest.raises((DatabaseFullError, DatabaseUnreachableError), match=r"disk .*run the same command again"):
            runner.run(cn_catalogue(), ON_DATE)
        runner.close()
        ballast.unlink()
        server.ensure_running()
        with connect(server.url, remedy=server.ensure_running) as session:
            # What is written is whole: every chunk is done with all its rows, or has none.
            halves = session.execute(
                "SELECT count(*) FROM standing WHERE sweep = 1 HAVING count(*) <> "
                "(SELECT coalesce(sum(written), 0) FROM chunk WHERE state = 'done')"
            ).fetchall()
            assert halves == []
        outcome = sweep_world.swept(server, tmp_path, source)
        assert outcome.dead == ()
        with connect(server.url) as session:
            assert_frame_equal(current(session), expected(tables))


def _fill(ballast: Path, disk: Path) -> None:
    """Take all room but a little."""
    room = os.statvfs(disk)
    free = room.f_bavail * room.f_frsize - LEFT_KB * 1024
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free)
