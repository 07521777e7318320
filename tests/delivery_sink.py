"""A real provider on this machine, with the faults that providers have, and deliveries for it."""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from sqlalchemy import Engine, text

from serving import clock
from serving.outbox.deliveries import delivery_key, enqueue
from serving.outbox.patience import Pauses
from serving.outbox.providers import HttpProvider
from serving.outbox.sending import Manner

QUICK = Manner(
    batch=10,
    lease=dt.timedelta(seconds=2),
    idle=dt.timedelta(milliseconds=20),
    pauses=Pauses(dt.timedelta(milliseconds=20), dt.timedelta(milliseconds=100)),
)
"""As patient as a test can be."""


class Sink:
    """What a provider did, and how it behaves.

    Args:
        knows_keys: it acts once per key; otherwise at every call that it takes.
        hangs: so large a share of calls it takes and never answers.
        away: so large a share it does not take, with 503.
        slow_seconds: how long an answer takes.
    """

    def __init__(
        self,
        *,
        knows_keys: bool = True,
        hangs: float = 0.0,
        away: float = 0.0,
        slow_seconds: float = 0.0,
        seed: int = 1,
    ) -> None:
        self.knows_keys, self.hangs, self.away, self.slow_seconds = knows_keys, hangs, away, slow_seconds
        self.effects: Counter[str] = Counter()
        self.calls: list[tuple[dt.datetime, str]] = []
        self.bodies: list[bytes] = []
        self._rng, self._lock = random.Random(1), threading.Lock()
        self.closing = threading.Event()

    def take(self, key: str, body: bytes = b"") -> int | None:
        """The status to answer with; None: never."""
        with self._lock:
            self.bodies.append(body)
            self.calls.append((clock.now(), key))
            chance = self._rng.random()
            if chance < self.away:
                return 503
            if not (self.knows_keys and self.effects[key]):
                self.effects[key] += 1
            return None if chance < self.away + self.hangs else 200


@contextmanager
def served(sink: Sink) -> Iterator[str]:
    """The sink's address, while it serves."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = sink.take(self.headers["Idempotency-Key"], body)
            if status is None:
                sink.closing.wait(5)
                self.close_connection = True
                return
            time.sleep(sink.slow_seconds)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.send_header("X-Reference", "r-" + self.headers["Idempotency-Key"][:8])
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that went away while it was answered."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            sink.closing.set()
            server.shutdown()
            thread.join()


@contextmanager
def provider(
    url: str, channel: str = "sms", *, may_repeat: bool = True, timeout: float = 0.3
) -> Iterator[HttpProvider]:
    """A provider at an address, without patience."""
    with httpx.Client(timeout=timeout, trust_env=False) as client:
        yield HttpProvider(channel, url, client, may_repeat=may_repeat)


def notices(engine: Engine, many: int, channel: str = "sms", benefit: str = "dibao") -> list[str]:
    """So many deliveries that wait; their keys."""
    keys = [delivery_key(benefit, "2026-03", "person", f"p{n}", "offer", 1) for n in range(many)]
    with engine.begin() as connection:
        for key in keys:
            assert enqueue(connection, key, kind="offer", channel=channel, benefit=benefit, now=clock.now())
    return keys


def states(engine: Engine) -> dict[str, int]:
    """How many deliveries are in which state."""
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT state, count(*) FROM outbox GROUP BY state")).all()
    return {str(state): int(many) for state, many in rows}
