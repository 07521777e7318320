"""Truth with three values, after Kleene (Introduction to Metamathematics, 1952, section 64)."""

from __future__ import annotations

import enum
from typing import NoReturn


class Truth(enum.Enum):
    """What we can say about one condition. Ordered FALSE < UNKNOWN < TRUE, so AND is the minimum."""

    FALSE = 0
    UNKNOWN = 1
    TRUE = 2

    def __bool__(self) -> NoReturn:
        raise TypeError("A Truth has three values: write `truth is Truth.TRUE`.")
