"""Windows in memory are the library's own, but forget whoever is gone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from limits import RateLimitItemPerSecond
from limits.strategies import MovingWindowRateLimiter

from serving.access.windows import Windows

HITS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20)), max_size=60)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@given(HITS, st.integers(1, 5), st.integers(1, 30))
def test_no_window_ever_holds_more_than_its_limit_and_none_is_refused_below_it(
    hits: list[tuple[str, int]], most: int, seconds: int
) -> None:
    clock, taken = Clock(), list[tuple[str, float]]()
    counter = MovingWindowRateLimiter(Windows(clock))
    item = RateLimitItemPerSecond(most, seconds, "read")
    for who, pause in hits:
        clock.now += pause
        recent = sum(one == who and at >= clock.now - seconds for one, at in taken)
        assert counter.hit(item, who) == (recent < most)
        if recent < most:
            taken.append((who, clock.now))
        at = [at for one, at in taken if one == who and at >= clock.now - seconds]
        stats = counter.get_window_stats(item, who)
        assert stats.remaining == most - len(at)
        assert not at or stats.reset_time == at[0] + seconds


def test_whoever_is_gone_is_forgotten() -> None:
    clock = Clock()
    windows = Windows(clock)
    for number in range(1_000):
        windows.acquire_entry(f"{number}", 5, 60)
    assert len(windows) == 1_000
    windows.acquire_entry("stays", 5, 86_400)
    clock.now += 61
    for number in range(1_100):
        windows.acquire_entry(f"new {number % 3}", 10_000, 60)
    assert len(windows) <= 5
    assert windows.get_moving_window("stays", 5, 86_400)[1] == 1


def test_a_reset_forgets_everybody() -> None:
    windows = Windows(Clock())
    assert windows.acquire_entry("a", 1, 60)
    assert not windows.acquire_entry("a", 1, 60)
    assert windows.check()
    windows.clear("a")
    assert windows.acquire_entry("a", 1, 60)
    assert windows.reset() == 1
    assert windows.acquire_entry("a", 1, 60)
