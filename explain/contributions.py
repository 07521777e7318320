"""What a score is made of, by fact and by register: never by the columns that a fact was spread over for a model.

A model sees a code as many columns (one per value), a date as an age, a gap as an indicator. Showing one of them alone
misleads: its siblings carry the opposite sign. Contributions add up, so those of a fact are simply summed.

Source:
    Lundberg et al., From local explanations to global understanding with explainable AI for trees, Nature Machine
    Intelligence 2 (2020): base value plus contributions is the score (local accuracy).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from explain.errors import AdditivityError, ColumnMappingError
from features.documents import Wording

Floats = npt.NDArray[np.float64]

SINGLE_TOLERANCE = 1e-9
BATCH_TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class ModelColumn:
    """One input column of a model: the fact it was made from, and the register that told it.

    Columns that were made from several facts (the slack to a limit, the number of missing facts) have an id and a
    label of their own in place of a fact's.
    """

    name: str
    fact: str
    label: Wording
    register: str
    register_name: Wording


@dataclass(frozen=True, slots=True)
class Part:
    """What one fact adds to the score (in the score's own units, log-odds for a classifier)."""

    fact: str
    label: Wording
    register: str
    register_name: Wording
    value: float
    columns: int


@dataclass(frozen=True, slots=True)
class Contributions:
    """One score taken apart: `base` plus the parts is `score`. The largest parts come first."""

    model: str
    base: float
    score: float
    parts: tuple[Part, ...]

    def by_register(self) -> tuple[Part, ...]:
        """The same, summed by register, the largest first."""
        found: dict[str, list[Part]] = {}
        for part in self.parts:
            found.setdefault(part.register, []).append(part)
        sums = (
            Part("", some[0].register_name, register, some[0].register_name, _sum(some), sum(p.columns for p in some))
            for register, some in found.items()
        )
        return tuple(sorted(sums, key=lambda part: -abs(part.value)))


@dataclass(frozen=True, slots=True, eq=False)
class ContributionTable:
    """Contributions of many rows by fact: `values` of shape (rows, facts), `base` and `score` of shape (rows,)."""

    columns: tuple[ModelColumn, ...]
    facts: tuple[str, ...]
    values: Floats
    base: Floats
    score: Floats


class Grouping:
    """The columns of one model by fact; made once per model."""

    def __init__(self, model: str, columns: Sequence[ModelColumn]) -> None:
        self.model = model
        self.columns = tuple(columns)
        self.facts = tuple(dict.fromkeys(column.fact for column in columns))
        position = {fact: index for index, fact in enumerate(self.facts)}
        self._of_column = np.array([position[column.fact] for column in columns], dtype=np.intp)
        self._first = {column.fact: column for column in reversed(self.columns)}

    def one(self, contributions: npt.ArrayLike, score: float) -> Contributions:
        """One row of `predict(..., pred_contrib=True)` taken apart.

        Args:
            contributions: one figure per model column, and the base value last.
            score: the raw score of the same row (`predict(..., raw_score=True)`).

        Raises:
            AdditivityError: they do not add up to the score within 1e-9.
            ColumnMappingError: there are more or fewer figures than columns.
        """
        row = np.asarray(contributions, dtype=np.float64).reshape(-1)
        self._check_width(len(row))
        difference = math.fsum((*row.tolist(), -score))
        if not abs(difference) <= SINGLE_TOLERANCE:
            raise AdditivityError(0, difference, SINGLE_TOLERANCE)
        sums: dict[str, list[float]] = {}
        for column, value in zip(self.columns, row[:-1].tolist(), strict=True):
            sums.setdefault(column.fact, []).append(value)
        parts = (self._part(fact, math.fsum(values), len(values)) for fact, values in sums.items())
        ordered = sorted(parts, key=lambda part: -abs(part.value))
        return Contributions(self.model, float(row[-1]), float(score), tuple(ordered))

    def many(self, contributions: npt.ArrayLike, scores: npt.ArrayLike) -> ContributionTable:
        """Contributions of many rows, shape (rows, columns + 1), by fact.

        Raises:
            AdditivityError: a row does not add up within 1e-5; the first is named by its position.
            ColumnMappingError: there are more or fewer columns than the model has.
        """
        raw = np.asarray(contributions, dtype=np.float64)
        score = np.asarray(scores, dtype=np.float64)
        self._check_width(raw.shape[1])
        difference = raw.sum(axis=1) - score
        wrong = np.flatnonzero(~(np.abs(difference) <= BATCH_TOLERANCE))
        if len(wrong):
            raise AdditivityError(int(wrong[0]), float(difference[wrong[0]]), BATCH_TOLERANCE)
        # Columns of a fact put side by side, then summed in place: no matrix product of mostly zeros.
        order = np.argsort(self._of_column, kind="stable")
        starts = np.searchsorted(self._of_column[order], np.arange(len(self.facts)))
        values = np.add.reduceat(raw[:, order], starts, axis=1)
        return ContributionTable(self.columns, self.facts, values, raw[:, -1], score)

    def _part(self, fact: str, value: float, columns: int) -> Part:
        first = self._first[fact]
        return Part(fact, first.label, first.register, first.register_name, value, columns)

    def _check_width(self, found: int) -> None:
        if found != len(self.columns) + 1:
            raise ColumnMappingError(found, len(self.columns))


def repaired(
    contributions: npt.ArrayLike, scores: npt.ArrayLike, exactly: Callable[[npt.NDArray[np.intp]], npt.ArrayLike]
) -> Floats:
    """Contributions of a fast engine, with the rows that it does not get right from the exact one.

    Fast engines sum in single precision: a row in some thousands misses its score by more than 1e-5.

    Args:
        contributions: shape (rows, columns + 1).
        scores: of the same rows.
        exactly: is given the positions of rows and returns their contributions.
    """
    raw = np.array(contributions, dtype=np.float64)
    wrong = np.flatnonzero(~(np.abs(raw.sum(axis=1) - np.asarray(scores)) <= BATCH_TOLERANCE))
    if len(wrong):
        raw[wrong] = exactly(wrong)
    return raw


def _sum(parts: Sequence[Part]) -> float:
    return math.fsum(part.value for part in parts)
