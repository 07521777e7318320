"""Known and unknown values: not knowing has a reason, and is never a value."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from decimal import Decimal

#: What a fact's value may be. Money is a Decimal in minor units; a code and an area are their code text; a month set
#: is a frozenset of month numbers (year * 12 + month - 1).
Value = bool | int | Decimal | dt.date | str | frozenset[int]


class Gap(enum.Enum):
    """Why a value is not known."""

    NOT_HELD = "not_held"
    STALE = "stale"
    CONFLICTING = "conflicting"
    WITHHELD = "withheld"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Known:
    """A value we hold, the register that told us, and the day from which it was true.

    `stale_on` is the first day on which the value is too old to be relied on (None: it does not age).
    """

    value: Value
    source: str = ""
    true_from: dt.date | None = None
    stale_on: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value we do not hold. Not the same as no, and not the same as zero."""

    gap: Gap = Gap.NOT_HELD


Holding = Known | Unknown
