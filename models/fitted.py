"""A fitted model as it is kept, loaded and asked: trees, calibration by pattern, and thresholds, under one hash.

A folder holds `trees.txt` (LightGBM's own text) and `model.json` (columns in order, directions, calibration,
thresholds, and the hash of the trees). The hash of `model.json` names the whole model: nothing is loaded if it differs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from models.calibration import AS_IT_IS, Sigmoid, fit_sigmoid, probability
from models.conformal import EVERYTHING_OPEN, Leaning, Thresholds, fit_thresholds
from models.errors import ModelsError, TamperedModelError, TrainingError
from models.trees import Floats, Growth, Trees, grow

TREES_FILE, MODEL_FILE = "trees.txt", "model.json"
ALL_PATTERNS = ""
"""The calibration of a row whose pattern has none of its own."""


@dataclass(frozen=True)
class FittedModel:
    """Trees with what turns their log-odds into probabilities, by pattern of missing records."""

    name: str
    trees: Trees
    calibration: Mapping[str, Sigmoid]
    thresholds: Mapping[str, Thresholds]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads, in order."""
        return self.trees.columns

    @property
    def directions(self) -> Mapping[str, int]:
        """+1, -1 or 0 by column."""
        return dict(zip(self.trees.columns, self.trees.directions, strict=True))

    def score(self, frame: pl.DataFrame, patterns: Sequence[str] | None = None) -> Floats:
        """The probability of yes of each row.

        Args:
            frame: has the model's columns; a null is an unknown value.
            patterns: which records are missing, by row, as at the fitting; the calibration of all patterns where None.
        """
        return probability(self.log_odds(frame, patterns))

    def log_odds(self, frame: pl.DataFrame, patterns: Sequence[str] | None = None) -> Floats:
        """The calibrated log-odds of each row: what its contributions add up to."""
        slopes, shifts = self._sigmoids(frame.height, patterns)
        return np.asarray(slopes * self.trees.log_odds(frame) + shifts, dtype=np.float64)

    def contributions(self, frame: pl.DataFrame, patterns: Sequence[str] | None = None) -> Floats:
        """Contributions to the calibrated log-odds: one column for each of `columns`, and the base last."""
        slopes, shifts = self._sigmoids(frame.height, patterns)
        found = self.trees.contributions(frame) * slopes[:, None]
        found[:, -1] += shifts
        return np.asarray(found, dtype=np.float64)

    def leanings(self, frame: pl.DataFrame, patterns: Sequence[str] | None = None) -> list[Leaning]:
        """What may be said of each row at the promised coverage."""
        scores = self.score(frame, patterns)
        found = [Leaning.ABSTAINS] * frame.height
        names = np.array([ALL_PATTERNS] * frame.height if patterns is None else list(patterns), dtype=object)
        for pattern in set(names.tolist()):
            rows = np.flatnonzero(names == pattern)
            own = self.thresholds.get(pattern, self.thresholds.get(ALL_PATTERNS, EVERYTHING_OPEN))
            for row, leaning in zip(rows, own.leanings(scores[rows]), strict=True):
                found[int(row)] = leaning
        return found

    def recalibrated(
        self,
        pattern: str,
        frame: pl.DataFrame,
        answers: npt.ArrayLike,
        expected: tuple[pl.DataFrame, npt.ArrayLike] | None = None,
    ) -> FittedModel:
        """This model with the calibration of one pattern fitted anew on audited cases, whose thresholds then lapse.

        Args:
            pattern: whose calibration.
            frame: the audited cases.
            answers: what the audits found.
            expected: other rows of the pattern, with the share of yes that something else than an audit expects of each
                (`models.missing_evidence.left_over`); all of them together count as much as the audits, never more.

        Raises:
            TrainingError: fewer than 30 cases, or all with the same answer.
        """
        sigmoid = fit_sigmoid(self.trees.log_odds(frame), answers)
        if expected is not None:
            others, shares = expected[0], np.asarray(expected[1], dtype=np.float64)
            sigmoid = fit_sigmoid(
                self.trees.log_odds(pl.concat([frame, others])),
                np.concatenate([np.asarray(answers, dtype=np.float64), shares]),
                weights=np.repeat([1.0, frame.height / max(1, others.height)], [frame.height, others.height]),
            )
        thresholds = {**self.thresholds, pattern: EVERYTHING_OPEN}
        return FittedModel(self.name, self.trees, {**self.calibration, pattern: sigmoid}, thresholds)

    def to_folder(self, folder: Path) -> str:
        """Write the model and return its hash."""
        folder.mkdir(parents=True, exist_ok=True)
        trees = self.trees.text.encode()
        content = {
            "name": self.name,
            "trees_sha256": hashlib.sha256(trees).hexdigest(),
            "columns": list(self.trees.columns),
            "directions": list(self.trees.directions),
            "calibration": {pattern: asdict(s) for pattern, s in self.calibration.items()},
            "thresholds": {pattern: asdict(t) for pattern, t in self.thresholds.items()},
        }
        text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False).encode()
        (folder / TREES_FILE).write_bytes(trees)
        (folder / MODEL_FILE).write_bytes(text)
        return hashlib.sha256(text).hexdigest()

    @staticmethod
    def from_folder(folder: Path, sha256: str) -> FittedModel:
        """Read a model whose hash is `sha256`.

        Raises:
            TamperedModelError: a file differs from what was promoted.
            ModelsError: a file is missing or cannot be read.
        """
        text = _read(folder / MODEL_FILE, sha256)
        content = json.loads(text)
        trees = _read(folder / TREES_FILE, content["trees_sha256"]).decode()
        return FittedModel(
            content["name"],
            Trees(trees, tuple(content["columns"]), tuple(content["directions"])),
            {pattern: Sigmoid(**s) for pattern, s in content["calibration"].items()},
            {pattern: Thresholds(**t) for pattern, t in content["thresholds"].items()},
        )

    def _sigmoids(self, rows: int, patterns: Sequence[str] | None) -> tuple[Floats, Floats]:
        fallback = self.calibration.get(ALL_PATTERNS, AS_IT_IS)
        own = [self.calibration.get(p, fallback) for p in patterns] if patterns is not None else [fallback] * rows
        return np.array([s.slope for s in own], dtype=np.float64), np.array([s.shift for s in own], dtype=np.float64)


def fit(
    name: str,
    frame: pl.DataFrame,
    answers: npt.ArrayLike,
    directions: Mapping[str, int],
    *,
    groups: npt.ArrayLike,
    patterns: Sequence[str] | None = None,
    weights: npt.ArrayLike | None = None,
    growth: Growth | None = None,
    miss: float = 0.1,
) -> FittedModel:
    """Fit trees on most of the groups, calibration on others, thresholds on others again.

    Args:
        name: the model's name.
        frame: one row for each example; a null is an unknown value.
        answers: 1 or 0 for each row.
        directions: the columns to read, in order, each with +1, -1 or 0.
        groups: who each row is about, so that nobody (under another mask, say) is in two of the three parts.
        patterns: which records are missing, by row.
        weights: how much each row counts, in the trees and in the calibration; all the same where None.
        growth: how the trees are grown.
        miss: the share of each answer that the sets of `leanings` may miss.
    """
    growth = growth or Growth()
    target = np.asarray(answers)
    share = _shares(np.asarray(groups), growth.seed)
    names = np.array([ALL_PATTERNS] * len(target) if patterns is None else list(patterns), dtype=object)
    grown, calibrating, setting = share < 0.7, (share >= 0.7) & (share < 0.85), share >= 0.85
    weight = np.ones(len(target)) if weights is None else np.asarray(weights, dtype=np.float64)
    counted = None if weights is None else weight[grown]
    trees = grow(frame.filter(pl.Series(grown)), target[grown], directions, growth, counted)
    raw = trees.log_odds(frame)
    calibration, thresholds = {}, {}
    for pattern in sorted({ALL_PATTERNS, *names.tolist()}):
        rows = np.ones(len(target), dtype=bool) if pattern == ALL_PATTERNS else names == pattern
        try:
            cases = rows & calibrating
            sigmoid = fit_sigmoid(raw[cases], target[cases], weights=weight[cases])
        except TrainingError:
            if pattern == ALL_PATTERNS:
                raise
            continue  # too few households show this pattern: the calibration of all patterns stands in
        held_out = rows & setting
        calibration[pattern] = sigmoid
        thresholds[pattern] = fit_thresholds(sigmoid.probability(raw[held_out]), target[held_out], miss)
    return FittedModel(name, trees, calibration, thresholds)


def _shares(groups: npt.NDArray[np.generic], seed: int) -> Floats:
    """A number in [0, 1) for each group, the same for all its rows."""
    distinct, positions = np.unique(groups, return_inverse=True)
    return np.random.default_rng(seed).random(len(distinct))[positions]


def _read(path: Path, sha256: str) -> bytes:
    try:
        found = path.read_bytes()
    except OSError as problem:
        raise ModelsError(f"{path}: cannot be read. Restore the folder from the registry.") from problem
    digest = hashlib.sha256(found).hexdigest()
    if digest != sha256:
        raise TamperedModelError(str(path), sha256, digest)
    return found
