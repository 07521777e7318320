"""Determinations as tables and files: one row per subject and benefit, for people who know nothing of plans and bits.

| column | meaning |
|---|---|
| `subject`, `id`, `benefit` | who is asked about, and what |
| `version` | first day (and area) of the version that applies; empty where it is not known which |
| `outcome` | `eligible`, `ineligible`, `undetermined` |
| `amount` | the figure, where there is one: exact, in `unit` per `per` |
| `amount_low`, `amount_high` | its bounds; empty: no bound |
| `unmet` | criteria that stand in the way |
| `missing` | facts that settle outcome and amount once they are known |
| `next_change` | first later day on which outcome or amount can change though no fact does |
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

import polars as pl

from features.facts.encoding import ID, Tables
from features.facts.population import Population
from features.facts.values import Value
from rules import plan
from rules.answers import OUTCOMES, amount_divisor, amount_period, amount_unit, determine
from rules.determination import Determination, Outcome
from rules.evaluate.batch import BatchEvaluator
from rules.evaluate.reference import ReferenceEvaluator
from rules.kleene import Truth
from rules.rulebook import Rulebook

LEAST_DECIMALS = 2
_PRECISION = 38
_FORGET_AFTER = 500
"""Subjects after which the reference evaluator drops what it computed: what they share is soon found again."""


def amount_decimals(rulebook: Rulebook, on_date: dt.date) -> int:
    """How many decimals hold every amount of a rulebook exactly."""
    divisors = (amount_divisor(benefit) for benefit in rulebook.in_force(on_date).values())
    return max([LEAST_DECIMALS, *(len(str(divisor)) - 1 for divisor in divisors)])


def schema(decimals: int) -> dict[str, pl.DataType]:
    """The columns of a table of determinations."""
    amount, text, names = pl.Decimal(_PRECISION, decimals), pl.String(), pl.List(pl.String)
    return {
        "subject": text, "id": text, "benefit": text, "version": text, "outcome": text,
        "amount": amount, "amount_low": amount, "amount_high": amount, "per": text, "unit": text,
        "unmet": names, "missing": names, "next_change": pl.Date(),
    }  # fmt: skip


def batch_determinations(
    rulebook: Rulebook,
    on_date: dt.date,
    tables: Tables,
    asked: Mapping[str, int],
    benefits: Iterable[str] | None = None,
) -> Iterator[pl.DataFrame]:
    """Ask the batch evaluator.

    Args:
        rulebook: the benefits.
        on_date: the day of the question.
        tables: all subjects, by kind.
        asked: how many of the first rows of each table to answer for; the others are only related to them.
        benefits: only these; all by default.

    Yields:
        Tables of determinations: one benefit each, some subjects after the other.
    """
    evaluator = BatchEvaluator(rulebook, on_date)
    done: dict[str, int] = {}
    for benefit_id, answers in evaluator.stream(tables, benefits):
        benefit = evaluator.plans[benefit_id]
        kind = benefit.benefit.subject
        start = done.get(benefit_id, 0)
        done[benefit_id] = start + answers.height
        count = min(answers.height, asked.get(kind, 0) - start)
        if count > 0:
            ids = tables[kind].get_column(ID).slice(start, count)
            yield stated_answers(evaluator, benefit_id, ids, answers.head(count))


def reference_determinations(
    rulebook: Rulebook,
    on_date: dt.date,
    population: Population,
    asked: Mapping[str, int],
    benefits: Iterable[str] | None = None,
) -> Iterator[pl.DataFrame]:
    """Ask the reference evaluator; see :func:`batch_determinations`."""
    evaluator = ReferenceEvaluator(rulebook, population, on_date)
    wanted = list(evaluator.plans if benefits is None else benefits)
    columns = schema(amount_decimals(rulebook, on_date))
    for kind, listed in population.listed.items():
        chosen = [b for b in wanted if evaluator.plans[b].benefit.subject == kind]
        subjects = list(listed.values())[: asked.get(kind, 0)]
        for start in range(0, len(subjects), _FORGET_AFTER):
            for benefit_id in chosen:
                rows = [determine(evaluator, benefit_id, s) for s in subjects[start : start + _FORGET_AFTER]]
                yield pl.DataFrame([_row(row) for row in rows], schema=columns, orient="row")
            evaluator.forget()


def _row(found: Determination) -> tuple[Value | list[str] | None, ...]:
    return (
        found.subject, found.id, found.benefit, found.version, found.outcome.value,
        found.amount, found.amount_low, found.amount_high, found.per, found.unit,
        list(found.unmet), list(found.missing), found.next_change,
    )  # fmt: skip


def stated_answers(evaluator: BatchEvaluator, benefit_id: str, ids: pl.Series, answers: pl.DataFrame) -> pl.DataFrame:
    """The batch evaluator's answers as determinations: bits become names, plan units become figures."""
    benefit = evaluator.plans[benefit_id]
    labels = [variant.label for variant in benefit.variants]
    undetermined = OUTCOMES[Truth.UNKNOWN].value
    codes = {truth.value: outcome.value for truth, outcome in OUTCOMES.items()}
    in_kind = benefit.amount is None and bool(benefit.variants)
    figure = pl.lit(Decimal(1) / amount_divisor(benefit))

    def amount(column: str) -> pl.Expr:
        if in_kind:
            return pl.lit(None)
        return pl.col(column).cast(pl.Decimal(_PRECISION, 0)) * figure

    found = answers.select(
        subject=pl.lit(benefit.benefit.subject),
        id=ids,
        benefit=pl.lit(benefit.benefit.id),
        version=pl.col("version").replace_strict(dict(enumerate(labels)) | {-1: ""}, return_dtype=pl.String),
        outcome=pl.col("outcome").replace_strict(codes, return_dtype=pl.String),
        amount_low=amount("amount_low"),
        amount_high=amount("amount_high"),
        per=pl.lit(amount_period(benefit)),
        unit=pl.lit(amount_unit(benefit, evaluator.rulebook.currency)),
        unmet=_names(answers.get_column("unmet"), evaluator.clause_names(benefit_id)),
        missing=_names(answers.get_column("missing"), benefit.names),
        next_change=pl.when(pl.col("next_change") < plan.DAY_HIGH).then(pl.col("next_change")).cast(pl.Date),
    )
    point = (pl.col("amount_low") == pl.col("amount_high")) & (pl.col("outcome") != undetermined)
    columns = schema(amount_decimals(evaluator.rulebook, evaluator.on_date))
    return found.with_columns(amount=pl.when(point).then("amount_low")).select(
        pl.col(name).cast(dtype) for name, dtype in columns.items()
    )


def _names(masks: pl.Series, names: tuple[str, ...]) -> pl.Series:
    """Lists of names for bits. There are few distinct masks: each is spelt out once."""
    distinct = masks.unique()
    spelt = [[name for position, name in enumerate(names) if mask >> position & 1] for mask in distinct]
    key = pl.DataFrame({"mask": distinct, "names": pl.Series(spelt, dtype=pl.List(pl.String))})
    return pl.DataFrame({"mask": masks}).join(key, on="mask", how="left", maintain_order="left").get_column("names")


def determinations_in(rows: pl.DataFrame) -> Iterator[Determination]:
    """The rows of a table of determinations, one object each."""
    for row in rows.iter_rows(named=True):
        yield Determination(
            **{
                **row,
                "outcome": Outcome(row["outcome"]),
                "unmet": tuple(row["unmet"]),
                "missing": tuple(row["missing"]),
            }
        )
