"""Made households with the columns of the survey file: work, age and family hang together as in a real population."""

from __future__ import annotations

import numpy as np
import polars as pl

from models.missing_evidence.households import named
from models.missing_evidence.rule import answers
from models.trees import Floats


def made_file(households: int, seed: int) -> pl.DataFrame:
    """Rows as in the survey file, with `eligible` as the rule answers and a `split` of `train` or `test`."""
    chance = np.random.default_rng(seed)
    elderly = np.where(chance.random(households) < 0.27, chance.integers(1, 3, households), 0)
    adults = np.where(elderly > 0, elderly, chance.choice([1, 2, 3], households, p=[0.35, 0.5, 0.15]))
    children = np.where(elderly > 0, 0, chance.poisson(0.9, households))
    earners = chance.binomial(adults, np.where(elderly > 0, 0.15, 0.8))
    skill = np.exp(chance.normal(0.0, 0.75, households))
    wages = np.round(24_000 * skill * earners)
    pensions = np.where((elderly > 0) & (chance.random(households) < 0.85), 9_000 * elderly * skill**0.4, 0.0)
    rare = {
        "e00900": _some(chance, households, 0.08, 15_000 * skill),
        "e02100": _some(chance, households, 0.01, 9_000 * skill),
        "e00300": _some(chance, households, 0.35, 400 * skill**2),
        "e00600": _some(chance, households, 0.15, 1_500 * skill**2),
        "e00800": _some(chance, households, 0.01, 6_000 * skill),
        "e01500": np.where(elderly > 0, _some(chance, households, 0.4, 12_000 * skill), 0.0),
        "e02300": np.where(earners > 0, _some(chance, households, 0.06, 5_000 * skill), 0.0),
        "ssi_ben": _some(chance, households, 0.04, np.full(households, 7_000.0)),
        "tanf_ben": np.where(children > 0, _some(chance, households, 0.05, np.full(households, 3_000.0)), 0.0),
        "vet_ben": _some(chance, households, 0.03, 8_000 * skill),
    }
    rows = pl.DataFrame(
        {
            "FLPDYR": chance.integers(2012, 2014, households),
            "e00200": wages,
            "e02400": np.round(pensions),
            **{name: np.round(values) for name, values in rare.items()},
            "hhsize": adults + children,
            "nu18": children,
            "eld": elderly,
            "blind": (chance.random(households) < 0.03).astype(np.int64),
            "n_units": np.maximum(1, adults - (chance.random(households) < 0.7)),
            "earners": earners,
            "eligible": np.zeros(households, dtype=np.int64),
            "split": np.where(chance.random(households) < 0.6, "train", "test"),
        }
    )
    return rows.with_columns(pl.Series("eligible", answers(named(rows)).astype(np.int64)))


def made_households(households: int, seed: int) -> pl.DataFrame:
    """Complete households under our names."""
    return named(made_file(households, seed))


def _some(chance: np.random.Generator, households: int, share: float, amounts: Floats) -> Floats:
    return np.where(chance.random(households) < share, amounts, 0.0)
