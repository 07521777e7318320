"""Made-up offers whose answers have a known, weak signal: for training small models in seconds."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl

from models.lifecycle.training import TrainingSet, declared
from models.observed.inputs import Inputs
from models.take_up.target import inputs as take_up_inputs
from models.trees import Growth

SMALL = Growth(trees=60, leaves=8, learning_rate=0.08)


def made_offers(n: int = 6_000, seed: int = 5) -> TrainingSet:
    """Offers of `take_up` with AUC about 0.7 for whoever knows the truth."""
    rng = np.random.default_rng(seed)
    inputs: Inputs = take_up_inputs()
    columns = {name: np.round(rng.gamma(2.0, 2.0, n)) for name in inputs.names}
    columns["has_helper"] = (rng.random(n) < 0.2).astype(float)
    pull = sum(sign * _standard(columns[name]) for name, sign in zip(inputs.names, inputs.monotone, strict=True))
    chance = 1 / (1 + np.exp(-0.35 * np.asarray(pull)))
    frame = pl.DataFrame(columns).with_columns(
        pl.when(pl.Series(rng.random(n) < 0.05))
        .then(None)
        .otherwise(pl.col("days_since_last_contact"))
        .alias("days_since_last_contact")
    )
    groups = pl.DataFrame({"sex": rng.choice(["female", "male"], n), "age": rng.choice(["under 60", "60 and over"], n)})
    return TrainingSet(
        model=inputs.model, frame=frame, labels=(rng.random(n) < chance).astype(np.int8),
        subjects=[f"p{i}" for i in range(n)], weights=np.ones(n), groups=groups, features=declared(inputs),
        target=inputs.target, window_days=inputs.window_days, exclusions=inputs.exclusions, limits=inputs.limits,
    )  # fmt: skip


def with_frame(rows: TrainingSet, frame: pl.DataFrame) -> TrainingSet:
    """The same rows with other inputs."""
    return dataclasses.replace(rows, frame=frame)


def _standard(values: np.ndarray) -> np.ndarray:
    return np.asarray((values - values.mean()) / values.std())
