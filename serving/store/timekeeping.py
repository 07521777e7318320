"""Does this machine's clock agree with the database's? Moments of both stand side by side, so they must."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from serving.store.database import Session
from serving.store.errors import ClockSkewError

MOST_SKEW = dt.timedelta(seconds=2)


def require_same_time(session: Session, now: Callable[[], dt.datetime]) -> None:
    """To be called before a process begins to work.

    Args:
        session: of the database.
        now: this machine's clock.

    Raises:
        ClockSkewError: the clocks are more than two seconds apart, whatever the answer took on its way.
    """
    before = now()
    row = session.execute("SELECT clock_timestamp()").fetchone()
    after = now()
    assert row is not None
    assert isinstance(row[0], dt.datetime)
    skew = max(before - row[0], row[0] - after, dt.timedelta(0))
    if skew > MOST_SKEW or after < before:
        raise ClockSkewError(skew)
