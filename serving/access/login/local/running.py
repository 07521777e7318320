"""The local provider as a server of its own beside the application, in a thread of the process that starts it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from serving.access.errors import AccessError

HOST: Final = "127.0.0.1"
"""This machine alone, whatever address the application listens on."""
_START_SECONDS: Final = 20.0
_LONGEST_QUEUE: Final = 50


class PortTakenError(AccessError):
    """Somebody else listens where the local provider would."""

    def __init__(self, port: int) -> None:
        self.port = port
        super().__init__(
            f"Port {port} of this machine is taken: the local identity provider needs it. End what listens there, "
            "or name a provider in APPLYFREE_ISSUER."
        )


@contextmanager
def listening(app: ASGIApp, port: int) -> Iterator[None]:
    """Serve an application on this machine while the block runs.

    Raises:
        PortTakenError: somebody listens there.
    """
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((HOST, port))
        except OSError:
            raise PortTakenError(port) from None
        door.listen(_LONGEST_QUEUE)
        server = uvicorn.Server(
            uvicorn.Config(
                app, log_config=None, access_log=False, server_header=False, lifespan="off",
                limit_concurrency=_LONGEST_QUEUE, timeout_graceful_shutdown=2,
            )
        )  # fmt: skip
        thread = threading.Thread(target=server.run, args=([door],), name="local-provider", daemon=True)
        thread.start()
        ends = time.perf_counter() + _START_SECONDS
        while not server.started and thread.is_alive() and time.perf_counter() < ends:
            time.sleep(0.01)
        try:
            yield
        finally:
            server.should_exit = True
            thread.join()
