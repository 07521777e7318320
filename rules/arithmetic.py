"""Typed arithmetic on plan nodes: scales are aligned, static bounds are carried, overflow is proved impossible."""

from __future__ import annotations

from features.documents import DocumentError, Place
from features.facts.units import Rounding
from rules import plan
from rules.language.types import PLAIN_INTEGER, Type, join, product, quotient
from rules.scope import Interner

WIDEST = 2**120
"""Columns are 64-bit where the bounds allow and 128-bit otherwise; beyond this nothing fits."""

MOST_DECIMALS = 24

MOST_MEMBERS = {"household": 100, "enterprise": 1_000_000}
MOST_MEMBERS_OTHERWISE = 100
"""Largest number of persons in one group that a file may hold; fact files over it are refused."""


def most_members(relation: plan.Relation) -> int:
    """How many persons a relation may reach at the most."""
    return MOST_MEMBERS.get(relation.group or "", MOST_MEMBERS_OTHERWISE)


class Arithmetic:
    """Makes numeric nodes."""

    def __init__(self, interner: Interner) -> None:
        self.make = interner.make

    def advice(self, left: Type, right: Type) -> str:
        """What to write where two types do not go together."""
        if left.kind == right.kind == "money" and {left.per, right.per} == {"month", "year"}:
            return "Write `per_month(…)` or `per_year(…)` around one side."
        if "money" in (left.kind, right.kind) and left.kind != right.kind:
            return "Write money as a currency code and a number, like `CNY 100`, or name a money parameter."
        if left.unit and right.unit:
            return "Count both in the same unit."
        return "Both sides must be of one type."

    def rescale(self, node: plan.Quantity, shift: int, place: Place) -> plan.Quantity:
        """The same value with `shift` more decimals."""
        if shift == 0:
            return node
        factor = 10**shift
        if isinstance(node, plan.Const):
            value, _ = self._fit(node.value * factor, node.value * factor, place)
            return self.make(plan.Const, node.type, node.scale + shift, value, value, value)
        low, high = self._fit(node.low * factor, node.high * factor, place)
        return self.make(plan.Rescale, node.type, node.scale + shift, low, high, node, shift)

    def align(self, left: plan.Quantity, right: plan.Quantity, place: Place) -> tuple[plan.Quantity, plan.Quantity]:
        """Both at the larger of the two scales."""
        scale = max(left.scale, right.scale)
        return self.rescale(left, scale - left.scale, place), self.rescale(right, scale - right.scale, place)

    def combine(self, operator: str, left: plan.Quantity, right: plan.Quantity, place: Place) -> plan.Quantity:
        """`left operator right`.

        Raises:
            DocumentError: the types do not go together, a divisor may be zero, or both factors may be negative.
        """
        if not (left.type.is_numeric and right.type.is_numeric):
            raise DocumentError(
                place,
                f"`{operator}` cannot join {left.type} and {right.type}.",
                "Move a date with `add_days`, `add_months` or `add_years`; measure with `days_between`.",
            )
        if operator in "+-":
            return self._add(left, right if operator == "+" else self.negate(right, place), place)
        return self._multiply(left, right, place) if operator == "*" else self._divide(left, right, place)

    def _add(self, left: plan.Quantity, right: plan.Quantity, place: Place) -> plan.Quantity:
        joined = join(left.type, right.type)
        if joined is None:
            raise DocumentError(
                place, f"{left.type} cannot be added to {right.type}.", self.advice(left.type, right.type)
            )
        left, right = self.align(left, right, place)
        low, high = self._fit(left.low + right.low, left.high + right.high, place)
        return self.make(plan.Add, joined, left.scale, low, high, left, right)

    def negate(self, node: plan.Quantity, place: Place) -> plan.Quantity:
        """`-node`."""
        if not node.type.is_numeric:
            raise DocumentError(place, f"{node.type} has no negative.", "Only numbers and money have one.")
        if isinstance(node, plan.Const):
            return self.make(plan.Const, node.type, node.scale, -node.value, -node.value, -node.value)
        return self.make(plan.Negate, node.type, node.scale, -node.high, -node.low, node)

    def _multiply(self, left: plan.Quantity, right: plan.Quantity, place: Place) -> plan.Quantity:
        result = product(left.type, right.type)
        if result is None:
            raise DocumentError(
                place,
                "Money cannot be multiplied by money.",
                "Multiply money by a number, or divide money by money to get one.",
            )
        if right.low < 0 or (isinstance(left, plan.Const) and not isinstance(right, plan.Const) and left.low >= 0):
            left, right = right, left
        if right.low < 0:
            raise DocumentError(
                place, "Both factors may be negative.", "Write `max(0, …)` around the one that cannot be."
            )
        if left.scale + right.scale > MOST_DECIMALS:
            raise DocumentError(
                place,
                f"The product has more than {MOST_DECIMALS} decimals.",
                "Round one of the factors with `round(…)`.",
            )
        ends = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
        low, high = self._fit(min(ends), max(ends), place)
        return self.make(plan.Multiply, result, left.scale + right.scale, low, high, left, right)

    def _divide(self, left: plan.Quantity, right: plan.Quantity, place: Place) -> plan.Quantity:
        result = quotient(left.type, right.type)
        if result is None:
            raise DocumentError(
                place, f"{left.type} cannot be divided by {right.type}.", self.advice(left.type, right.type)
            )
        if right.low <= 0:
            raise DocumentError(
                place,
                "The divisor may be zero or less.",
                "Give the fact a `minimum` above zero in the dictionary, or write `max(1, …)`.",
            )
        decimals = plan.DIVISION_DECIMALS_MONEY if result.kind == "money" else plan.DIVISION_DECIMALS_NUMBER
        scale = max(decimals, left.scale - right.scale)
        shift = right.scale - left.scale + scale
        self._fit(left.low * 2 * 10**shift, left.high * 2 * 10**shift, place)
        ends = [a * 10**shift // b for a in (left.low, left.high) for b in (right.low, right.high)]
        return self.make(plan.Divide, result, scale, min(ends) - 1, max(ends) + 1, left, right, shift)

    def choose(
        self, condition: plan.Condition, then: plan.Quantity, otherwise: plan.Quantity, place: Place
    ) -> plan.Quantity:
        """`if condition then … else …`."""
        joined = join(then.type, otherwise.type)
        if joined is None:
            raise DocumentError(
                place, f"The branches differ: {then.type} and {otherwise.type}.", self.advice(then.type, otherwise.type)
            )
        then, otherwise = self.align(then, otherwise, place)
        if then is otherwise:
            return then
        low, high = min(then.low, otherwise.low), max(then.high, otherwise.high)
        return self.make(plan.Choose, joined, then.scale, low, high, condition, then, otherwise)

    def extreme(self, function: str, operands: list[plan.Quantity], place: Place) -> plan.Quantity:
        """`min` or `max` of one or more."""
        joined = operands[0].type
        for operand in operands[1:]:
            both = join(joined, operand.type)
            if both is None:
                raise DocumentError(
                    place, f"`{function}` of {joined} and {operand.type}.", self.advice(joined, operand.type)
                )
            joined = both
        scale = max(o.scale for o in operands)
        aligned = tuple(dict.fromkeys(self.rescale(o, scale - o.scale, place) for o in operands))
        pick = min if function == "min" else max
        low, high = pick(o.low for o in aligned), pick(o.high for o in aligned)
        kind = plan.Least if function == "min" else plan.Greatest
        return self.make(kind, joined, scale, low, high, aligned)

    def round(self, node: plan.Quantity, step: int, step_scale: int, mode: Rounding, place: Place) -> plan.Quantity:
        """To a multiple of `step * 10^-step_scale`; decimals that are then always zero are dropped."""
        if step_scale > node.scale:
            node = self.rescale(node, step_scale - node.scale, place)
        units = step * 10 ** (node.scale - step_scale)
        drop = node.scale if units % 10**node.scale == 0 else 0
        if units == 1:
            return node
        scale_factor = 10**drop
        low = (node.low // units - 1) * units // scale_factor
        high = (node.high // units + 2) * units // scale_factor
        return self.make(plan.RoundTo, node.type, node.scale - drop, low, high, node, units, mode, drop)

    def count(self, relation: plan.Relation, where: plan.Condition) -> plan.Quantity:
        """How many members fulfil the condition."""
        return self.make(plan.Count, PLAIN_INTEGER, 0, 0, most_members(relation), relation, where)

    def total(self, relation: plan.Relation, of: plan.Quantity, where: plan.Condition, place: Place) -> plan.Quantity:
        """The sum over the members that fulfil the condition."""
        if not of.type.is_numeric:
            raise DocumentError(place, f"`sum` of {of.type}.", "Only numbers and money have a sum.")
        most = most_members(relation)
        low, high = self._fit(min(0, of.low * most), max(0, of.high * most), place)
        return self.make(plan.Total, of.type, of.scale, low, high, relation, of, where)

    def _fit(self, low: int, high: int, place: Place) -> tuple[int, int]:
        if max(abs(low), abs(high)) >= WIDEST:
            raise DocumentError(
                place,
                "This figure may grow beyond any number that fits.",
                "Give its facts a `maximum`, or round an intermediate result with `round(…, CNY 0.01)`.",
            )
        return low, high
