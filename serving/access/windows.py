"""Moving windows in the memory of this process, for :mod:`serving.access.limits`.

The storage in memory that the library brings walks through everybody who ever asked, in a new thread at nearly every
request, and forgets the name of nobody. Here each hit clears away what is over, and costs the same however many ask.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from limits.storage import MovingWindowSupport, Storage

from serving import clock

_CLEARED_AT_ONCE = 2
"""With each hit so many windows that are over are forgotten: more than one, so that they become fewer."""

_MOVING_ONLY = "Requests are counted in moving windows only: use MovingWindowRateLimiter."


@dataclass(slots=True)
class _Window:
    """When somebody asked, oldest first, and when the last of it is over."""

    hits: deque[float] = field(default_factory=deque)
    over: float = 0.0


class Windows(Storage, MovingWindowSupport):
    """Who asked when, for as long as it counts.

    Args:
        now: seconds since the epoch, as the library counts them.
    """

    STORAGE_SCHEME = None

    def __init__(self, now: Callable[[], float] = lambda: clock.now().timestamp()) -> None:
        super().__init__()
        self._now = now
        # In the order of the last hit: who has not asked for longest is looked at first.
        self._held: OrderedDict[str, _Window] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._held)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count so many more, where the limit allows them.

        Args:
            key: whose.
            limit: at most so many.
            expiry: in so many seconds.
            amount: so many more.
        """
        with self._lock:
            now = self._now()
            self._forget(now)
            window = self._held.setdefault(key, _Window())
            self._held.move_to_end(key)
            while window.hits and window.hits[0] < now - expiry:
                window.hits.popleft()
            if len(window.hits) + amount > limit:
                return False
            window.hits.extend([now] * amount)
            window.over = max(window.over, now + expiry)
            return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the oldest of a window was, and how many there are in it."""
        with self._lock:
            now = self._now()
            hits = [hit for hit in self._held.get(key, _Window()).hits if hit >= now - expiry]
        return (hits[0], len(hits)) if hits else (now, 0)

    def _forget(self, now: float) -> None:
        for _ in range(_CLEARED_AT_ONCE):
            if not self._held:
                return
            key = next(iter(self._held))
            if self._held[key].over >= now:
                # A window that lasts longer than others goes to the end: it does not keep them here.
                self._held.move_to_end(key)
            else:
                del self._held[key]

    def check(self) -> bool:
        """It is always there."""
        return True

    def reset(self) -> int:
        """Forget everybody; how many they were."""
        with self._lock:
            count = len(self._held)
            self._held.clear()
            return count

    def clear(self, key: str) -> None:
        """Forget one."""
        with self._lock:
            self._held.pop(key, None)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What counting may raise: nothing does."""
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Fixed windows are not counted here: they let twice as many through where two meet."""
        raise NotImplementedError(_MOVING_ONLY)

    def get(self, key: str) -> int:
        """See :meth:`incr`."""
        raise NotImplementedError(_MOVING_ONLY)

    def get_expiry(self, key: str) -> float:
        """See :meth:`incr`."""
        raise NotImplementedError(_MOVING_ONLY)
