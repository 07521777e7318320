"""The tax returns of the survey file, and the people on each of them.

The file has one row per return. A return of somebody else's dependant is left out: the person is counted there.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import polars as pl

from features.cps.draws import Draws, Mask, Whole

DISTRIBUTION, DATA_FILE = "taxcalc", "taxcalc/cps.csv.gz"
HEAD, SPOUSE, OVER_20, FROM_18, FROM_13, FROM_6, UNDER_6 = range(7)
"""The place of a person on a return: filers first, then dependants from the oldest band to the youngest."""
JOINT_RETURN, SINGLE_PARENT_RETURN = 2, 4
COLUMNS = [
    "DSI",
    "FLPDYR",
    "h_seq",
    "ffpos",
    "a_lineno",
    "RECID",
    "MARS",
    "XTOT",
    "age_head",
    "age_spouse",
    "nu06",
    "nu13",
    "nu18",
    "n1820",
    "blind_head",
    "blind_spouse",
    "e00200p",
    "e00200s",
    "e00900p",
    "e00900s",
    "e02400",
    "vet_ben",
    "e02300",
    "e00300",
    "e00400",
    "e00650",
    "e00600",
    "e01100",
    "e01700",
    "e01400",
    "e01500",
    "e00800",
    "ssi_ben",
    "mcaid_ben",
    "housing_ben",
    "tanf_ben",
]


@dataclass(frozen=True, slots=True)
class Returns:
    """The returns of the chosen households, in order; `household` and `number` (from 1) name each return."""

    rows: pl.DataFrame
    household: Whole
    number: Whole
    is_joint: Mask
    dependants: Whole

    def column(self, name: str) -> Whole | np.ndarray:
        """A column of the file."""
        return self.rows.get_column(name).to_numpy()


@dataclass(frozen=True, slots=True)
class People:
    """Everybody on the returns: the return's row, the place on it (`HEAD` … `UNDER_6`), the number in it from 1."""

    row: Whole
    place: Whole
    number: Whole


def survey_file() -> Path:
    """Where the installed data package keeps the survey file; nothing of the package is imported.

    Raises:
        importlib.metadata.PackageNotFoundError: the package is not installed.
    """
    return Path(str(distribution(DISTRIBUTION).locate_file(DATA_FILE)))


def read_returns(path: Path, households: int | None, seed: int) -> Returns:
    """The returns of all households, or of as many as asked for, chosen by the seed."""
    rows = pl.read_csv(path, columns=COLUMNS, infer_schema_length=None).filter(pl.col("DSI") == 0)
    rows = rows.with_columns((pl.col("FLPDYR").cast(pl.Int64) * 1_000_000 + pl.col("h_seq")).alias("household"))
    if households is not None:
        every = np.sort(rows.get_column("household").unique().to_numpy())
        order = np.argsort(Draws(every, seed).share("household-sample"), kind="stable")
        chosen = pl.Series("household", every[order[:households]])
        rows = rows.filter(pl.col("household").is_in(chosen.implode()))
    rows = rows.sort("household", "ffpos", "a_lineno", "RECID", maintain_order=True)
    number = rows.select(pl.int_range(pl.len()).over("household") + 1).to_series().to_numpy()
    marital, spouse_age = rows.get_column("MARS").to_numpy(), rows.get_column("age_spouse").to_numpy()
    is_joint = (marital == JOINT_RETURN) & (spouse_age > 0)
    dependants = np.maximum(rows.get_column("XTOT").to_numpy().astype(np.int64) - 1 - is_joint, 0)
    return Returns(rows, rows.get_column("household").to_numpy(), number, is_joint, dependants)


def people_of(returns: Returns) -> People:
    """Filers and dependants of every return; dependants are counted by the file's bands of age."""
    count = len(returns.household)
    under_18 = np.clip(returns.column("nu18") - _filers_aged(returns, 0, 17), 0, returns.dependants)
    from_18 = np.clip(returns.column("n1820") - _filers_aged(returns, 18, 20), 0, returns.dependants - under_18)
    under_6 = np.minimum(returns.column("nu06"), under_18)
    under_13 = np.clip(returns.column("nu13"), under_6, under_18)
    sizes = {
        HEAD: np.ones(count, np.int64),
        SPOUSE: returns.is_joint.astype(np.int64),
        OVER_20: returns.dependants - under_18 - from_18,
        FROM_18: from_18,
        FROM_13: under_18 - under_13,
        FROM_6: under_13 - under_6,
        UNDER_6: under_6,
    }
    row = np.concatenate([np.repeat(np.arange(count), size) for size in sizes.values()])
    place = np.repeat(list(sizes), [int(size.sum()) for size in sizes.values()])
    order = np.lexsort((place, row))
    row, place = row[order], place[order]
    first = np.searchsorted(row, row, side="left")
    return People(row, place, np.arange(len(row)) - first + 1)


def _filers_aged(returns: Returns, low: int, high: int) -> Whole:
    head, spouse = returns.column("age_head"), returns.column("age_spouse")
    inside = ((head >= low) & (head <= high)).astype(np.int64)
    return inside + (returns.is_joint & (spouse >= low) & (spouse <= high))
