"""The facts that would settle the open answers of a batch: the irreducible part of what they rest on.

Most rows rest on facts that occur once, and need no search. The others are few patterns, each reduced once (see
`rules.missing`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from rules import plan
from rules.evaluate.columns.needs import BatchNeeds
from rules.evaluate.columns.rows import Rows
from rules.evaluate.columns.truths import as_mask, unknown_mask
from rules.evaluate.columns.vectors import Bits, open_mask
from rules.missing import INNER_QUANTITIES, Pattern, skeleton_of
from rules.rulebook import BenefitPlan


class MissingFacts:
    """Finds the missing facts of one benefit."""

    def __init__(self, benefit: BenefitPlan, needs: BatchNeeds) -> None:
        self.benefit = benefit
        self.needs = needs
        self.values = needs.values
        self.skeleton = skeleton_of(benefit)
        self._one_sided = [self.skeleton.atoms[index] for index in self.skeleton.overlaps.one_sided]
        self._chooses = any(isinstance(quantity, plan.Choose) for quantity in self.skeleton.quantities)

    def of(self, rows: Rows) -> Bits:
        """The irreducible set of missing facts for rows whose answer is open."""
        bits, twice = self.needs.condition(self.benefit.outcome, rows)
        if self.benefit.amount is not None:
            amount = self.needs.quantity(self.benefit.amount, rows)
            if self._chooses:
                # Only a branch of the amount can be ruled out by the outcome or by another branch: a figure without
                # branches needs whatever it rests on as soon as anything is owed.
                twice = twice | amount.twice | (bits & self._choosing(self.benefit.amount, rows))
            bits = bits | amount.bits
        for atom in self._one_sided:
            # Open though no value could change it: what else rests on it may turn out superfluous.
            twice = twice | self.needs.condition(atom, rows).bits
        several = (bits & (bits - np.uint64(1))) != 0
        doubtful = np.flatnonzero((twice != 0) & several & (bits != 0))
        if len(doubtful):
            mask = np.zeros(rows.n, dtype=bool)
            mask[doubtful] = True
            bits = bits.copy()
            bits[doubtful] = self._reduced(rows.subset(mask), bits[doubtful])
        return bits

    def _choosing(self, node: plan.Quantity, rows: Rows) -> Bits:
        """The facts on which it rests which branches of a figure are taken."""
        key = (f"choosing of {self.benefit.benefit.id}", id(node))
        if key not in rows.memo:
            bits = np.zeros(rows.n, dtype=np.uint64)
            if isinstance(node, plan.Choose):
                bits = self.needs.condition(node.condition, rows).bits
            if isinstance(node, INNER_QUANTITIES):
                for child in node.children():
                    if isinstance(child, plan.Quantity):
                        bits = bits | self._choosing(child, rows)
            rows.memo[key] = bits
        found: Bits = rows.memo[key]
        return found

    def _reduced(self, rows: Rows, candidates: Bits) -> Bits:
        """The irreducible part, found once for each pattern."""
        columns: list[Bits] = [candidates]
        for atom in self.skeleton.atoms:
            truth = self.values.judge(atom, rows).truth
            code = np.where(as_mask(truth, rows.n, wanted=True), 2, unknown_mask(truth, rows.n).astype(np.uint64))
            columns += [code.astype(np.uint64), self.needs.condition(atom, rows).bits]
        for quantity in self.skeleton.quantities:
            is_open = open_mask(self.values.measure(quantity, rows).span, rows.n)
            columns += [(~is_open).astype(np.uint64), self.needs.quantity(quantity, rows).bits]
        patterns, inverse = distinct_rows(columns)
        atoms = len(self.skeleton.atoms)
        results = np.zeros(len(patterns), dtype=np.uint64)
        for number, row in enumerate(patterns.tolist()):
            conditions, quantities = row[1 : 1 + 2 * atoms], row[1 + 2 * atoms :]
            pattern = Pattern(
                tuple(conditions[0::2]),
                tuple(conditions[1::2]),
                tuple(bool(c) for c in quantities[0::2]),
                tuple(quantities[1::2]),
            )
            results[number] = self.skeleton.reduce(pattern, row[0])
        return results[inverse]


def distinct_rows(columns: list[Bits]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.intp]]:
    """The different rows of a table, and for each row which of them it is.

    Rows are told apart by a hash of 64 bits, which sorts many times faster than they do; that equal hashes meant equal
    rows is looked up afterwards.
    """
    hashes = pl.DataFrame(columns).hash_rows().to_numpy()
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)
    if all(np.array_equal(values, values[first][inverse]) for values in columns):
        return np.stack([values[first] for values in columns], axis=1), inverse
    rows, inverse = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
    return rows, inverse.reshape(-1)
