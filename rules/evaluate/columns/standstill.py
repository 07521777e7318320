"""Until when nothing moves under a node, for whole columns: not its value, and nothing that its value is made of.

`until` of a value is the day on which that value may change. A reason may change before it: of two clauses that both
say no, one may fall away and the answer stays. So this looks at every part, where `until` looks at those that decide.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rules import horizon, plan
from rules.evaluate.columns.days import earliest, is_never
from rules.evaluate.columns.evaluation import Evaluation
from rules.evaluate.columns.nodes import looks_outside
from rules.evaluate.columns.results import spread_days, take
from rules.evaluate.columns.rows import Rows
from rules.evaluate.columns.vectors import Days
from rules.plan import NEVER

UNMOVED = "unmoved"
"""Under this and a node's id it is remembered beside its value."""


def unmoved_until(node: plan.Node, rows: Rows, within: Evaluation) -> Days:
    """The first later day on which anything under a node may move, in every row; NEVER where nothing will."""
    if not moves(node):
        return NEVER
    key = (UNMOVED, id(node))
    if key not in rows.memo:
        inherited = rows.inherited(key)
        shared = rows.shared() if inherited is None and not looks_outside(node) else None
        if inherited is not None:
            rows.memo[key] = take(*inherited)
        elif shared is not None:
            rows.memo[key] = take(unmoved_until(node, shared[0], within), shared[1])
        else:
            rows.memo[key] = _found(node, rows, within)
    found: Days = rows.memo[key]
    return found


def _found(node: plan.Node, rows: Rows, within: Evaluation) -> Days:
    match node:
        case plan.EligibleFor() | plan.AmountOf():
            return within.answers.unmoved_until(node.benefit, rows)
        case plan.Exists() | plan.Count() | plan.Total():
            bound = rows.bound(node.relation)
            days = earliest(*(unmoved_until(child, bound.members, within) for child in node.children()))
            if is_never(days):
                return NEVER
            spread = np.broadcast_to(np.asarray(days, dtype=np.int32), (bound.members.n,))
            joined: Days = bound.reduce(np.minimum, spread, NEVER)
            return joined
        case plan.ViaCondition() | plan.ViaQuantity() | plan.ViaCode():
            groups, positions = rows.group(node.group)
            return spread_days(unmoved_until(node.operand, groups, within), positions)
        case plan.OuterCondition() | plan.OuterQuantity() | plan.OuterCode():
            outer, owner = rows.outside()
            return take(unmoved_until(node.operand, outer, within), owner)
    return earliest(_own(node, rows, within), *(unmoved_until(child, rows, within) for child in _parts(node)))


def _own(node: plan.Node, rows: Rows, within: Evaluation) -> Days:
    """Until when a node's own value is good; of what only joins its parts, these say it."""
    if isinstance(node, plan.Not | plan.AllOf | plan.AnyOf | plan.ChooseCondition | plan.Choose):
        return NEVER
    if isinstance(node, plan.Condition):
        return within.judge(node, rows).until
    if isinstance(node, plan.Code):
        return within.code(node, rows)[1]
    assert isinstance(node, plan.Quantity)
    return within.measure(node, rows).until


def _parts(node: plan.Node) -> tuple[plan.Node, ...]:
    """What a node is made of, as far as its own day does not speak for it.

    Time itself moves every day. Where it is only compared, the node's own day is the one on which that turns.
    """
    match node:
        case plan.Compare() if _is_moving(node.left) and not horizon.has_clock(node.right):
            return (*_still(node.left), node.right)
        case plan.Compare() if _is_moving(node.right) and not horizon.has_clock(node.left):
            return (*_still(node.right), node.left)
        case plan.Lookup():
            keys = [part for key in node.keys for part in (_still(key) if _is_moving(key) else (key,))]
            rest = (part for part in (node.area, node.at) if part is not None)
            return (*keys, *rest)
        case plan.Elapsed() if _is_moving(node):
            return _still(node)
        case plan.Part() if horizon.is_clock(node.day):
            return ()
        case plan.Anchor() | plan.Shift() if horizon.is_clock(node):
            return ()
    return node.children()


def _is_moving(node: plan.Node) -> bool:
    return isinstance(node, plan.Quantity) and (horizon.is_rising(node) or horizon.is_falling(node))


def _still(moving: plan.Node) -> tuple[plan.Node, ...]:
    """What stands still in a figure that time moves: the day from which, or to which, it counts."""
    if not isinstance(moving, plan.Elapsed):
        return ()
    return (moving.start,) if horizon.is_rising(moving) else (moving.end,)


@lru_cache(maxsize=100_000)
def moves(node: plan.Node) -> bool:
    """Can anything but new knowledge move a node? Facts grow old, days come, the law and the areas change."""
    if isinstance(node, plan.BoolFact | plan.CodeFact | plan.QuantityFact):
        return node.fact.maximum_age_months is not None or _is_area(node)
    return turns(node) or any(moves(child) for child in node.children())


@lru_cache(maxsize=100_000)
def turns(node: plan.Node) -> bool:
    """Can a node come to another value, not only to none, though no fact does? By a day, by the law, by areas."""
    moving = (plan.Today, plan.MonthsIn, plan.EligibleFor, plan.AmountOf, plan.Lookup, plan.Marginal, plan.Within)
    return isinstance(node, moving) or _is_area(node) or any(turns(child) for child in node.children())


def _is_area(node: plan.Node) -> bool:
    return isinstance(node, plan.CodeFact) and node.fact.type.kind == "area"
