"""From complete households to a fitted model: hide records as outages do, ask the rule, learn where it cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from models.errors import LeakError
from models.fitted import FittedModel, fit
from models.inputs import Input, check_inputs, check_not_too_good
from models.missing_evidence.groups import groups_of
from models.missing_evidence.inputs import ALL, directions, inputs_of
from models.missing_evidence.outages import PATTERNS, TWO_AT_ONCE, Pattern, masked
from models.missing_evidence.rule import determine, share_that_differs
from models.trees import Flags, Floats, Growth

NAME = "missing_evidence"
TOLERATED = 0.001
"""The share of a file's answers that may differ from the rule's, by cents rounded otherwise. The benchmark tells it."""
GROWTH = Growth(trees=300, leaves=15, learning_rate=0.1, share_of_features=0.7)
"""More than the start in `models.trees`: 300,000 rows under seven patterns bear it (see the model's page)."""


@dataclass(frozen=True, slots=True)
class Masked:
    """Households under one pattern of outages."""

    records: pl.DataFrame
    undetermined: Flags
    """Those whom the rule cannot settle with what is left."""

    @property
    def open_records(self) -> pl.DataFrame:
        """The records of the undetermined."""
        return self.records.filter(pl.Series(self.undetermined))

    @property
    def answers(self) -> npt.NDArray[np.int8]:
        """The rule's answers on the complete records of the undetermined."""
        return self.open_records["answer"].to_numpy()


def mask(records: pl.DataFrame, pattern: Pattern, seed: int, *, for_training: bool) -> Masked:
    """Hide records by a pattern. The same seed hides the same."""
    place = [p.name for p in (*PATTERNS, TWO_AT_ONCE)].index(pattern.name)
    chance = np.random.default_rng([seed, place, int(for_training)])
    draw = pattern.trained_as if for_training and pattern.trained_as else pattern.draw
    left = masked(records, draw(records, chance), chance)
    return Masked(left, determine(left).undetermined)


@dataclass(frozen=True, slots=True)
class Examples:
    """What the model learns from: inputs, and the rule's answer on the complete records."""

    inputs: pl.DataFrame
    answers: npt.NDArray[np.int8]
    groups: npt.NDArray[np.uint32]
    patterns: list[str]
    axes: pl.DataFrame
    """The groups by which the model is looked at afterwards: `models.missing_evidence.groups`."""
    weights: Floats
    """Each way of going missing counts the same, however many households it leaves open."""


def examples_of(records: pl.DataFrame, seed: int, patterns: Sequence[Pattern] = PATTERNS) -> Examples:
    """Every complete household under every pattern, where the rule cannot settle it.

    Raises:
        LeakError: the answers of more than a household in a thousand are not the rule's.
    """
    if (differing := share_that_differs(records)) > TOLERATED:
        raise LeakError([f"`eligible` differs from the rule's answer for {differing:.2%} of the households"])
    parts = [mask(records, p, seed, for_training=True).open_records for p in patterns]
    left = pl.concat(parts)
    largest = max(part.height for part in parts)
    return Examples(
        inputs_of(left),
        left["answer"].to_numpy(),
        left["group"].to_numpy(),
        left["pattern"].to_list(),
        groups_of(left),
        np.concatenate([np.full(part.height, largest / max(1, part.height)) for part in parts]),
    )


def train(examples: Examples, inputs: Sequence[Input] = ALL, growth: Growth = GROWTH) -> FittedModel:
    """Fit the model on the declared inputs, after refusing those that leak.

    Raises:
        LeakError: an input is banned, comes after the answer, or is by itself too good to be true.
        TrainingError: there is too little to learn from.
    """
    check_inputs(inputs)
    check_not_too_good(examples.inputs, [i.name for i in inputs], examples.answers)
    return fit(
        NAME,
        examples.inputs,
        examples.answers,
        directions(tuple(inputs)),
        groups=examples.groups,
        patterns=examples.patterns,
        weights=examples.weights,
        growth=growth,
    )
