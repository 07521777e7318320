"""How often somebody may ask: counted in Redis where there is one, and here where it is lost.

A lost Redis keeps nobody out who asks in measure: the counts begin again at nothing, in each process for itself, so
that for that while a limit is looser by the number of processes. Rights never depend on it.

Source:
    gates.md, F6: GOV.UK Pay's outage of 2021, in which a lost Redis made every answer a 429.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from limits import RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

from serving import clock
from serving.access.windows import Windows

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_SOCKET_SECONDS = 0.1
"""A count is not worth waiting for: a Redis that answers later than this counts as lost."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many in so long."""

    name: str
    amount: int
    seconds: int


LOGIN: Final = Limit("login", 10, 300)
"""Logins begun from one address."""
PASSWORD: Final = Limit("password", 5, 300)
"""Passwords and codes tried for one login name."""
READ: Final = Limit("read", 120, 60)
"""Pages and answers that one citizen reads."""
WRITE: Final = Limit("write", 30, 60)
"""What one citizen changes."""
STAFF: Final = Limit("staff", 300, 60)
"""What one member of staff does."""
FIND: Final = Limit("find", 30, 60)
"""People that one officer looks for: see also the alarm of :mod:`serving.access.reads`."""
CHECK_CODE: Final = Limit("check_code", 10, 60)
"""Codes of notices and of live helps tried from one address. Source: gates.md, S26."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """May they go on; and if not, after how many seconds?"""

    allowed: bool
    retry_after_seconds: int = 0


class Limiter:
    """Counts what somebody did in a moving window.

    Args:
        redis_url: `redis://host:6379/0` or `unix:///path/to/socket`; None: this process alone counts.
        secret: with it the names of those who ask are made unreadable in Redis; the same in every process.
        now: for the seconds that a refusal tells.
    """

    def __init__(
        self, redis_url: str | None, secret: bytes, now: Callable[[], dt.datetime] = clock.now, *, seed: int = 0
    ) -> None:
        self._secret, self._now = secret, now
        self._random = random.Random(seed)  # nosec B311 (spreads tries, guards nothing)
        self._here = MovingWindowRateLimiter(Windows())
        self._there = None if redis_url is None else MovingWindowRateLimiter(_redis(redis_url))
        self._pause, self._lost_until = _FIRST_PAUSE_SECONDS, 0.0

    @property
    def is_degraded(self) -> bool:
        """Is a Redis named and lost?"""
        return self._there is not None and time.perf_counter() < self._lost_until

    def hit(self, limit: Limit, who: str) -> Verdict:
        """Count one more, where that is still allowed.

        Args:
            limit: which.
            who: an account or an address; it is hashed before it goes anywhere.
        """
        item = RateLimitItemPerSecond(limit.amount, limit.seconds, limit.name)
        name = hmac.new(self._secret, f"{limit.name}|{who}".encode(), hashlib.sha256).hexdigest()
        if self._there is not None and not self.is_degraded:
            try:
                verdict = self._count(self._there, item, name)
            except self._there.storage.base_exceptions:
                # Asked again after a while that grows, and not by all processes at once.
                self._lost_until = time.perf_counter() + self._pause * self._random.uniform(0.5, 1.0)
                self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
            else:
                self._pause = _FIRST_PAUSE_SECONDS
                return verdict
        return self._count(self._here, item, name)

    def _count(self, counter: MovingWindowRateLimiter, item: RateLimitItemPerSecond, name: str) -> Verdict:
        if counter.hit(item, name):
            return Verdict(True)
        free_at = counter.get_window_stats(item, name).reset_time
        return Verdict(False, max(1, math.ceil(free_at - self._now().timestamp())))


def _redis(url: str) -> RedisStorage:
    # The library is an extra, and only where a Redis is named. It would try again, and wait: one try is enough.
    from redis import ConnectionPool  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    pool = ConnectionPool.from_url(
        url, socket_timeout=_SOCKET_SECONDS, socket_connect_timeout=_SOCKET_SECONDS, retry=Retry(NoBackoff(), 0)
    )
    named = url.replace("unix://", "redis+unix://", 1) if url.startswith("unix://") else url
    return RedisStorage(named, connection_pool=pool, key_prefix="applyfree")
