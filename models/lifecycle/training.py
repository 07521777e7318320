"""One training run: split by subject, fit, fit twins with other seeds, measure on what was held out, write the card."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from features.documents import Wording
from models.cross_fitting import FEW_ROWS, fit_on_few
from models.errors import TrainingError
from models.fitted import FittedModel, fit
from models.intervals import Clusters
from models.lifecycle.candidate import TWINS, HeldOut, keep_rows
from models.lifecycle.card import Card
from models.lifecycle.drift import reference_of
from models.lifecycle.limits import Limits
from models.lifecycle.promotion import Assessment, assess
from models.lifecycle.reference import write_reference
from models.measures import Flags, Floats, Labels
from models.observed.inputs import Inputs
from models.trees import Growth

HELD_OUT_SHARE = 0.3
TWIN_SEEDS = (7, 11)
FEWEST_ROWS = 400


@dataclass(frozen=True)
class TrainingSet:
    """Rows to train on, each as known on its own day.

    Attributes:
        model: its name.
        frame: the inputs; null is unknown.
        labels: 1 or 0.
        subjects: whom each row is about: all rows of one subject fall on one side of the split.
        weights: what each row counts.
        groups: one column for each axis of fairness; no model reads them.
        features: column -> why it is read, and the only direction in which it may move the score.
        target: what the score is the probability of.
        window_days: within which that happens or not.
        exclusions: whom the rows leave out.
        limits: what must not be done with the score.
        left_out: how many rows, by reason.
        patterns: which records are missing, by row.
    """

    model: str
    frame: pl.DataFrame
    labels: Labels
    subjects: Sequence[str]
    weights: Floats
    groups: pl.DataFrame
    features: Mapping[str, tuple[Wording, int]]
    target: Wording
    window_days: int
    exclusions: Sequence[Wording] = ()
    limits: Sequence[Wording] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    patterns: tuple[str, ...] | None = None

    @property
    def directions(self) -> dict[str, int]:
        return {name: sign for name, (_, sign) in self.features.items()}

    def digest(self) -> str:
        """SHA-256 of all rows, in order."""
        buffer = io.BytesIO()
        self.part(np.ones(len(self.labels), dtype=np.bool_)).table().write_ipc(buffer)
        return hashlib.sha256(buffer.getvalue()).hexdigest()

    def _clusters(self, rows: Flags) -> Clusters | None:
        """A number for whom each row is about, which does not say who that is; None where each is about another."""
        distinct, number = np.unique(np.asarray(self.subjects)[rows], return_inverse=True)
        return None if len(distinct) == len(number) else number.astype(np.intp)

    def part(self, rows: Flags) -> HeldOut:
        """Some of the rows, without their subjects."""
        chosen = pl.Series(rows)
        patterns = None if self.patterns is None else tuple(np.array(self.patterns)[rows].tolist())
        return HeldOut(
            self.frame.select(list(self.features)).filter(chosen),
            self.labels[rows], self.weights[rows], self.groups.filter(chosen), patterns, self._clusters(rows),
        )  # fmt: skip


def declared(inputs: Inputs) -> dict[str, tuple[Wording, int]]:
    """The columns that a file of inputs names, with reason and direction."""
    return {entry.name: (entry.why, entry.monotone) for entry in inputs.listed}


@dataclass(frozen=True)
class Trained:
    """What a run made: a folder with the model, its twins, its card and the reference for drift."""

    model: FittedModel
    folder: Path
    card: Card
    growth: Growth

    @property
    def assessment(self) -> Assessment:
        return self.card.assessment


def train(
    rows: TrainingSet, limits: Limits, folder: Path, kept: Path, on_date: dt.date, growth: Growth | None = None
) -> Trained:
    """Train a challenger.

    Args:
        rows: to learn from and to measure on.
        limits: are recorded by hash, and say which groups are too small to show.
        folder: for the model's files; is made.
        kept: where held-out rows stay, on this machine.
        on_date: written on the card.
        growth: how the trees are grown.

    Raises:
        TrainingError: there is not enough to learn from.
    """
    if len(rows.labels) < FEWEST_ROWS:
        raise TrainingError(
            f"{len(rows.labels):,} rows are too few to train `{rows.model}` and to measure it on others; at least "
            f"{FEWEST_ROWS:,} are needed. Until then the rules alone order the queue."
        )
    growth = growth or Growth()
    held = held_out_rows(rows.subjects)
    model = _fit(rows, ~held, growth)
    twins = [_fit(rows, ~held, replace(growth, seed=growth.seed + seed)) for seed in TWIN_SEEDS]
    held_out = rows.part(held)
    sha256 = model.to_folder(folder)
    twin_hashes = tuple(_keep_twin(twin, folder) for twin in twins)
    write_reference(reference_of(held_out.frame, held_out.score(model)), folder)
    card = Card(
        model=rows.model, sha256=sha256, target=rows.target, window_days=rows.window_days, features=rows.features,
        exclusions=rows.exclusions, left_out=rows.left_out, limits=rows.limits,
        assessment=assess(model, held_out, limits), dataset_sha256=rows.digest(), rows_sha256=keep_rows(held_out, kept),
        limits_sha256=limits.digest, trained_on=on_date.isoformat(), twins=twin_hashes,
    )  # fmt: skip
    card.write(folder)
    return Trained(model, folder, card, growth)


def _fit(rows: TrainingSet, inside: Flags, growth: Growth) -> FittedModel:
    part = rows.part(inside)
    subjects = np.asarray(rows.subjects)[inside]
    if part.patterns is None and len(part.labels) < FEW_ROWS:
        return fit_on_few(
            rows.model, part.frame, part.labels, rows.directions, groups=subjects, growth=growth, weights=part.weights
        )
    return fit(
        rows.model, part.frame, part.labels, rows.directions, groups=subjects, patterns=part.patterns, growth=growth,
        weights=part.weights,
    )  # fmt: skip


def held_out_rows(subjects: Sequence[str]) -> Flags:
    """Who is held out, by a hash of who they are: the same in every run, so that two models can be compared."""
    marks = {subject: hashlib.sha256(f"held out:{subject}".encode()).digest()[0] / 256 for subject in set(subjects)}
    return np.array([marks[subject] < HELD_OUT_SHARE for subject in subjects], dtype=np.bool_)


def _keep_twin(twin: FittedModel, folder: Path) -> str:
    making = folder / TWINS / "new"
    sha256 = twin.to_folder(making)
    making.rename(folder / TWINS / sha256)
    return sha256
