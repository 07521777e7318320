"""Rates, calibration and reach by group and intersection, with intervals, by way of fairlearn's MetricFrame.

- reach: of those for whom the answer was yes, how many the queue reaches (recall);
- rate: how many of the group are reached at all;
- calibration gap: mean score minus share of yes (above 0: promised too much).

A group is flagged where its reach or calibration differs from everybody else's beyond chance after Holm's correction
over every test of the report. Small cells are hidden, and so is what would give them away.

Source: Weerts et al., Fairlearn (2023); Efron and Tibshirani, An Introduction to the Bootstrap (1993), percentile
intervals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations

import numpy as np
import numpy.typing as npt
import polars as pl

from models.fairness.guards import benjamini_hochberg, hidden_cells, holm
from models.intervals import Clusters, Interval, interval_of
from models.measures import Flags, Floats

LEVEL = 0.05
LEAST_CELL = 30
"""People below which a group is not shown: under 30 an interval says nothing, and people could be told apart."""
DRAWS = 400
NOT_KNOWN = "not known"
METRICS = ("rate", "reach", "calibration_gap")


@dataclass(frozen=True, slots=True)
class GroupLine:
    """One group of one axis (`sex`, or `age × sex`); figures are absent where the cell is hidden."""

    axis: str
    group: str
    count: int | None
    positives: int | None
    figures: dict[str, Interval] = field(default_factory=dict)
    p_values: dict[str, float] = field(default_factory=dict)
    flagged: tuple[str, ...] = ()

    @property
    def hidden(self) -> bool:
        return self.count is None

    def content(self) -> dict[str, object]:
        """The line as JSON."""
        return {
            "axis": self.axis, "group": self.group, "count": self.count, "positives": self.positives,
            "hidden": self.hidden, "figures": {name: figure.content() for name, figure in self.figures.items()},
            "p_values": {name: round(p, 6) for name, p in self.p_values.items()}, "flagged": list(self.flagged),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class GroupReport:
    """All groups, and the widest gaps.

    Attributes:
        lines: overall first.
        least_cell: groups with fewer people are hidden.
        draws: of the bootstrap.
        guard: how chance findings are kept out.
    """

    lines: tuple[GroupLine, ...]
    least_cell: int
    draws: int
    guard: str

    @property
    def flagged(self) -> tuple[GroupLine, ...]:
        return tuple(line for line in self.lines if line.flagged)

    def gap(self, metric: str) -> float:
        """The widest distance between two shown groups of one axis, in this figure."""
        by_axis: dict[str, list[float]] = {}
        for line in self.lines[1:]:
            if metric in line.figures and np.isfinite(line.figures[metric].value):
                by_axis.setdefault(line.axis, []).append(line.figures[metric].value)
        return max((max(values) - min(values) for values in by_axis.values()), default=0.0)


def report_groups(
    scores: Floats,
    labels: npt.NDArray[np.int8],
    reached: Flags,
    groups: pl.DataFrame,
    *,
    seed: int,
    draws: int = DRAWS,
    least_cell: int = LEAST_CELL,
    guard: Callable[[Floats], Floats] = holm,
    clusters: Clusters | None = None,
) -> GroupReport:
    """Compare groups.

    Args:
        scores: probabilities.
        labels: 1 where the answer was yes.
        reached: whom the queue reaches with the places it has.
        groups: one column for each axis (age band, sex, district, disability, household kind); null is a group too.
        seed: of the bootstrap.
        draws: of the bootstrap.
        least_cell: groups with fewer people are hidden.
        guard: `holm` (no false finding) or `benjamini_hochberg` (a share of them).
        clusters: the number of whom each row is about, where several rows are about the same; drawn as wholes.
    """
    people = _People(scores, labels, reached)
    of = np.arange(len(scores)) if clusters is None else clusters
    drawn = np.random.default_rng(seed).poisson(1.0, size=(draws, int(of.max(initial=-1)) + 1)).astype(np.int8)[:, of]
    lines = _axis("all", np.full(len(scores), "all"), people, drawn, least_cell=0)
    for axis, column in _axes(groups):
        lines += _axis(axis, column, people, drawn, least_cell)
    name = "Benjamini-Hochberg" if guard is benjamini_hochberg else "Holm"
    return GroupReport(tuple(_guarded(lines, guard)), least_cell, draws, name)


@dataclass(frozen=True, slots=True)
class _People:
    scores: Floats
    labels: npt.NDArray[np.int8]
    reached: Flags


def _axes(groups: pl.DataFrame) -> Iterator[tuple[str, npt.NDArray[np.str_]]]:
    """Each axis, and each pair of axes."""
    axes = {axis: groups.get_column(axis).cast(pl.String).fill_null(NOT_KNOWN).to_list() for axis in groups.columns}
    for axis, column in axes.items():
        yield axis, np.array(column)
    for first, second in combinations(groups.columns, 2):
        pairs = zip(axes[first], axes[second], strict=True)
        yield f"{first} × {second}", np.array([f"{a} · {b}" for a, b in pairs])


def _axis(
    axis: str, column: npt.NDArray[np.str_], people: _People, drawn: npt.NDArray[np.int8], least_cell: int
) -> list[GroupLine]:
    names, codes, counts = np.unique(column, return_inverse=True, return_counts=True)
    found = _figures(people, column)
    own, others = _drawn_figures(people, codes, len(names), drawn)
    lines: list[GroupLine] = []
    hidden = hidden_cells(counts.tolist(), least_cell)
    for place, name in enumerate(names):
        if hidden[place]:
            lines.append(GroupLine(axis, str(name), None, None))
            continue
        inside = codes == place
        figures = {metric: interval_of(found[metric][str(name)], own[metric][:, place]) for metric in METRICS}
        p_values = {
            metric: _p_value(own[metric][:, place] - others[metric][:, place])
            for metric in ("reach", "calibration_gap")
            if len(names) > 1
        }
        positives = int(people.labels[inside].sum())
        lines.append(GroupLine(axis, str(name), int(counts[place]), positives, figures, p_values))
    return lines


def _figures(people: _People, column: npt.NDArray[np.str_]) -> dict[str, dict[str, float]]:
    """The figures of each group, by fairlearn."""
    # scikit-learn and fairlearn take seconds to import, and nothing that serves needs them.
    from fairlearn.metrics import MetricFrame, selection_rate  # noqa: PLC0415
    from sklearn.metrics import recall_score  # noqa: PLC0415

    frame = MetricFrame(
        metrics={
            "reach": partial(recall_score, zero_division=math.nan),
            "rate": selection_rate,
            "calibration_gap": _calibration_gap,
        },
        y_true=people.labels,
        y_pred=people.reached.astype(np.int8),
        sensitive_features=column,
        sample_params={"calibration_gap": {"score": people.scores}},
    )
    return {metric: {str(k): float(v) for k, v in frame.by_group[metric].items()} for metric in METRICS}


def _calibration_gap(y_true: Floats, y_pred: Floats, score: Floats) -> float:
    return float(np.mean(score) - np.mean(y_true))


def _drawn_figures(
    people: _People, codes: npt.NDArray[np.intp], n_groups: int, drawn: npt.NDArray[np.int8]
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """The figures of each group, and of everybody else, in each draw of the bootstrap: shape (draws, groups)."""
    columns = (
        np.ones(len(codes)), people.labels, people.reached, people.reached & (people.labels == 1), people.scores,
    )  # fmt: skip
    sums = np.empty((len(columns), len(drawn), n_groups))
    for row, weights in enumerate(drawn):
        for place, column in enumerate(columns):
            sums[place, row] = np.bincount(codes, weights=weights * column, minlength=n_groups)
    rest = sums.sum(axis=2, keepdims=True) - sums
    return _of_sums(sums), _of_sums(rest)


def _of_sums(sums: Floats) -> dict[str, Floats]:
    count, positives, reached, both, score = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        return {"rate": reached / count, "reach": both / positives, "calibration_gap": (score - positives) / count}


def _p_value(differences: Floats) -> float:
    """Two-sided, of no difference; by the normal with the bootstrap's spread: draws alone are too coarse for Holm."""
    finite = differences[np.isfinite(differences)]
    if len(finite) < len(differences) / 2:
        return 1.0
    spread = float(finite.std())
    if spread == 0:
        return 1.0 if float(finite.mean()) == 0 else 0.0
    return math.erfc(abs(float(finite.mean())) / spread / math.sqrt(2))


def _guarded(lines: list[GroupLine], guard: Callable[[Floats], Floats]) -> Iterator[GroupLine]:
    """The lines, with what differs beyond chance over all tests of the report."""
    tests = [(place, metric) for place, line in enumerate(lines) for metric in line.p_values]
    raw = np.array([lines[place].p_values[metric] for place, metric in tests])
    adjusted = dict(zip(tests, guard(raw).tolist() if len(raw) else [], strict=True))
    for place, line in enumerate(lines):
        own = {metric: adjusted[place, metric] for metric in line.p_values}
        flagged = tuple(metric for metric, p_value in own.items() if p_value < LEVEL)
        yield replace(line, p_values=own, flagged=flagged)
