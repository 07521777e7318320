"""(h) How well the model of missing evidence orders the households that the rules leave open, by pattern of outages.

    python -m benchmarks.missing_evidence --households FILE --train dev_train --test dev_valid --mask-seed 7 --out OUT

Complete households of a survey lose the records of one or more registers; the rule is asked again with what is left,
and where it says undetermined, each method says how likely its answer on the complete records is yes. ALL MEASURES ARE
TAKEN AMONG THE HOUSEHOLDS THAT THE RULE LEAVES OPEN UNDER THAT PATTERN: elsewhere the rule has the answer. Peers in the
same run: the rule alone, means and the rule, donors and the rule. docs/models/missing_evidence.md says what is hidden.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from models.fairness.groups import LEAST_CELL, METRICS, report_groups
from models.fitted import FittedModel
from models.lifecycle.promotion import REACHED_SHARE, reached
from models.measures import Measures, measure
from models.missing_evidence.donors import Donors, impute_means
from models.missing_evidence.groups import AXES, NOT_IN_FILE, groups_of
from models.missing_evidence.households import COUNTED_BENEFITS, read_households
from models.missing_evidence.inputs import RECORDED, inputs_of
from models.missing_evidence.left_over import LeftOver, left_over
from models.missing_evidence.outages import NOT_AT_RANDOM, PATTERNS, TWO_AT_ONCE, Pattern
from models.missing_evidence.rule import answers, share_that_differs
from models.missing_evidence.training import Masked, examples_of, mask, train
from models.trees import Floats

AUDITS = 300
WORST_ECE = 0.06
DRAWS = 20
MODEL = "model_and_rule_features"


@dataclass(frozen=True, slots=True)
class Methods:
    """All that can say how likely a household is eligible."""

    complete: pl.DataFrame
    seed: int
    plain: FittedModel
    full: FittedModel
    donors: Donors

    def scores(self, pattern: Pattern, left: pl.DataFrame) -> dict[str, Floats]:
        """The scores of each method for the open households of a pattern."""
        known = mask(self.complete, pattern, self.seed, for_training=True)
        inputs, patterns = inputs_of(left), left["pattern"].to_list()
        rolled = inputs.with_columns(on_roll=pl.lit(None, dtype=pl.Float64))
        return {
            "rules_with_unknown": np.full(left.height, float(known.answers.mean())),
            "mean_imputation_and_rules": answers(impute_means(left, self.complete)).astype(np.float64),
            "donor_imputation_and_rules": self.donors.score(left),
            "donors_and_rules_blind_to_benefits": self.donors.score(_without_benefits(left)),
            "model": self.plain.score(inputs, patterns),
            MODEL: self.full.score(inputs, patterns),
            f"{MODEL}_no_roll": self.full.score(rolled, patterns),
        }


def _without_benefits(left: pl.DataFrame) -> pl.DataFrame:
    """The rule and donors read other benefits as income, which no model may: this is what donors are worth without."""
    return left.with_columns(pl.lit(0.0).alias(name) for name in COUNTED_BENEFITS)


def measure_patterns(
    households: Path, train_on: list[str], test_on: list[str], seed: int, say: Callable[[str], None]
) -> dict[str, object]:
    """Train on some splits, measure on others, and return everything found."""
    complete, tested = read_households(households, train_on), read_households(households, test_on)
    say(f"{complete.height} households to train on, {tested.height} to test on")
    differing = {"train": share_that_differs(complete), "test": share_that_differs(tested)}
    methods = _prepare(complete, seed, say)
    found = {}
    for pattern in (*PATTERNS, TWO_AT_ONCE):
        begun = time.perf_counter()
        left = mask(tested, pattern, seed, for_training=False)
        found[pattern.name] = _measured(methods, pattern, left, tested, seed)
        say(f"{pattern.name}: {time.perf_counter() - begun:.1f} s")
    return {
        "benchmark": "missing_evidence",
        "measured_among": "households that the rule leaves undetermined under the pattern",
        "train": train_on,
        "test": test_on,
        "mask_seed": seed,
        "train_households": complete.height,
        "test_households": tested.height,
        "share_of_answers_differing_from_rule": differing,
        "inputs": list(methods.full.columns),
        "groups": {
            "axes": {axis.name: {"columns": axis.origins, "read_by_the_model": axis.read_as} for axis in AXES},
            "not_in_the_file": NOT_IN_FILE,
            "reach": f"of the eligible, those in a queue with places for {REACHED_SHARE:.0%} of the open households",
            "least_cell": LEAST_CELL,
            "guard": "Holm, over every group, pair of axes and figure of one pattern",
        },
        "patterns": found,
    }


def _prepare(complete: pl.DataFrame, seed: int, say: Callable[[str], None]) -> Methods:
    begun = time.perf_counter()
    examples = examples_of(complete, seed)
    plain = train(examples, RECORDED)
    say(f"model: trained on {len(examples.answers)} examples in {time.perf_counter() - begun:.1f} s")
    full = train(examples)
    say(f"model and rule features: trained, {time.perf_counter() - begun:.1f} s")
    return Methods(complete, seed, plain, full, Donors.among(complete, seed))


def _measured(methods: Methods, pattern: Pattern, left: Masked, tested: pl.DataFrame, seed: int) -> dict[str, object]:
    open_, truth = left.open_records, left.answers
    measures = {name: asdict(measure(s, truth)) for name, s in methods.scores(pattern, open_).items()}
    if pattern.name == NOT_AT_RANDOM:
        expected = left_over(methods.full, left.records, left.undetermined, pattern)
        for title, more in (("audits", expected), ("audits_alone", None)):
            first, eces = _audited(methods.full, open_, truth, seed, more)
            measures[f"{MODEL}_{AUDITS}_{title}"] = asdict(first) | {
                "ece_mean_of_draws": float(np.mean(eces)),
                "ece_worst_of_draws": float(np.max(eces)),
                "draws_above_0.06": int(np.sum(np.array(eces) > WORST_ECE)),
                "draws": len(eces),
            }
    scores = methods.full.score(inputs_of(open_), open_["pattern"].to_list())
    groups = report_groups(scores, truth, reached(scores), groups_of(open_), seed=seed)
    return {
        "share_unknown": float(left.undetermined.mean()),
        "share_of_eligible_inside": float(truth.sum() / tested["answer"].sum()),
        "households_unknown": len(truth),
        "share_eligible_among_unknown": float(truth.mean()),
        "methods": measures,
        "groups": [line.content() for line in groups.lines],
        "groups_beyond_chance": [
            f"{line.axis} {line.group}: {', '.join(line.flagged)}" for line in groups.flagged if " × " not in line.axis
        ],
        "widest_gap": {metric: groups.gap(metric) for metric in METRICS},
    }


def _audited(
    model: FittedModel,
    open_: pl.DataFrame,
    truth: np.ndarray[tuple[int, ...], np.dtype[np.int8]],
    seed: int,
    expected: LeftOver | None,
) -> tuple[Measures, list[float]]:
    """Measures after audits of drawn cases, taken on all others; and the ECE of that draw and nineteen more.

    `expected` is what the settled leave over for the open ones; None: the audits speak alone.
    """
    inputs, patterns = inputs_of(open_), open_["pattern"].to_list()
    name = max(set(patterns), key=patterns.count)
    found = []
    for draw in range(DRAWS):
        chosen = np.zeros(len(truth), dtype=bool)
        size = min(AUDITS, len(truth) // 2)
        chosen[np.random.default_rng([seed, draw]).choice(len(truth), size, replace=False)] = True
        more = None if expected is None else (expected.inputs, expected.shares)
        audited = model.recalibrated(name, inputs.filter(pl.Series(chosen)), truth[chosen], more)
        others = inputs.filter(pl.Series(~chosen))
        found.append(measure(audited.score(others, [name] * others.height), truth[~chosen]))
    return found[0], [m.ece for m in found]


def show(found: dict[str, object]) -> None:
    """Print the table."""
    table = Table(title=f"missing evidence · measured among {found['measured_among']}")
    for heading in ("pattern", "unknown", "eligible inside", "method", "AUC", "±", "AP", "Brier", "ECE", "R@P90"):
        table.add_column(heading, justify="left" if heading in ("pattern", "method") else "right")
    patterns = found["patterns"]
    assert isinstance(patterns, dict)
    for pattern, row in patterns.items():
        shares = (f"{row['share_unknown']:.3f}", f"{row['share_of_eligible_inside']:.3f}")
        for i, (method, m) in enumerate(row["methods"].items()):
            figures = ("auc", "auc_margin", "average_precision", "brier", "ece", "recall_at_90_precision")
            table.add_row(
                pattern if not i else "", *(shares if not i else ("", "")), method, *(f"{m[k]:.3f}" for k in figures)
            )
        table.add_section()
    Console(width=150).print(table)
    for pattern, row in patterns.items():
        gaps = ", ".join(f"{metric} {gap:.3f}" for metric, gap in row["widest_gap"].items())
        many = len(row["groups_beyond_chance"])
        print(f"{pattern}: widest gap between two groups: {gaps}; {many} groups differ beyond chance, see the file")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.missing_evidence", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--households", type=Path, required=True, help="Parquet file of survey households")
    parser.add_argument("--train", nargs="+", required=True, metavar="SPLIT", help="splits to train on")
    parser.add_argument("--test", nargs="+", required=True, metavar="SPLIT", help="splits to test on")
    parser.add_argument("--mask-seed", type=int, required=True, help="decides which records are hidden")
    parser.add_argument("--out", type=Path, required=True, help="where the figures go, as JSON")
    given = parser.parse_args()
    found = measure_patterns(
        given.households, given.train, given.test, given.mask_seed, lambda line: print(line, flush=True)
    )
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    show(found)
    print(f"Written to {given.out}")


if __name__ == "__main__":
    main()
