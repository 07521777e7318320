"""Figures for one subject: what arithmetic, choices, relations and other benefits come to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, cast

from rules import plan
from rules.evaluate import intervals
from rules.evaluate.intervals import ANYTHING, ZERO, Interval, is_point
from rules.evaluate.single.evaluation import Case, Evaluation, Measure, of_all
from rules.kleene import Truth
from rules.plan import NEVER

FALSE, UNKNOWN, TRUE = Truth.FALSE, Truth.UNKNOWN, Truth.TRUE


def _quantity_fact(node: plan.QuantityFact, case: Case, within: Evaluation) -> Measure:
    value, until = within.holding(case.subject, node.fact.id)
    if value is None:
        return Measure((node.floor, node.ceiling), until, within.bit(node.fact.id))
    units = plan.day_number(value) if isinstance(value, dt.date) else int(value * 10**node.scale)
    return Measure((units, units), until, 0)


def _least(node: plan.Least, case: Case, within: Evaluation) -> Measure:
    measures = [within.measure(operand, case) for operand in node.operands]
    result = intervals.least([m.interval for m in measures])
    needs = 0
    for m in measures:
        low, high = m.interval[0], result[1]
        if not is_point(m.interval) and (low is None or high is None or low < high):
            needs |= m.needs
    return Measure(result, min(m.until for m in measures), needs)


def _greatest(node: plan.Greatest, case: Case, within: Evaluation) -> Measure:
    measures = [within.measure(operand, case) for operand in node.operands]
    result = intervals.greatest([m.interval for m in measures])
    needs = 0
    for m in measures:
        high, low = m.interval[1], result[0]
        if not is_point(m.interval) and (high is None or low is None or high > low):
            needs |= m.needs
    return Measure(result, min(m.until for m in measures), needs)


def _choose(node: plan.Choose, case: Case, within: Evaluation) -> Measure:
    condition = within.judge(node.condition, case)
    if condition.truth is not UNKNOWN:
        branch = within.measure(node.then if condition.truth is TRUE else node.otherwise, case)
        return Measure(branch.interval, min(condition.until, branch.until), branch.needs)
    then, otherwise = within.measure(node.then, case), within.measure(node.otherwise, case)
    needs = condition.needs
    needs |= 0 if is_point(then.interval) else then.needs
    needs |= 0 if is_point(otherwise.interval) else otherwise.needs
    until = min(condition.until, then.until, otherwise.until)
    return Measure(intervals.hull([then.interval, otherwise.interval]), until, needs)


def _count(node: plan.Count, case: Case, within: Evaluation) -> Measure:
    members, complete = within.related(node.relation, case)
    judgements = [within.judge(node.where, member) for member in members]
    low = sum(j.truth is TRUE for j in judgements)
    high = low + sum(j.truth is UNKNOWN for j in judgements) if complete else None
    needs = 0 if complete else within.bit(node.relation.names_unknown)
    for judgement in judgements:
        needs |= judgement.needs
    return Measure((low, high), min((j.until for j in judgements), default=NEVER), needs)


def _total(node: plan.Total, case: Case, within: Evaluation) -> Measure:
    members, complete = within.related(node.relation, case)
    total: Interval = ZERO if complete else (0 if node.of.low >= 0 else None, None)
    until = NEVER
    needs = 0 if complete else within.bit(node.relation.names_unknown)
    for member in members:
        where = within.judge(node.where, member)
        until = min(until, where.until)
        if where.truth is FALSE:
            continue
        of = within.measure(node.of, member)
        until = min(until, of.until)
        part = of.interval if where.truth is TRUE else intervals.hull([ZERO, of.interval])
        total = intervals.add(total, part)
        if not is_point(part):
            needs |= where.needs | (0 if is_point(of.interval) else of.needs)
    return Measure(total, until, needs)


def _amount_of(node: plan.AmountOf, case: Case, within: Evaluation) -> Measure:
    answer = within.answer(node.benefit, case.subject)
    return Measure(answer.interval, answer.until, 0 if is_point(answer.interval) else answer.missing)


def _via_quantity(node: plan.ViaQuantity, case: Case, within: Evaluation) -> Measure:
    group = within.population.group_of(case.subject, node.group)
    if group is None:
        return Measure(ANYTHING, NEVER, within.bit(node.link))
    return within.measure(node.operand, within.case(group))


def _divide(node: plan.Divide, case: Case, within: Evaluation) -> Measure:
    def divided(a: Interval, b: Interval) -> Interval:
        return intervals.divide(a, b, node.shift, node.right.low)

    return of_all((node.left, node.right), case, divided, within)


def _round_to(node: plan.RoundTo, case: Case, within: Evaluation) -> Measure:
    def rounded(a: Interval) -> Interval:
        return intervals.round_to(a, node.step, node.mode, node.drop)

    return of_all((node.operand,), case, rounded, within)


def _rescale(node: plan.Rescale, case: Case, within: Evaluation) -> Measure:
    return of_all((node.operand,), case, lambda a: intervals.scale(a, 10**node.shift), within)


QUANTITIES: Mapping[type[plan.Node], Callable[[Any, Case, Evaluation], Measure]] = {
    plan.Const: lambda node, _case, _within: Measure((node.value, node.value), NEVER, 0),
    plan.QuantityFact: _quantity_fact,
    plan.Add: lambda node, case, within: of_all((node.left, node.right), case, intervals.add, within),
    plan.Negate: lambda node, case, within: of_all((node.operand,), case, intervals.negate, within),
    plan.Rescale: _rescale,
    plan.Multiply: lambda node, case, within: of_all((node.left, node.right), case, intervals.multiply, within),
    plan.Divide: _divide,
    plan.RoundTo: _round_to,
    plan.Least: _least,
    plan.Greatest: _greatest,
    plan.Choose: _choose,
    plan.Count: _count,
    plan.Total: _total,
    plan.AmountOf: _amount_of,
    plan.ViaQuantity: _via_quantity,
    plan.OuterQuantity: lambda node, case, within: within.measure(node.operand, cast(Case, case.outer)),
}
