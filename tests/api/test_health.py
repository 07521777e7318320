"""What is looked at beside the requests holds none of them up."""

from __future__ import annotations

import datetime as dt
import threading

from serving.api.health import Health

LATER = dt.timedelta(minutes=1)


def test_nobody_waits_for_what_is_looked_at_again_and_nobody_looks_twice_at_once() -> None:
    now = dt.datetime(2026, 3, 2, 1, tzinfo=dt.UTC)
    looks, answer, looked = 0, threading.Event(), threading.Event()

    def redis() -> bool:
        nonlocal looks
        looks += 1
        if looks > 1:
            looked.set()
            answer.wait()
        return looks == 1

    health = Health({"redis": redis}, lambda connection, at: False, lambda: now)
    assert health.down() == ()  # the first look is waited for: there is nothing to tell before it
    assert looks == 1
    now += LATER
    assert [health.down() for _ in range(20)] == [()] * 20  # as it was, while somebody looks
    looked.wait()
    assert looks == 2
    answer.set()
    while health.down() != ("redis",):
        pass
    assert looks == 2
    now += LATER
    looked.clear()
    health.down()
    looked.wait()  # and again, when it is time


def test_a_probe_that_raises_is_down() -> None:
    def redis() -> bool:
        raise ConnectionError

    now = dt.datetime(2026, 3, 2, 1, tzinfo=dt.UTC)
    assert Health({"redis": redis}, lambda connection, at: False, lambda: now).down() == ("redis",)
