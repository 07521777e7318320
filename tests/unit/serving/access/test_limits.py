"""Limits, with the counts in this process."""

from __future__ import annotations

import datetime as dt

from serving import clock
from serving.access.limits import Limit, Limiter

FEW = Limit("few", 3, 60)


def test_who_asks_too_often_waits_and_nobody_else() -> None:
    limiter = Limiter(None, b"secret")
    assert [limiter.hit(FEW, "anna").allowed for _ in range(5)] == [True] * 3 + [False] * 2
    assert limiter.hit(FEW, "bela").allowed
    assert limiter.hit(Limit("other", 3, 60), "anna").allowed
    assert not limiter.is_degraded


def test_a_refusal_says_how_long_to_wait() -> None:
    limiter = Limiter(None, b"secret")
    answers = [limiter.hit(FEW, "anna") for _ in range(4)]
    assert 1 <= answers[-1].retry_after_seconds <= 60
    late = Limiter(None, b"secret", lambda: clock.now() + dt.timedelta(hours=1))
    assert [late.hit(FEW, "anna").retry_after_seconds for _ in range(4)][-1] == 1
