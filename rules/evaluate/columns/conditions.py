"""Conditions in whole columns: truths, and until when they are good."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from features.facts.areas import Areas
from rules import places, plan
from rules.evaluate.columns import vectors
from rules.evaluate.columns.days import days_at, earliest, is_never, where_days
from rules.evaluate.columns.evaluation import Evaluation
from rules.evaluate.columns.results import Judged
from rules.evaluate.columns.rows import Rows
from rules.evaluate.columns.truths import as_mask, both, either, negated, truth_column
from rules.evaluate.columns.vectors import Days, Truth, open_mask
from rules.plan import NEVER


def _bool_fact(node: plan.BoolFact, rows: Rows, within: Evaluation) -> Judged:
    return Judged(*within.fact(node.fact.id, rows))


def _not(node: plan.Not, rows: Rows, within: Evaluation) -> Judged:
    truth, until = within.judge(node.operand, rows)
    return Judged(negated(truth), until)


def _join(operands: tuple[plan.Condition, ...], rows: Rows, within: Evaluation, *, decisive: bool) -> Judged:
    judged = [within.judge(operand, rows) for operand in operands]
    truth: Truth = not decisive
    for part in judged:
        truth = both(truth, part.truth) if decisive is False else either(truth, part.truth)
    moving = [part for part in judged if not is_never(part.until)]
    if not moving:
        return Judged(truth, NEVER)
    # Decided rows stay so while one of the parts that decide them does.
    until = earliest(*(part.until for part in moving))
    decided = as_mask(truth, rows.n, decisive)
    if not decided.any():
        return Judged(truth, until)
    latest: Days = 0
    for part in judged:
        if part.truth is not decisive and not isinstance(part.truth, pl.Series):
            continue
        deciding = as_mask(part.truth, rows.n, decisive).astype(np.int32)
        latest = np.maximum(latest, deciding * np.asarray(part.until, dtype=np.int32))
    return Judged(truth, where_days(decided, latest, until))


def _choose_condition(node: plan.ChooseCondition, rows: Rows, within: Evaluation) -> Judged:
    condition, then, otherwise = (within.judge(part, rows) for part in (node.condition, node.then, node.otherwise))
    n = rows.n
    yes, no = as_mask(condition.truth, n, wanted=True), as_mask(condition.truth, n, wanted=False)
    left, right = truth_column(then.truth, n), truth_column(otherwise.truth, n)
    same = left.zip_with(
        (left == right).fill_null(value=False), pl.Series([None], dtype=pl.Boolean).new_from_index(0, n)
    )
    truth = left.zip_with(pl.Series(yes), right.zip_with(pl.Series(no), same))
    until = where_days(yes, then.until, where_days(no, otherwise.until, earliest(then.until, otherwise.until)))
    return Judged(truth, earliest(condition.until, until))


def _code_in(node: plan.CodeIn | plan.Within, rows: Rows, within: Evaluation) -> Judged:
    values, until = within.code(node.operand, rows)
    if values is None:
        return Judged(None, until)
    assert isinstance(values.dtype, pl.Enum)
    categories, at = tuple(values.dtype.categories), values.to_physical().cast(pl.UInt32)
    if plan.fact_of_code(node.operand).type.kind != "area":
        return Judged(_membership(categories, node.codes)[at], until)
    truths, days = _lying(categories, node.codes, within.areas, within.on_date)
    return Judged(truths[at], earliest(until, days_at(days, at)))


@lru_cache(maxsize=4096)
def _membership(categories: tuple[str, ...], codes: frozenset[str]) -> pl.Series:
    return pl.Series([category in codes for category in categories], dtype=pl.Boolean)


@lru_cache(maxsize=4096)
def _lying(
    categories: tuple[str, ...], codes: frozenset[str], areas: Areas, on_date: dt.date
) -> tuple[pl.Series, tuple[int, ...]]:
    known = [places.lies_in(category, codes, areas, on_date) for category in categories]
    return pl.Series([lies for lies, _ in known], dtype=pl.Boolean), tuple(until for _, until in known)


def _condition_lookup(node: plan.ConditionLookup, rows: Rows, within: Evaluation) -> Judged:
    measured = within.measure(node.lookup, rows)
    closed = ~open_mask(measured.span, rows.n)
    values = vectors.column(measured.span.low, rows.n) == 1
    unknown = pl.Series([None], dtype=pl.Boolean).new_from_index(0, rows.n)
    return Judged(values.zip_with(pl.Series(closed), unknown), measured.until)


def _eligible_for(node: plan.EligibleFor, rows: Rows, within: Evaluation) -> Judged:
    answer = within.answers.answer(node.benefit, rows)
    return Judged(answer.truth, answer.until)


CONDITIONS: Mapping[type[plan.Node], Callable[[Any, Rows, Evaluation], Judged]] = {
    plan.BoolConst: lambda node, _rows, _within: Judged(node.value, NEVER),
    plan.BoolFact: _bool_fact,
    plan.Not: _not,
    plan.AllOf: lambda node, rows, within: _join(node.operands, rows, within, decisive=False),
    plan.AnyOf: lambda node, rows, within: _join(node.operands, rows, within, decisive=True),
    plan.ChooseCondition: _choose_condition,
    plan.CodeIn: _code_in,
    plan.Within: _code_in,
    plan.ConditionLookup: _condition_lookup,
    plan.EligibleFor: _eligible_for,
}
