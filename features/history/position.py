"""How far a reader of the history has come, told by what was written and not by clocks.

A moment would not do: a delivery bears the moment at which its loading began, and may be written after one that began
later. Commits and journals are numbered in the order in which they were written.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """What was there to read: so many commits of deliveries, and so many entries of each journal."""

    commits: int = 0
    tickets: int = 0
    withholding: int = 0


@dataclass(frozen=True, slots=True)
class Learned:
    """The moments of what was written after a position: the first and the last."""

    first: dt.datetime
    last: dt.datetime
