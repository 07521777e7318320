"""Donor imputation and the rule: fill each gap from similar complete households, and let the rule answer each time.

The score is the share of donors under whom the household would be eligible. It explains itself ("of 20 households like
this one, 14 would qualify"), needs no training, is the baseline to beat, and stands in when no model may be loaded.

Source: Andridge and Little, A review of hot deck imputation for survey non-response, International Statistical
Review 78 (2010).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.spatial import cKDTree

from models.errors import ModelsError
from models.missing_evidence.households import COUNTED_BENEFITS, INCOMES
from models.missing_evidence.outages import TAX_LATE, TAXED, masked
from models.missing_evidence.rule import answers
from models.trees import Floats

DONORS = 20
LARGEST_POOL = 20_000
_MONEY = (*INCOMES, *(f"last_{kind}" for kind in TAXED))
_COUNTS = ("size", "children", "elderly", "returns", "on_roll")
_IMPUTED = (*INCOMES, *COUNTED_BENEFITS, "size", "elderly")
_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Donors:
    """Complete households that lend what others lack."""

    pool: pl.DataFrame
    """Under our names, with `on_roll` and last year's incomes."""

    @staticmethod
    def among(records: pl.DataFrame, seed: int) -> Donors:
        """A pool drawn from complete households."""
        chance = np.random.default_rng(seed)
        chosen = records.sample(min(LARGEST_POOL, records.height), seed=seed, shuffle=True)
        late = {TAX_LATE: np.ones(chosen.height, dtype=bool)}
        seen = masked(chosen, late, chance).select("on_roll", *(f"last_{kind}" for kind in TAXED))
        return Donors(pl.concat([chosen, seen], how="horizontal"))

    def score(self, records: pl.DataFrame) -> Floats:
        """The share of the nearest donors under whom the rule says eligible, by row of masked records.

        Raises:
            ModelsError: there are fewer donors than are asked.
        """
        if self.pool.height < DONORS:
            raise ModelsError(f"{self.pool.height} donors are too few: give at least {DONORS} complete households.")
        scores = np.zeros(records.height)
        patterns = records["pattern"].to_numpy()
        for pattern in np.unique(patterns):
            rows = np.flatnonzero(patterns == pattern)
            scores[rows] = self._score_alike(records[rows])
        return scores

    def _score_alike(self, records: pl.DataFrame) -> Floats:
        """Scores of households that lack the same records."""
        on = [name for name in (*_MONEY, *_COUNTS) if records[name].null_count() == 0]
        theirs, scale = _scaled(self.pool, on)
        tree = cKDTree(theirs / scale)
        found = []
        for start in range(0, records.height, _AT_ONCE):
            part = records[start : start + _AT_ONCE]
            _, nearest = tree.query(_scaled(part, on)[0] / scale, k=DONORS)
            found.append(answers(self._completed(part, nearest)).reshape(part.height, DONORS).mean(axis=1))
        return np.concatenate(found)

    def _completed(self, records: pl.DataFrame, nearest: npt.NDArray[np.int64]) -> pl.DataFrame:
        """Each household once for each donor, with the gaps filled from that donor."""
        repeated = records[np.repeat(np.arange(records.height), DONORS)]
        lent = self.pool[nearest.ravel()]
        return repeated.with_columns(repeated[name].fill_null(lent[name]) for name in (*_IMPUTED, "blind"))


def impute_means(records: pl.DataFrame, complete: pl.DataFrame) -> pl.DataFrame:
    """The records with every gap filled by the mean of complete households; counts rounded. A baseline, no more."""
    means = {name: float(np.mean(complete[name].to_numpy())) for name in (*_IMPUTED, "blind")}
    counts = ("size", "elderly", "blind")
    filled = {name: round(mean) if name in counts else mean for name, mean in means.items()}
    return records.with_columns(pl.col(name).fill_null(value) for name, value in filled.items())


def _scaled(frame: pl.DataFrame, on: list[str]) -> tuple[Floats, Floats]:
    """Columns in which distance means something (money in logs), and their spread."""
    table = np.column_stack(
        [np.log1p(frame[n].to_numpy()) / 3 if n in _MONEY else frame[n].to_numpy().astype(np.float64) for n in on]
    )
    return table, np.maximum(table.std(axis=0), 0.1)
