"""Nobody who is worse off on every need axis may rank below: sampled pairs, and how many break that.

A pair is one household and the same household made worse off: on some axes it takes the value of another, where that is
worse. Everything else, and what is unknown, stays. Households that lack different records are not compared.

Source: the failure of Korea's blind-spot finder, which chose a household 17 months in arrears and not one 22 months in
arrears; Sill, Monotonic networks, NIPS 1997, for why a constraint is a proof and a sample only a check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from models.trees import Flags, Floats

ROUNDING = 1e-9
"""Sums over trees in floating point differ by less."""


@dataclass(frozen=True, slots=True)
class Dominance:
    """What the sampled pairs came to."""

    pairs: int
    violations: int
    largest_drop: float
    """By how much the score of the worse off fell, at most."""


def sample_dominance(
    score: Callable[[pl.DataFrame], Floats],
    facts: pl.DataFrame,
    axes: Mapping[str, int],
    pairs: int,
    seed: int,
    at_once: int = 100_000,
) -> Dominance:
    """Sample pairs and count those whose worse-off side scores lower.

    Args:
        score: scores of facts, by row: it must compute every input anew, so that derived inputs are tested too.
        facts: real households.
        axes: the need axes, each with +1 where more is worse off and -1 where less is.
        pairs: how many pairs.
        seed: decides the pairs.
        at_once: how many pairs are scored together.
    """
    chance = np.random.default_rng(seed)
    violations, largest = 0, 0.0
    for start in range(0, pairs, at_once):
        better = facts[chance.integers(0, facts.height, min(at_once, pairs - start))]
        worse = worse_off(better, facts, axes, chance)
        drop = score(better) - score(worse)
        violations += int(np.sum(drop > ROUNDING))
        largest = max(largest, float(drop.max()))
    return Dominance(pairs, violations, largest)


def worse_off(
    rows: pl.DataFrame, others: pl.DataFrame, axes: Mapping[str, int], chance: np.random.Generator
) -> pl.DataFrame:
    """Each row made worse off on about half of the axes; a null stays null."""
    lenders = chance.integers(0, others.height, rows.height)
    changed = []
    for axis, sign in axes.items():
        own, lent = _floats(rows, axis), _floats(others, axis)[lenders]
        # Half of the time a share of its own value: another household's is often zero or far away.
        lent = np.where(chance.random(rows.height) < 0.5, lent, own * chance.random(rows.height) ** sign)
        taken: Flags = (chance.random(rows.height) < 0.5) & (sign * (lent - own) > 0)
        changed.append(pl.Series(axis, np.where(taken, lent, own), nan_to_null=True))
    return rows.with_columns(changed)


def _floats(frame: pl.DataFrame, name: str) -> Floats:
    return frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
