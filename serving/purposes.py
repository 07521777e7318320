"""What every active benefit reads, as the feature store takes it: the wiring of rules to purpose limitation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from features.store.purposes import PART, Purposes, Read
from rules.reads import reads_of
from rules.rulebook import Rulebook

BENEFIT, MODEL = "benefit", "model"


def active_purposes(
    rulebook: Rulebook, on_date: dt.date, models: Mapping[str, Sequence[Read]] | None = None
) -> Purposes:
    """Benefits in force on a day, and models, each with the facts it reads.

    Args:
        rulebook: the benefits.
        on_date: the day.
        models: by id, what each reads.
    """
    reads: dict[str, Sequence[Read]] = {
        f"{BENEFIT}{PART}{benefit}": wanted for benefit, wanted in reads_of(rulebook, on_date).items()
    }
    reads |= {f"{MODEL}{PART}{model}": wanted for model, wanted in (models or {}).items()}
    return Purposes.of(reads, rulebook.vocabulary)
