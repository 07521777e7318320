"""What every active benefit and model reads, as the feature store takes it: the wiring of purpose limitation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Protocol

from features.store.purposes import PART, Purposes, Read
from rules.reads import reads_of
from rules.rulebook import Rulebook

BENEFIT, MODEL = "benefit", "model"


class ReadsFacts(Protocol):
    """A model, as far as purpose limitation is concerned: it declares what it reads and is handed nothing else."""

    @property
    def id(self) -> str:
        """Its name, without `model__`."""
        ...

    @property
    def reads(self) -> Sequence[Read]:
        """Facts and links, by kind of subject."""
        ...


ACTIVE_MODELS: tuple[ReadsFacts, ...] = ()
"""The models in service. One that is not listed is no purpose: nothing is kept for it, and it can fetch nothing."""
RULE_READERS = ("missing_evidence",)
"""Models in service that imitate the rules: each reads what the benefits in force read, and nothing else."""


def active_purposes(
    rulebook: Rulebook, on_date: dt.date, models: Mapping[str, Sequence[Read]] | None = None
) -> Purposes:
    """Benefits in force on a day, and models, each with the facts it reads.

    Args:
        rulebook: the benefits.
        on_date: the day.
        models: by id, what each reads; those in service by default.
    """
    of_benefits = reads_of(rulebook, on_date)
    reads: dict[str, Sequence[Read]] = {benefit_purpose(benefit): wanted for benefit, wanted in of_benefits.items()}
    if models is None:
        models = {model.id: model.reads for model in ACTIVE_MODELS}
        every = sorted({read for wanted in of_benefits.values() for read in wanted})
        reads |= {model_purpose(model): every for model in RULE_READERS}
    reads |= {model_purpose(model): wanted for model, wanted in models.items()}
    return Purposes.of(reads, rulebook.vocabulary)


def benefit_purpose(benefit: str) -> str:
    """The purpose on whose behalf a benefit's facts are fetched."""
    return f"{BENEFIT}{PART}{benefit}"


def model_purpose(model: str) -> str:
    """The purpose on whose behalf a model's facts are fetched."""
    return f"{MODEL}{PART}{model}"
