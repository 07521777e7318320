"""Our answers for the same households, and what they cost."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass

import polars as pl

from rules.evaluate.batch import BatchEvaluator
from rules.rulebook import Rulebook

OUTCOMES = ("ineligible", "undetermined", "eligible")
MINOR_UNITS = 100


@dataclass(frozen=True, slots=True)
class OurRun:
    """Our answers in the peer's shape, and seconds of processor time of all threads."""

    answers: pl.DataFrame
    seconds: float


def run_ours(rulebook: Rulebook, tables: dict[str, pl.DataFrame], on_date: dt.date) -> OurRun:
    """Every benefit for every subject, outcome, amount, unmet criteria, missing facts and next change."""
    begun = time.process_time()
    evaluator = BatchEvaluator(rulebook, on_date)
    found = evaluator.evaluate(tables)
    seconds = time.process_time() - begun
    frames = []
    for benefit, answers in found.items():
        plan = evaluator.plans[benefit]
        subject = plan.benefit.subject
        units = MINOR_UNITS * 10 ** (plan.amount.scale if plan.amount is not None else 0)
        paid = pl.col("amount_low").cast(pl.Float64) / units if plan.amount is not None else pl.lit(0.0)
        frames.append(
            answers.select(
                pl.lit(subject).alias("subject"),
                tables[subject].get_column("id"),
                pl.lit(benefit).alias("benefit"),
                pl.col("outcome").replace_strict(dict(enumerate(OUTCOMES)), return_dtype=pl.String),
                paid.alias("amount"),
            )
        )
    return OurRun(pl.concat(frames), seconds)
