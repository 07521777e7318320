"""Determinations: one answer for one subject, benefit and date."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from features.facts.values import Holding
from rules.kleene import Truth


class Outcome(enum.Enum):
    """The three answers there are. Unknown is never no."""

    ELIGIBLE = "eligible"
    INELIGIBLE = "ineligible"
    UNDETERMINED = "undetermined"


class FactUsed(NamedTuple):
    """A fact that a criterion read: whose, which, and what we hold."""

    subject_kind: str
    subject_id: str
    fact: str
    holding: Holding


class ClauseTrace(NamedTuple):
    """How one criterion came out, on which facts, by which article.

    `met` is TRUE where the clause does not stand in the way: a condition that holds, or an exception that does not.
    """

    id: str
    met: Truth
    exception: bool
    because: str
    test: str
    facts: tuple[FactUsed, ...]


@dataclass(frozen=True, slots=True)
class Determination:
    """One answer.

    Amounts are in major units and None where there is no figure: `amount` is the figure where there is one,
    `amount_low` and `amount_high` bound it (None: no bound). Nothing is owed where the outcome is ineligible.
    `missing` settles outcome and amount once it is filled. `next_change` is the first later day on which outcome or
    amount could change though no fact does.
    """

    subject: str
    id: str
    benefit: str
    version: str
    outcome: Outcome
    amount: Decimal | None
    amount_low: Decimal | None
    amount_high: Decimal | None
    per: str
    unit: str
    unmet: tuple[str, ...]
    missing: tuple[str, ...]
    next_change: dt.date | None
    trace: tuple[ClauseTrace, ...] = ()
