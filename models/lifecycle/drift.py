"""Drift: are the people whom a model scores today still those it was measured on?

The population stability index compares shares in the bins that the reference's deciles make. What is missing is told
apart from what changed: a register that stops delivering must not hide in a bin.

Source: Siddiqi, Credit Risk Scorecards (2006), for the index and its customary limits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from models.errors import ModelsError
from models.lifecycle.limits import DriftLimits

Floats = npt.NDArray[np.float64]
BINS = 10
_LEAST_SHARE = 1e-4
"""An empty bin counts as this share, so that the index stays finite."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What changed of one input, or of the scores."""

    what: str
    psi: float
    missing_before: float
    missing_now: float
    beyond: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """How the inputs and scores of the held-out rows were spread: what later rows are compared with.

    Shares and edges only; no row of anybody.
    """

    edges: dict[str, list[float]]
    shares: dict[str, list[float]]
    missing: dict[str, float]
    rows: int


SCORE = "score"


class TooFewRowsError(ModelsError):
    """A drift cannot be told from so few rows."""


def reference_of(inputs: pl.DataFrame, scores: Floats) -> Reference:
    """The reference that goes with a model."""
    edges: dict[str, list[float]] = {}
    shares: dict[str, list[float]] = {}
    missing: dict[str, float] = {}
    for name, values in _columns(inputs, scores):
        known = values[~np.isnan(values)]
        missing[name] = 1 - len(known) / len(values) if len(values) else 0.0
        inner = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else np.array([])
        edges[name] = inner.tolist()
        shares[name] = _shares(known, inner).tolist()
    return Reference(edges, shares, missing, len(scores))


def find_drift(reference: Reference, inputs: pl.DataFrame, scores: Floats, limits: DriftLimits) -> list[Drift]:
    """Compare today's rows with the reference, input by input, then the scores.

    Raises:
        TooFewRowsError: fewer rows than the limits ask for.
        ModelsError: the inputs are others.
    """
    if len(scores) < limits.least_rows:
        raise TooFewRowsError(f"{len(scores):,} rows are too few to tell a drift; at least {limits.least_rows:,} do.")
    found: list[Drift] = []
    for name, values in _columns(inputs, scores):
        if name not in reference.edges:
            raise ModelsError(f"The reference knows no input `{name[:60]}`. Compare with the model that scored.")
        known = values[~np.isnan(values)]
        psi = stability_index(np.array(reference.shares[name]), _shares(known, np.array(reference.edges[name])))
        missing_now = 1 - len(known) / len(values)
        limit = limits.score_psi if name == SCORE else limits.input_psi
        beyond = []
        if len(known) and psi > limit:
            beyond.append(SCORE if name == SCORE else "input")
        if abs(missing_now - reference.missing[name]) > limits.missingness:
            beyond.append("missingness")
        found.append(Drift(name, psi if len(known) else 0.0, reference.missing[name], missing_now, tuple(beyond)))
    return found


def stability_index(before: Floats, now: Floats) -> float:
    """The population stability index of two lists of shares: 0 where they are equal."""
    before, now = np.maximum(before, _LEAST_SHARE), np.maximum(now, _LEAST_SHARE)
    return float(((now - before) * np.log(now / before)).sum())


def _columns(inputs: pl.DataFrame, scores: Floats) -> list[tuple[str, Floats]]:
    columns = [(name, inputs.get_column(name).cast(pl.Float64).fill_null(np.nan).to_numpy()) for name in inputs.columns]
    return [*columns, (SCORE, np.asarray(scores, dtype=np.float64))]


def _shares(known: Floats, inner: Floats) -> Floats:
    counts = np.bincount(np.searchsorted(inner, known, side="left"), minlength=len(inner) + 1)
    return np.asarray(counts / max(len(known), 1), dtype=np.float64)
