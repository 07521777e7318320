"""Rates answers: what they got right, what they promised wrongly, whom they missed, and which fault did it.

An automatic-grade grant is an `eligible` answer with a point amount for a benefit that needs no confirmation: what a
machine could pay without anybody looking. It is false where the truth says that nothing, or another amount, is owed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.city.making import FAULTS
from features.facts.encoding import ID
from rules.determination import Outcome
from rules.evaluate.writing import SUFFIXES
from rules.rulebook import Rulebook
from serving.errors import ServingError
from serving.scoring.truths import COMPARED, Share, Truth, shares

VERDICTS = ("right", "false_grant", "missed", "undetermined", "money_wrong", "unanswered", "unsettled")
FALSE_AUTOMATIC, AUTOMATIC, TRUE_GRANT = "false_automatic", "automatic", "true_grant"
NO_FAULT = "(no planted fault)"
ERRORS = ("false_grant", "missed", "money_wrong", "unanswered")


class AnswersFileError(ServingError):
    """A file of answers cannot be rated."""


@dataclass(frozen=True, slots=True)
class Score:
    """How an engine did.

    Attributes:
        benefits: one row per benefit: `answers`, `true_grant` (owed and granted rightly), the verdicts, `automatic` and
            `false_automatic`.
        faults: one row per kind of fault: `subjects` touched, and of their answers the verdicts and `false_automatic`.
            A subject that several faults touch counts for each of them.
        strangers: answers about subjects that the city does not have.
    """

    benefits: pl.DataFrame
    faults: pl.DataFrame
    strangers: int

    @property
    def errors(self) -> int:
        """Answers that say other than the truth; undetermined ones say nothing."""
        return sum(int(self.benefits[name].sum()) for name in ERRORS)

    @property
    def false_automatic(self) -> int:
        """Grants that a machine would have paid wrongly."""
        return int(self.benefits[FALSE_AUTOMATIC].sum())

    @property
    def false_automatic_by_fault(self) -> int:
        """Those that touch a planted fault."""
        rows = self.faults.filter(pl.col("kind") != NO_FAULT)
        return int(rows[FALSE_AUTOMATIC].sum())


def score(
    truth: Truth, answers: Path, rulebook: Rulebook, on_subjects: Callable[[int], None] = lambda _: None
) -> Score:
    """Rate a file of answers.

    Args:
        truth: of the city.
        answers: as `applyfree evaluate` writes them, Parquet or CSV.
        rulebook: what is owed.
        on_subjects: is told how many subjects more were rated.

    Raises:
        AnswersFileError: it is no such file.
    """
    given = _scan(answers)
    faults = pl.read_parquet(truth.folder / FAULTS)
    careful = {name for name, plan in rulebook.in_force(truth.on_date).items() if plan.benefit.needs_confirmation}
    by_benefit: list[pl.DataFrame] = []
    by_fault: list[pl.DataFrame] = []
    known = 0
    for share in shares(truth, rulebook, faults):
        mine = given.filter(pl.col(ID).is_in(share.ids.implode())).collect()
        _refuse_doubles(mine, answers)
        known += mine.height
        judged = judge(share, mine, careful)
        by_benefit.append(_by_benefit(judged))
        by_fault.append(_by_fault(judged, share.touched))
        on_subjects(len(share.ids))
    total = int(given.select(pl.len()).collect().item())
    without_effect = pl.DataFrame({"kind": faults["kind"].unique().sort()})
    effects = without_effect.join(_summed(by_fault, "kind"), on="kind", how="full", coalesce=True).fill_null(0)
    return Score(_summed(by_benefit, "benefit"), effects.sort("kind"), total - known)


def judge(share: Share, given: pl.DataFrame, careful: set[str]) -> pl.DataFrame:
    """One row per true answer: `id`, `benefit`, `verdict`, `true_grant`, `automatic`, `false_automatic`."""
    both = share.answers.join(given, on=[ID, "benefit"], how="left", suffix="_given")
    owed = pl.col("outcome") == Outcome.ELIGIBLE.value
    promised = (pl.col("outcome_given") == Outcome.ELIGIBLE.value).fill_null(value=False)
    unsettled = pl.col("outcome") == Outcome.UNDETERMINED.value
    same_amount = pl.col("amount").eq_missing(pl.col("amount_given"))
    other_amount = pl.col("amount_given").is_not_null() & pl.col("amount").is_not_null() & ~same_amount
    verdict = (
        # Nobody is owed a benefit of another place: an engine that keeps no answer for such pairs errs in nothing.
        pl.when(pl.col("outcome_given").is_null() & (pl.col("outcome") == Outcome.INELIGIBLE.value))
        .then(pl.lit("right"))
        .when(pl.col("outcome_given").is_null())
        .then(pl.lit("unanswered"))
        .when(unsettled)
        .then(pl.lit("unsettled"))
        .when(pl.col("outcome_given") == Outcome.UNDETERMINED.value)
        .then(pl.lit("undetermined"))
        .when(~owed & promised)
        .then(pl.lit("false_grant"))
        .when(owed & ~promised)
        .then(pl.lit("missed"))
        .when(owed & other_amount)
        .then(pl.lit("money_wrong"))
        .when(owed & ~same_amount)
        .then(pl.lit("undetermined"))
        .otherwise(pl.lit("right"))
    )
    automatic = promised & pl.col("amount_given").is_not_null() & ~pl.col("benefit").is_in(sorted(careful))
    judged = both.select(ID, "benefit", verdict.alias("verdict"), owed.alias("owed"), automatic.alias(AUTOMATIC))
    wrong = pl.col("verdict").is_in(["false_grant", "money_wrong"])
    return judged.with_columns(
        (pl.col(AUTOMATIC) & wrong).alias(FALSE_AUTOMATIC),
        (pl.col("owed") & (pl.col("verdict") == "right")).alias(TRUE_GRANT),
    ).drop("owed")


_COUNTS = [
    *((pl.col("verdict") == name).sum().cast(pl.Int64).alias(name) for name in VERDICTS),
    *(pl.col(name).sum().cast(pl.Int64).alias(name) for name in (TRUE_GRANT, AUTOMATIC, FALSE_AUTOMATIC)),
]


def _by_benefit(judged: pl.DataFrame) -> pl.DataFrame:
    return judged.group_by("benefit").agg(pl.len().cast(pl.Int64).alias("answers"), *_COUNTS)


def _by_fault(judged: pl.DataFrame, touched: pl.DataFrame) -> pl.DataFrame:
    """The answers about whom a fault is; where none is about the subject itself, those about its household."""
    own = touched.filter("own")
    near = touched.filter(~pl.col("own")).join(own, on=ID, how="anti")
    cause = pl.concat([own, near]).select(ID, "kind")
    told = judged.join(cause, on=ID)
    other = judged.join(cause, on=ID, how="anti").with_columns(kind=pl.lit(NO_FAULT))
    both = pl.concat([told, other.select(told.columns)])
    subjects = pl.col(ID).n_unique().cast(pl.Int64).alias("subjects")
    return both.group_by("kind").agg(subjects, pl.len().cast(pl.Int64).alias("answers"), *_COUNTS)


def _summed(parts: list[pl.DataFrame], key: str) -> pl.DataFrame:
    return pl.concat(parts).group_by(key).agg(pl.exclude(key).sum()).sort(key)


def _scan(answers: Path) -> pl.LazyFrame:
    suffix = answers.suffix.lower()
    if suffix not in SUFFIXES:
        raise AnswersFileError(
            f"{answers}: answers are rated as .parquet or .csv, as `applyfree evaluate` writes them."
        )
    if not answers.exists():
        raise AnswersFileError(f"{answers}: there is no such file.")
    try:
        frame = pl.scan_parquet(answers) if suffix == ".parquet" else pl.scan_csv(answers, infer_schema=False)
        missing = [name for name in COMPARED if name not in frame.collect_schema()]
    except (pl.exceptions.PolarsError, OSError) as error:
        raise AnswersFileError(f"{answers}: this is no readable {suffix} file. Write it again.") from error
    if missing:
        raise AnswersFileError(
            f"{answers}: the column `{missing[0]}` is missing. `applyfree evaluate` writes such files."
        )
    amount = pl.col("amount").cast(pl.Decimal(38, 6))
    return frame.select(pl.col(ID, "benefit", "outcome").cast(pl.String), amount)


def _refuse_doubles(given: pl.DataFrame, answers: Path) -> None:
    if given.select(ID, "benefit").is_duplicated().any():
        raise AnswersFileError(f"{answers}: a subject has two answers for one benefit. Write one for each.")
