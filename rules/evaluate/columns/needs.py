"""Which facts the open rows of a batch rest on; computed for those rows only.

Needs are bits of the benefit's names in a 64-bit column, zero where a node is not open. Beside them goes a column of
bits that occur in two open parts: only those rows may have a smaller set (see `rules.evaluate.columns.missing_facts`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl

from rules import places, plan
from rules.evaluate.columns import vectors
from rules.evaluate.columns.nodes import BatchValues
from rules.evaluate.columns.rows import Rows
from rules.evaluate.columns.truths import as_mask, unknown_mask
from rules.evaluate.columns.vectors import Bits, Mask, open_mask
from rules.parameters import Parameter
from rules.rulebook import BenefitPlan


class Needs(NamedTuple):
    """Facts rested on, and those among them that occur twice."""

    bits: Bits
    twice: Bits


class BatchNeeds:
    """What the nodes of one benefit rest on.

    Args:
        benefit: whose names the bits stand for.
        values: of its nodes.
        missing_of: what another benefit's answer rests on, as bits of the names beside them.
    """

    def __init__(
        self, benefit: BenefitPlan, values: BatchValues, missing_of: Callable[[str, Rows], tuple[Bits, tuple[str, ...]]]
    ) -> None:
        self.benefit = benefit
        self.values = values
        self.missing_of = missing_of
        self._position = {name: index for index, name in enumerate(benefit.names)}
        # Bits mean this benefit's names: one that asks another halfway must not read that one's bits as its own.
        self._of_conditions = f"condition needs of {benefit.benefit.id}"
        self._of_quantities = f"quantity needs of {benefit.benefit.id}"

    # -- conditions -----------------------------------------------------------------------------------------------

    def condition(self, node: plan.Condition, rows: Rows) -> Needs:
        """Needs of a condition; zero where it is known."""
        key = (self._of_conditions, id(node))
        if key not in rows.memo:
            rows.memo[key] = self._condition(node, rows)
        found: Needs = rows.memo[key]
        return found

    def _condition(self, node: plan.Condition, rows: Rows) -> Needs:
        unknown = unknown_mask(self.values.judge(node, rows).truth, rows.n)
        if not unknown.any():
            return _none(rows.n)
        match node:
            case plan.Not():
                return self.condition(node.operand, rows)
            case plan.AllOf() | plan.AnyOf():
                needs = _none(rows.n)
                for operand in node.operands:
                    needs = _joined(needs, self.condition(operand, rows))
            case plan.ChooseCondition():
                needs = self._branches(
                    node.condition,
                    self.condition(node.then, rows),
                    self.condition(node.otherwise, rows),
                    rows,
                )
            case plan.BoolFact():
                needs = self._named(node.fact.id, unknown)
            case plan.Compare():
                bits = self.quantity(node.left, rows).bits | self.quantity(node.right, rows).bits
                needs = Needs(bits, np.zeros(rows.n, dtype=np.uint64))
            case plan.CodeIn() | plan.Within():
                bits = self._code(node.operand, rows)
                # Where the code is known and yet nothing follows, it ended: the record's own, new code would settle it.
                bits = np.where(bits == 0, self._bit(plan.fact_of_code(node.operand).id), bits)
                needs = Needs(bits, np.zeros(rows.n, dtype=np.uint64))
            case plan.ConditionLookup():
                needs = self.quantity(node.lookup, rows)
            case plan.Exists():
                needs = self._over_members(node.relation, rows, lambda m: self.condition(node.where, m).bits)
            case plan.EligibleFor():
                needs = self._of_benefit(node.benefit, rows)
            case plan.ViaCondition():
                needs = self._via(node.group, node.link, rows, lambda g: self.condition(node.operand, g).bits)
            case plan.OuterCondition():
                outer, owner = rows.outside()
                needs = Needs(self.condition(node.operand, outer).bits[owner.index], np.zeros(rows.n, dtype=np.uint64))
            case _:
                needs = _none(rows.n)
        return _where(unknown, needs)

    def _branches(self, condition: plan.Condition, then: Needs, otherwise: Needs, rows: Rows) -> Needs:
        """Needs of an `if`: those of the branch taken; where it is not known which, of all three."""
        truth = self.values.judge(condition, rows).truth
        yes, no = as_mask(truth, rows.n, wanted=True), as_mask(truth, rows.n, wanted=False)
        all_three = _joined(self.condition(condition, rows), _joined(then, otherwise))
        return Needs(
            np.where(yes, then.bits, np.where(no, otherwise.bits, all_three.bits)),
            np.where(yes, then.twice, np.where(no, otherwise.twice, all_three.twice)),
        )

    # -- quantities -----------------------------------------------------------------------------------------------

    def quantity(self, node: plan.Quantity, rows: Rows) -> Needs:
        """Needs of a figure; zero where it is one figure."""
        key = (self._of_quantities, id(node))
        if key not in rows.memo:
            is_open = open_mask(self.values.measure(node, rows).span, rows.n)
            rows.memo[key] = _where(is_open, self._quantity(node, rows, is_open)) if is_open.any() else _none(rows.n)
        found: Needs = rows.memo[key]
        return found

    def _quantity(self, node: plan.Quantity, rows: Rows, is_open: Mask) -> Needs:
        match node:
            case plan.QuantityFact() | plan.MonthsIn():
                return self._named(node.fact.id, is_open)
            case plan.Choose():
                return self._branches(
                    node.condition,
                    self.quantity(node.then, rows),
                    self.quantity(node.otherwise, rows),
                    rows,
                )
            case plan.Least() | plan.Greatest():
                return self._extreme(node, rows)
            case plan.Lookup():
                return self._lookup(node, rows)
            case plan.Marginal():
                if node.parameter.on(self.benefit.on_date) is None:
                    return self._named(f"${node.parameter.id}", is_open)
                return self.quantity(node.operand, rows)
            case plan.Count():
                return self._over_members(node.relation, rows, lambda m: self.condition(node.where, m).bits)
            case plan.Total():
                return self._over_members(node.relation, rows, lambda m: self._of_total(node, m))
            case plan.AmountOf():
                return self._of_benefit(node.benefit, rows)
            case plan.ViaQuantity():
                return self._via(node.group, node.link, rows, lambda g: self.quantity(node.operand, g).bits)
            case plan.OuterQuantity():
                outer, owner = rows.outside()
                return Needs(self.quantity(node.operand, outer).bits[owner.index], np.zeros(rows.n, dtype=np.uint64))
        needs = _none(rows.n)
        for child in node.children():
            if isinstance(child, plan.Quantity):
                part = self.quantity(child, rows)
                needs = Needs(needs.bits | part.bits, needs.twice | part.twice)
        return needs

    def _extreme(self, node: plan.Least | plan.Greatest, rows: Rows) -> Needs:
        """Of `min` and `max`, the operands that may decide."""
        smaller = isinstance(node, plan.Least)
        result = self.values.measure(node, rows).span
        limit = vectors.column(result.high if smaller else result.low, rows.n, wide=True)
        needs = _none(rows.n)
        for operand in node.operands:
            span = self.values.measure(operand, rows).span
            end = vectors.column(span.low if smaller else span.high, rows.n, wide=True)
            decides, known = vectors.unpacked(end < limit if smaller else end > limit)
            matters = decides if known is None else decides | ~known
            part = _where(matters, self.quantity(operand, rows))
            needs = Needs(needs.bits | part.bits, needs.twice | part.twice)
        return needs

    def _lookup(self, node: plan.Lookup, rows: Rows) -> Needs:
        n = rows.n
        name = f"${node.parameter.id}"
        lacking = self._bit(name) if name in self._position else np.uint64(0)
        zero = np.zeros(n, dtype=np.uint64)
        bits = zero
        known = np.full(n, True)
        if node.at is not None:
            at = self.quantity(node.at, rows).bits
            known = ~open_mask(self.values.measure(node.at, rows).span, n)
            bits = np.where(known, zero, at)
        if node.area is not None:
            area = self._area(node.area, node.parameter, rows)
            if self._has_period(node):
                bits = np.where(known, area, bits)
                known = known & (area == 0)
        all_known = np.full(n, True)
        for key in node.keys:
            part = self._code(key, rows) if isinstance(key, plan.Code) else self._key_bits(key, rows)
            bits = np.where(known, bits | part, bits)
            all_known = all_known & (part == 0)
        span = self.values.measure(node, rows).span
        low = vectors.column(span.low, n, wide=True).is_null().to_numpy()
        high = vectors.column(span.high, n, wide=True).is_null().to_numpy()
        without_value = known & all_known & low & high
        if not self._has_period(node):
            bits = zero
        return Needs(np.where(without_value, bits | lacking, bits), zero)

    def _has_period(self, node: plan.Lookup) -> bool:
        return node.at is not None or node.parameter.on(self.benefit.on_date) is not None

    def _key_bits(self, key: plan.Node, rows: Rows) -> Bits:
        assert isinstance(key, plan.Quantity)
        return self.quantity(key, rows).bits

    def _of_total(self, node: plan.Total, members: Rows) -> Bits:
        n = members.n
        where = self.values.judge(node.where, members).truth
        true, maybe = as_mask(where, n, wanted=True), unknown_mask(where, n)
        span = self.values.measure(node.of, members).span
        is_open = open_mask(span, n)
        # A member whose part may be nothing or something counts as open unless that something is nothing.
        zero = (
            ~is_open
            & (vectors.column(span.low, n, wide=True).fill_null(1) == pl.Series([0], dtype=pl.Int128)).to_numpy()
        )
        of = self.quantity(node.of, members).bits
        uncertain = maybe & ~zero
        return np.where(true, of, np.where(uncertain, of | self.condition(node.where, members).bits, np.uint64(0)))

    # -- leaves ---------------------------------------------------------------------------------------------------

    def _bit(self, name: str) -> np.uint64:
        return np.uint64(1 << self._position[name])

    def _named(self, name: str, mask: Mask) -> Needs:
        return Needs(np.where(mask, self._bit(name), np.uint64(0)), np.zeros(len(mask), dtype=np.uint64))

    def _code(self, node: plan.Node, rows: Rows) -> Bits:
        if isinstance(node, plan.CodeFact):
            values, _ = self.values.fact(node.fact.id, rows)
            mask = np.full(rows.n, True) if values is None else vectors.is_null(values)
            return np.where(mask, self._bit(node.fact.id), np.uint64(0))
        if isinstance(node, plan.OuterCode):
            outer, owner = rows.outside()
            return self._code(node.operand, outer)[owner.index]
        assert isinstance(node, plan.ViaCode)
        return self._via(node.group, node.link, rows, lambda groups: self._code(node.operand, groups)).bits

    def _area(self, node: plan.Code, parameter: Parameter, rows: Rows) -> Bits:
        """The bits of an area: where it is not known, or ended and its successors' values differ."""
        bits = self._code(node, rows)
        codes, _ = self.values.code(node, rows)
        if codes is None:
            return bits
        assert isinstance(codes.dtype, pl.Enum)
        areas, on_date = self.values.areas, self.values.on_date
        is_open = [places.is_open(code, parameter, areas, on_date) for code in codes.dtype.categories]
        if not any(is_open):
            return bits
        mask = pl.Series(is_open)[codes.to_physical().cast(pl.UInt32)].fill_null(value=False).to_numpy()
        return np.where(mask, self._bit(plan.fact_of_code(node).id), bits)

    def _via(self, group: str, link: str, rows: Rows, of: Callable[[Rows], Bits]) -> Needs:
        groups, positions = rows.group(group)
        bits = of(groups)
        return Needs(positions.of_array(bits, int(self._bit(link))), np.zeros(rows.n, dtype=np.uint64))

    def _over_members(self, relation: plan.Relation, rows: Rows, of: Callable[[Rows], Bits]) -> Needs:
        bound = rows.bound(relation)
        bits: Bits = bound.reduce(np.bitwise_or, of(bound.members), 0)
        own = np.where(bound.complete, np.uint64(0), self._bit(relation.names_unknown))
        return Needs(bits | own, np.zeros(rows.n, dtype=np.uint64))

    def _of_benefit(self, benefit: str, rows: Rows) -> Needs:
        bits, names = self.missing_of(benefit, rows)
        result = np.zeros(rows.n, dtype=np.uint64)
        for index, name in enumerate(names):
            has = (bits >> np.uint64(index)) & np.uint64(1)
            result |= has * self._bit(name)
        return Needs(result, np.zeros(rows.n, dtype=np.uint64))


def _none(n: int) -> Needs:
    zero = np.zeros(n, dtype=np.uint64)
    return Needs(zero, zero)


def _joined(a: Needs, b: Needs) -> Needs:
    return Needs(a.bits | b.bits, a.twice | b.twice | (a.bits & b.bits))


def _where(mask: Mask, needs: Needs) -> Needs:
    zero = np.uint64(0)
    return Needs(np.where(mask, needs.bits, zero), np.where(mask, needs.twice, zero))
