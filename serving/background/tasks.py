"""What there is to do periodically; whoever puts the program together lists it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

Work = Callable[[Engine, dt.datetime], None]
"""What a task does, at a moment: in transactions of its own, and none of them open while somebody outside is called.

It may be killed at any point and run again, and it runs again where it failed.
"""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do periodically, by one worker at a time.

    Args:
        name: like `seal_ledger`.
        cron: minute, hour, day, month, weekday in UTC; a sixth field counts seconds.
        work: does it.
    """

    name: str
    cron: str
    work: Work
