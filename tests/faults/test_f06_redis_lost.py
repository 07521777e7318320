"""F6: Redis is killed, emptied or frozen under the limits: whoever asks in measure is answered, whoever floods is not.

Redis holds nothing but counts: sessions, rights and records stand in PostgreSQL, and no decision of
`serving.access.policy` asks it anything.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from redis import Redis

from serving.access.limits import Limit, Limiter
from tests.online_servers import redis_server, until_redis_answers

HUNDRED = Limit("hundred", 100, 300)
SECRET = b"the same in every process"


class Server:
    """A Redis of our own, which a test may kill, freeze and start again at the same place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.socket = folder / "redis.sock"
        self._process = self._started()

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        self.socket.unlink(missing_ok=True)
        command = [
            redis_server(),
            "--port",
            "0",
            "--unixsocket",
            str(self.socket),
            "--save",
            "",
            "--dir",
            str(self._folder),
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until_redis_answers(self.socket, process)
        return process

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)
        if number is signal.SIGKILL:
            self._process.wait()


@pytest.fixture
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="redis"))  # short: the path of a socket may have some hundred characters
    server = Server(folder)
    yield server
    server.send(signal.SIGCONT)
    server.send(signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


def many_in_measure(limiter: Limiter) -> list[bool]:
    """A thousand requests of a hundred people, eight at a time."""
    people = [f"person {number % 100}" for number in range(1_000)]
    with ThreadPoolExecutor(8) as pool:
        return [verdict.allowed for verdict in pool.map(lambda who: limiter.hit(HUNDRED, who), people)]


def flood(limiter: Limiter, who: str = "flooder", times: int = 150) -> int:
    """How many of so many requests at once are let through."""
    return sum(limiter.hit(HUNDRED, who).allowed for _ in range(times))


def wait_for_its_next_try(limiter: Limiter) -> None:
    while limiter.is_degraded:
        time.sleep(0.05)


def test_two_processes_count_together(server: Server) -> None:
    here, there = Limiter(server.url, SECRET), Limiter(server.url, SECRET)
    assert flood(here, times=60) + flood(there, times=60) == HUNDRED.amount
    assert not here.is_degraded


def test_redis_knows_nobody_by_name(server: Server) -> None:
    Limiter(server.url, SECRET).hit(HUNDRED, "citizen-p1")
    with Redis(unix_socket_path=str(server.socket)) as redis:
        keys = redis.keys("*")
    assert isinstance(keys, list)
    assert keys
    assert not any(b"p1" in key for key in keys)


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_a_lost_redis_is_no_storm_of_refusals(server: Server, fault: signal.Signals) -> None:
    limiter = Limiter(server.url, SECRET)
    assert flood(limiter) == HUNDRED.amount
    server.send(fault)
    assert many_in_measure(limiter) == [True] * 1_000
    assert limiter.is_degraded
    assert flood(limiter) == HUNDRED.amount  # counted here from the beginning, and no looser than that
    assert flood(limiter) == 0


def test_redis_comes_back_and_counts_again(server: Server) -> None:
    limiter = Limiter(server.url, SECRET)
    assert flood(limiter) == HUNDRED.amount
    server.send(signal.SIGKILL)
    assert many_in_measure(limiter) == [True] * 1_000
    server.start()
    wait_for_its_next_try(limiter)
    assert flood(limiter, "bela") == HUNDRED.amount
    assert not limiter.is_degraded
    with Redis(unix_socket_path=str(server.socket)) as redis:
        assert redis.dbsize() == 1


def test_an_emptied_redis_begins_at_nothing_and_fails_nobody(server: Server) -> None:
    limiter = Limiter(server.url, SECRET)
    assert flood(limiter) == HUNDRED.amount
    with Redis(unix_socket_path=str(server.socket)) as redis:
        redis.flushall()
        redis.script_flush()
    assert flood(limiter) == HUNDRED.amount
    assert many_in_measure(limiter) == [True] * 1_000
    assert not limiter.is_degraded


def test_a_redis_that_was_never_there_is_a_lost_one(tmp_path: Path) -> None:
    limiter = Limiter(f"unix://{tmp_path}/none.sock", SECRET)
    assert many_in_measure(limiter) == [True] * 1_000
    assert limiter.is_degraded
