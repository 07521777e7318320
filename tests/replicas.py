"""A replica of a real PostgreSQL, made by its own tools, that lags behind and may be promoted."""

from __future__ import annotations

import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serving.store.database import connect
from serving.store.server import EmbeddedServer


class Replica:
    """A second server over a copy of the first one's folder."""

    def __init__(self, server: EmbeddedServer, folder: Path) -> None:
        self._data, self._sockets = folder / "replica", folder
        with connect(server.url) as session:
            data = session.execute("SHOW data_directory").fetchone()
            sockets = session.execute("SHOW unix_socket_directories").fetchone()
            port = session.execute("SHOW port").fetchone()
            programs = session.execute("SELECT setting FROM pg_config WHERE name = 'BINDIR'").fetchone()
        assert data is not None
        assert sockets is not None
        assert port is not None
        assert programs is not None
        self._bin = Path(str(programs[0]))
        self._owner = pwd.getpwuid(Path(str(data[0])).stat().st_uid).pw_name
        shutil.chown(folder, self._owner)
        self._run(
            "pg_basebackup",
            "-h",
            str(sockets[0]),
            "-p",
            str(port[0]),
            "-U",
            "postgres",
            "-D",
            str(self._data),
            "-R",
            "-c",
            "fast",
        )

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self._sockets}"

    def start(self) -> None:
        options = f"-k {self._sockets} -c listen_addresses='' -c shared_buffers=16MB"
        self._run("pg_ctl", "-D", str(self._data), "-o", options, "-l", str(self._sockets / "log"), "-w", "start")

    def cut_off(self) -> None:
        """It no longer hears from its primary."""
        with connect(self.url) as session:
            session.execute("ALTER SYSTEM SET primary_conninfo = ''")
            session.execute("SELECT pg_reload_conf()")
            # Whoever replays ends the receiver, so that replaying must not be paused meanwhile.
            while session.execute("SELECT count(*) FROM pg_stat_wal_receiver").fetchone() != (0,):
                session.execute("SELECT pg_stat_clear_snapshot()")

    def promote(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-w", "promote")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop", check=False)

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        done = subprocess.run(
            [str(self._bin / program), *arguments], user=self._owner, capture_output=True, check=False, text=True,
            cwd="/", env={"LC_ALL": "C"},
        )  # fmt: skip
        assert done.returncode == 0 or not check, done.stderr


@contextmanager
def a_replica(server: EmbeddedServer) -> Iterator[Replica]:
    """A running one."""
    with tempfile.TemporaryDirectory(prefix="applyfree-") as folder:
        replica = Replica(server, Path(folder))
        replica.start()
        try:
            yield replica
        finally:
            replica.stop()
