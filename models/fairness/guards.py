"""Guards of a table of many groups: against chance findings, and against showing somebody in a small cell."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def holm(p_values: Floats) -> Floats:
    """p-values adjusted so that the chance of any false finding stays below the level they are compared with.

    Source: Holm, A Simple Sequentially Rejective Multiple Test Procedure (1979).
    """
    n = len(p_values)
    order = np.argsort(p_values, kind="stable")
    stepped = np.maximum.accumulate(p_values[order] * (n - np.arange(n)))
    adjusted = np.empty(n, dtype=np.float64)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def benjamini_hochberg(p_values: Floats) -> Floats:
    """p-values adjusted so that the expected share of false findings stays below the level.

    Source: Benjamini and Hochberg, Controlling the False Discovery Rate (1995).
    """
    n = len(p_values)
    order = np.argsort(p_values, kind="stable")
    ratio = p_values[order] * n / (np.arange(n) + 1)
    stepped = np.minimum.accumulate(ratio[::-1])[::-1]
    adjusted = np.empty(n, dtype=np.float64)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def hidden_cells(counts: list[int], least: int) -> list[bool]:
    """Which cells of one axis are hidden: small ones, and one more where a single one could be had by subtraction.

    Args:
        counts: people in each cell of an axis whose total is shown.
        least: cells with fewer are hidden; an empty one is not, for nobody is in it.
    """
    hidden = [0 < count < least for count in counts]
    shown = [place for place, count in enumerate(counts) if not hidden[place] and count]
    if sum(hidden) == 1 and shown:
        hidden[min(shown, key=lambda place: counts[place])] = True
    return hidden
