"""One small population and one small model, fitted once for all tests of a worker."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.fitted import FittedModel
from models.missing_evidence.training import Examples, examples_of, train
from models.trees import Growth
from tests.unit.models.made_households import made_households

SMALL = Growth(trees=80, leaves=8, learning_rate=0.15, share_of_features=0.7)


@pytest.fixture(scope="session")
def complete() -> pl.DataFrame:
    return made_households(6_000, seed=1)


@pytest.fixture(scope="session")
def unseen() -> pl.DataFrame:
    return made_households(5_000, seed=2)


@pytest.fixture(scope="session")
def examples(complete: pl.DataFrame) -> Examples:
    return examples_of(complete, seed=3)


@pytest.fixture(scope="session")
def model(examples: Examples) -> FittedModel:
    return train(examples, growth=SMALL)


@pytest.fixture
def chance() -> np.random.Generator:
    return np.random.default_rng(5)
