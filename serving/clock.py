"""The only place that looks at the clock; everything else takes the day or the moment as an argument."""

from __future__ import annotations

import datetime as dt


def today() -> dt.date:
    """The day it is where this machine stands."""
    return dt.datetime.now().astimezone().date()


def now() -> dt.datetime:
    """This moment, in UTC."""
    return dt.datetime.now(dt.UTC)
