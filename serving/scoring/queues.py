"""Was the queue worth anything? Of whom nobody knew, the truth of a sample city knows who is really entitled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.city.making import FAULTS
from features.facts.encoding import ID
from models.intervals import Interval, measured
from models.measures import area_under_curve
from models.outreach.worth import KEY, PROBABILITY
from rules.determination import Outcome
from rules.rulebook import Rulebook
from serving.scoring.truths import Truth, shares

FIRST = 10
"""The first tenth of a queue is looked at: nobody reaches more at once."""
SEED = 1
_YES = Outcome.ELIGIBLE.value


@dataclass(frozen=True, slots=True)
class Value:
    """What scores and queues are worth.

    Attributes:
        benefits: by benefit `cases`, `entitled`, `auc`, `donors` (the AUC of the donors' share), `source`.
        auc: of all scored open answers; half of it is telling benefits apart, so see `benefits`.
        donors: the same of the donors' share.
        found: by order of the queue, the share of the truly entitled who stand in its first tenth.
        entitled: how many of those who wait are truly entitled to something that is open.
        waiting: how many wait.
    """

    benefits: pl.DataFrame
    auc: Interval
    donors: Interval
    found: dict[str, float]
    entitled: int
    waiting: int


def true_answers(truth: Truth, rulebook: Rulebook) -> pl.DataFrame:
    """`id`, `benefit`, `outcome` of the rules on the true facts."""
    faults = pl.read_parquet(truth.folder / FAULTS)
    return pl.concat([share.answers.select(ID, "benefit", "outcome") for share in shares(truth, rulebook, faults)])


def value_of(scores: pl.DataFrame, open_: pl.DataFrame, queues: dict[str, pl.DataFrame], truth: pl.DataFrame) -> Value:
    """Compare scores and orders with the truth.

    Args:
        scores: of the open answers: `id`, `benefit`, `probability`, `donor_share`, `source`.
        open_: every undetermined answer that waits for a record: `subject`, `id`, `benefit`.
        queues: by name of the order, its rows.
        truth: of :func:`true_answers`; what the truth itself leaves open counts for nothing.
    """
    settled = truth.filter(pl.col("outcome") != Outcome.UNDETERMINED.value)
    judged = scores.join(settled, on=[ID, "benefit"]).with_columns((pl.col("outcome") == _YES).alias("yes"))
    held = judged.filter(pl.col("donor_share").is_not_null())
    entitled = open_.join(settled.filter(pl.col("outcome") == _YES), on=[ID, "benefit"]).select(KEY).unique()
    waiting = next(iter(queues.values())).height if queues else 0
    found = {name: _found(rows, entitled) for name, rows in queues.items()}
    return Value(
        _by_benefit(judged),
        _measured(judged, PROBABILITY),
        _measured(held, "donor_share"),
        found,
        entitled.height,
        waiting,
    )


def _found(queue: pl.DataFrame, entitled: pl.DataFrame) -> float:
    """The share of the entitled in the first tenth."""
    first = queue.head(max(1, queue.height // FIRST)).select(KEY)
    return first.join(entitled, on=KEY, how="semi").height / max(1, entitled.height)


def _measured(rows: pl.DataFrame, column: str) -> Interval:
    labels = rows.get_column("yes").to_numpy().astype(np.int8)
    return measured(area_under_curve, rows.get_column(column).to_numpy(), labels, np.ones(rows.height), SEED)


def _by_benefit(judged: pl.DataFrame) -> pl.DataFrame:
    lines: list[dict[str, object]] = []
    for (benefit,), rows in judged.group_by("benefit"):
        labels = rows.get_column("yes").to_numpy().astype(np.int8)
        weights = np.ones(rows.height)
        donors = rows.get_column("donor_share").fill_null(0.5).to_numpy()
        lines.append(
            {
                "benefit": benefit, "cases": rows.height, "entitled": int(labels.sum()),
                "auc": area_under_curve(rows.get_column(PROBABILITY).to_numpy(), labels, weights),
                "donors": area_under_curve(donors, labels, weights),
                "mean_score": float(np.mean(rows.get_column(PROBABILITY).to_numpy())),
                "source": str(rows.get_column("source").str.split(",").list.first().first()),
            }
        )  # fmt: skip
    schema = {"benefit": pl.String, "cases": pl.Int64, "entitled": pl.Int64, "auc": pl.Float64, "donors": pl.Float64,
              "mean_score": pl.Float64, "source": pl.String}  # fmt: skip
    return pl.DataFrame(lines, schema=schema).sort("cases", "benefit", descending=[True, False])
