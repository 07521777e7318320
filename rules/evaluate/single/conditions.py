"""Conditions for one subject: the truth of each node, until when it is good, and the facts it rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from rules import horizon, places, plan
from rules.evaluate.intervals import ANYTHING, is_point
from rules.evaluate.single import rising
from rules.evaluate.single.evaluation import Case, Evaluation, Judgement, Measure
from rules.kleene import Truth
from rules.plan import NEVER

FALSE, UNKNOWN, TRUE = Truth.FALSE, Truth.UNKNOWN, Truth.TRUE


def negated(truth: Truth) -> Truth:
    """Not."""
    return FALSE if truth is TRUE else TRUE if truth is FALSE else UNKNOWN


def _bool_fact(node: plan.BoolFact, case: Case, within: Evaluation) -> Judgement:
    value, until = within.holding(case.subject, node.fact.id)
    if value is None:
        return Judgement(UNKNOWN, until, within.bit(node.fact.id))
    return Judgement(TRUE if value else FALSE, until, 0)


def _not(node: plan.Not, case: Case, within: Evaluation) -> Judgement:
    inner = within.judge(node.operand, case)
    return Judgement(negated(inner.truth), inner.until, inner.needs)


def _join(operands: tuple[plan.Condition, ...], case: Case, decisive: Truth, within: Evaluation) -> Judgement:
    """Conjunction (`decisive` FALSE) or disjunction (TRUE)."""
    judgements = [within.judge(operand, case) for operand in operands]
    deciding = [j.until for j in judgements if j.truth is decisive]
    if deciding:
        return Judgement(decisive, max(deciding), 0)
    until = min(j.until for j in judgements)
    needs = 0
    for judgement in judgements:
        needs |= judgement.needs
    if needs == 0 and all(j.truth is not UNKNOWN for j in judgements):
        return Judgement(negated(decisive), until, 0)
    return Judgement(UNKNOWN, until, needs)


def _choose_condition(node: plan.ChooseCondition, case: Case, within: Evaluation) -> Judgement:
    condition = within.judge(node.condition, case)
    if condition.truth is not UNKNOWN:
        branch = within.judge(node.then if condition.truth is TRUE else node.otherwise, case)
        return Judgement(branch.truth, min(condition.until, branch.until), branch.needs)
    then, otherwise = within.judge(node.then, case), within.judge(node.otherwise, case)
    until = min(condition.until, then.until, otherwise.until)
    if then.truth is otherwise.truth and then.truth is not UNKNOWN:
        return Judgement(then.truth, until, 0)
    return Judgement(UNKNOWN, until, condition.needs | then.needs | otherwise.needs)


def _compare(node: plan.Compare, case: Case, within: Evaluation) -> Judgement:
    left, right = within.measure(node.left, case), within.measure(node.right, case)
    (a_low, a_high), (b_low, b_high) = left.interval, right.interval
    truth = UNKNOWN
    if node.operator == "=":
        if is_point(left.interval) and left.interval == right.interval:
            truth = TRUE
        elif (a_low is not None and b_high is not None and a_low > b_high) or (
            a_high is not None and b_low is not None and a_high < b_low
        ):
            truth = FALSE
    else:
        strict = node.operator == "<"
        if a_high is not None and b_low is not None and (a_high < b_low or (a_high == b_low and not strict)):
            truth = TRUE
        elif a_low is not None and b_high is not None and (a_low > b_high or (a_low == b_high and strict)):
            truth = FALSE
    needs = 0
    if truth is UNKNOWN:
        needs = (0 if is_point(left.interval) else left.needs) | (0 if is_point(right.interval) else right.needs)
    return Judgement(truth, _compare_until(node, case, left, right, truth, within), needs)


def _compare_until(
    node: plan.Compare, case: Case, left: Measure, right: Measure, truth: Truth, within: Evaluation
) -> int:
    for moving, still, one, other in ((node.left, node.right, left, right), (node.right, node.left, right, left)):
        if horizon.has_clock(still) or not (horizon.is_rising(moving) or horizon.is_falling(moving)):
            continue
        base = min(other.until, rising.base_until(moving, case, within))
        if other.interval == ANYTHING:
            return base  # whatever the clock shows, it is compared with nothing that is known
        if is_point(one.interval) and is_point(other.interval):
            flip = _flip(node, moving, cast(int, one.interval[0]), cast(int, other.interval[0]), truth, case, within)
            return min(base, flip)
    return min(left.until, right.until)


def _flip(
    node: plan.Compare, moving: plan.Quantity, value: int, limit: int, truth: Truth, case: Case, within: Evaluation
) -> int:
    """The day on which time turns a comparison with what stands still: `<` turns once, `=` is passed through."""
    falls = horizon.is_falling(moving) and not horizon.is_rising(moving)
    beyond = limit - 1 if falls else limit + 1
    on_the_left = moving is node.left
    if node.operator == "=":
        before = value > limit if falls else value < limit
        target, flips = (limit if before else beyond), before or value == limit
    else:
        # `x < limit` ends where x rises to the limit, and begins where x falls beyond it; on the right, the other way.
        at_limit = (node.operator == "<") == (on_the_left != falls)
        target, flips = (limit if at_limit else beyond), truth is (TRUE if on_the_left != falls else FALSE)
    if not flips:
        return NEVER
    return (rising.falls_to if falls else rising.reaches)(moving, case, target, within)


def _code_in(node: plan.CodeIn | plan.Within, case: Case, within: Evaluation) -> Judgement:
    reading = within.read(node.operand, case)
    if reading.code is None:
        return Judgement(UNKNOWN, reading.until, reading.needs)
    fact = plan.fact_of_code(node.operand)
    if fact.type.kind != "area":
        return Judgement(TRUE if reading.code in node.codes else FALSE, reading.until, 0)
    lies, until = places.lies_in(reading.code, node.codes, within.rulebook.vocabulary.areas, within.on_date)
    if lies is None:
        return Judgement(UNKNOWN, min(reading.until, until), within.bit(fact.id))
    return Judgement(TRUE if lies else FALSE, min(reading.until, until), 0)


def _exists(node: plan.Exists, case: Case, within: Evaluation) -> Judgement:
    members, complete = within.related(node.relation, case)
    judgements = [within.judge(node.where, member) for member in members]
    found = [j.until for j in judgements if j.truth is TRUE]
    if found:
        return Judgement(TRUE, max(found), 0)
    until = min((j.until for j in judgements), default=NEVER)
    needs = 0 if complete else within.bit(node.relation.names_unknown)
    for judgement in judgements:
        needs |= judgement.needs
    if complete and all(j.truth is FALSE for j in judgements):
        return Judgement(FALSE, until, 0)
    return Judgement(UNKNOWN, until, needs)


def _condition_lookup(node: plan.ConditionLookup, case: Case, within: Evaluation) -> Judgement:
    measure = within.measure(node.lookup, case)
    if not is_point(measure.interval):
        return Judgement(UNKNOWN, measure.until, measure.needs)
    return Judgement(TRUE if measure.interval[0] else FALSE, measure.until, 0)


def _eligible_for(node: plan.EligibleFor, case: Case, within: Evaluation) -> Judgement:
    answer = within.answer(node.benefit, case.subject)
    return Judgement(answer.truth, answer.until, answer.missing if answer.truth is UNKNOWN else 0)


def _via_condition(node: plan.ViaCondition, case: Case, within: Evaluation) -> Judgement:
    group = within.population.group_of(case.subject, node.group)
    if group is None:
        return Judgement(UNKNOWN, NEVER, within.bit(node.link))
    return within.judge(node.operand, within.case(group))


CONDITIONS: Mapping[type[plan.Node], Callable[[Any, Case, Evaluation], Judgement]] = {
    plan.BoolConst: lambda node, _case, _within: Judgement(TRUE if node.value else FALSE, NEVER, 0),
    plan.BoolFact: _bool_fact,
    plan.Not: _not,
    plan.AllOf: lambda node, case, within: _join(node.operands, case, FALSE, within),
    plan.AnyOf: lambda node, case, within: _join(node.operands, case, TRUE, within),
    plan.ChooseCondition: _choose_condition,
    plan.Compare: _compare,
    plan.CodeIn: _code_in,
    plan.Within: _code_in,
    plan.Exists: _exists,
    plan.ConditionLookup: _condition_lookup,
    plan.EligibleFor: _eligible_for,
    plan.ViaCondition: _via_condition,
    plan.OuterCondition: lambda node, case, within: within.judge(node.operand, cast(Case, case.outer)),
}
