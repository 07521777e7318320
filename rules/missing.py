"""Which facts would settle an open answer: an irreducible set.

Every evaluator first collects the facts on which the open parts of an answer rest. Filling all of them settles it. That
set is irreducible as it stands when no fact occurs in two open parts, and every open part can come out either way.
Otherwise a smaller set may do
(`on_dibao or (near_poor and income < limit)`: with `near_poor` false, only `on_dibao` matters for the outcome, and an
amount that depends on income only for the near-poor does not need it). Then facts are dropped one after the other, last
read first, as long as the rest still settles the answer for every value it may take.

That search reads no person's data: it works on a **pattern**, the state of each part of the rule. People who share a
pattern share the result, which is what makes it affordable for millions.

A part is *free* when all it rests on would be filled: it then takes any value that the other free parts allow (two
limits on the same figure cannot contradict each other; equal codes exclude one another). A part that rests on
anything else stays open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from rules import plan
from rules.overlaps import Overlaps
from rules.rulebook import BenefitPlan

N = TypeVar("N", bound=plan.Node)

FALSE, UNKNOWN, TRUE = 0, 1, 2
MOST_STEPS = 20_000
"""Beyond this many cases the search stops and keeps the fact: a larger set is still right, only not the smallest."""

_INNER_CONDITIONS = (plan.Not, plan.AllOf, plan.AnyOf, plan.ChooseCondition, plan.BoolConst)
INNER_QUANTITIES = (
    plan.Choose,
    plan.RoundTo,
    plan.Rescale,
    plan.Negate,
    plan.Add,
    plan.Least,
    plan.Greatest,
    plan.Multiply,
    plan.Divide,
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """The state of every part, in the order of the skeleton.

    `truths` and `condition_needs`: of each atom, its truth (0, 1, 2) and, where unknown, the facts it rests on (bits).
    `closed` and `quantity_needs`: of each figure, whether it is one figure, and the facts it rests on where it is not.
    """

    truths: tuple[int, ...]
    condition_needs: tuple[int, ...]
    closed: tuple[bool, ...]
    quantity_needs: tuple[int, ...]


class Skeleton:
    """The parts of one benefit's outcome and amount on one date, and how they hang together."""

    def __init__(self, benefit: BenefitPlan) -> None:
        self.benefit = benefit
        self.atoms: list[plan.Condition] = []
        self.quantities: list[plan.Quantity] = []
        self._atom_index: dict[int, int] = {}
        self._quantity_index: dict[int, int] = {}
        self._walked: set[int] = set()
        self._collect_condition(benefit.outcome)
        if benefit.amount is not None:
            self._collect_quantity(benefit.amount)
        self._overlaps = Overlaps(self.atoms, benefit)
        self._results: dict[tuple[Pattern, int], int] = {}

    def _collect_condition(self, node: plan.Condition) -> None:
        if id(node) in self._walked:
            return
        self._walked.add(id(node))
        if isinstance(node, _INNER_CONDITIONS):
            for child in node.children():
                assert isinstance(child, plan.Condition)
                self._collect_condition(child)
        elif id(node) not in self._atom_index:
            self._atom_index[id(node)] = len(self.atoms)
            self.atoms.append(node)

    def _collect_quantity(self, node: plan.Quantity) -> None:
        if id(node) in self._quantity_index:
            return
        self._quantity_index[id(node)] = len(self.quantities)
        self.quantities.append(node)
        if isinstance(node, INNER_QUANTITIES):
            for child in node.children():
                if isinstance(child, plan.Quantity):
                    self._collect_quantity(child)
                elif isinstance(child, plan.Condition):
                    self._collect_condition(child)

    def reduce(self, pattern: Pattern, candidates: int) -> int:
        """The irreducible part of `candidates` (bits of `benefit.names`) that settles every answer of this pattern."""
        key = (pattern, candidates)
        known = self._results.get(key)
        if known is None:
            known = candidates
            for bit in reversed(range(candidates.bit_length())):
                without = known & ~(1 << bit)
                if known >> bit & 1 and without and _Search(self, pattern, without, candidates).settles():
                    known = without
            self._results[key] = known
        return known

    def atom(self, node: plan.Condition) -> int:
        """The position of an atom."""
        return self._atom_index[id(node)]

    def quantity(self, node: plan.Quantity) -> int:
        """The position of a figure."""
        return self._quantity_index[id(node)]

    @property
    def overlaps(self) -> Overlaps:
        """What the atoms say about the same things."""
        return self._overlaps


@lru_cache(maxsize=256)
def skeleton_of(benefit: BenefitPlan) -> Skeleton:
    """The skeleton of a benefit on a date, made once."""
    return Skeleton(benefit)


class _Search:
    """Does a set of facts settle every answer of a pattern, whatever their values?"""

    def __init__(self, skeleton: Skeleton, pattern: Pattern, filled: int, candidates: int) -> None:
        self.skeleton = skeleton
        self.pattern = pattern
        self.filled = filled
        self.candidates = candidates
        self.truths: dict[int, int] = {}
        self.allowed = list(skeleton.overlaps.full)
        self.steps = 0
        self._found: dict[int, int] = {}
        self._open: dict[int, int] = {}
        """By node the free atom that it waits for: an exception that is kept would keep all frames of the search."""
        for index, truth in enumerate(pattern.truths):
            if truth != UNKNOWN:
                self._restrict(index, truth)

    def settles(self) -> bool:
        """True when no case is left open."""
        try:
            return self._case()
        except _TooLongError:
            return False

    def _case(self) -> bool:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise _TooLongError
        self._found.clear()
        self._open.clear()
        try:
            outcome = self._condition(self.skeleton.benefit.outcome)
            if outcome == UNKNOWN:
                return False
            if outcome == FALSE or self.skeleton.benefit.amount is None:
                return True
            return self._quantity(self.skeleton.benefit.amount)
        except _BranchError as branch:
            atom = branch.atom
        for truth in (FALSE, TRUE):
            saved = list(self.allowed)
            self.truths[atom] = truth
            if self._restrict(atom, truth) and not self._case():
                return False
            self.allowed = saved
            del self.truths[atom]
        return True

    def _restrict(self, atom: int, truth: int) -> bool:
        """Keep the values of the atom's group on which it has this truth; False when none is left."""
        place = self.skeleton.overlaps.of_atom.get(atom)
        if place is None:
            return True
        group, mask = place
        full = self.skeleton.overlaps.full[group]
        self.allowed[group] &= mask if truth == TRUE else full & ~mask
        return self.allowed[group] != 0

    def _atom(self, index: int) -> int:
        truth = self.pattern.truths[index]
        if truth != UNKNOWN:
            return truth
        if index in self.truths:
            return self.truths[index]
        if self.pattern.condition_needs[index] & ~self.filled:
            return UNKNOWN
        place = self.skeleton.overlaps.of_atom.get(index)
        if place is not None:
            group, mask = place
            allowed = self.allowed[group]
            if allowed & mask == 0:
                return FALSE
            if allowed & ~mask == 0:
                return TRUE
        raise _BranchError(index)

    def _condition(self, node: plan.Condition) -> int:
        """The truth in this case; a node that stands in many places is looked at once."""
        return self._once(node, self._truth_of)

    def _truth_of(self, node: plan.Condition) -> int:
        match node:
            case plan.BoolConst():
                return TRUE if node.value else FALSE
            case plan.Not():
                return TRUE - self._condition(node.operand)
            case plan.AllOf():
                return self._join(node.operands, FALSE)
            case plan.AnyOf():
                return self._join(node.operands, TRUE)
            case plan.ChooseCondition():
                condition = self._condition(node.condition)
                if condition != UNKNOWN:
                    return self._condition(node.then if condition == TRUE else node.otherwise)
                then, otherwise = self._condition(node.then), self._condition(node.otherwise)
                return then if then == otherwise else UNKNOWN
        return self._atom(self.skeleton.atom(node))

    def _join(self, operands: tuple[plan.Condition, ...], decisive: int) -> int:
        """A conjunction (`decisive` FALSE) or disjunction (TRUE): known parts first, then one free part at a time."""
        free: int | None = None
        open_part = False
        for operand in operands:
            try:
                truth = self._condition(operand)
            except _BranchError as branch:
                free = branch.atom if free is None else free
                continue
            if truth == decisive:
                return decisive
            open_part = open_part or truth == UNKNOWN
        if free is not None:
            raise _BranchError(free)
        return UNKNOWN if open_part else TRUE - decisive

    def _quantity(self, node: plan.Quantity) -> bool:
        """Would the figure be one figure in this case?"""
        return bool(self._once(node, self._is_closed))

    def _once(self, node: N, look: Callable[[N], int]) -> int:
        key = id(node)
        if key in self._open:
            raise _BranchError(self._open[key])
        found = self._found.get(key)
        if found is None:
            try:
                found = self._found[key] = look(node)
            except _BranchError as branch:
                self._open[key] = branch.atom
                raise
        return found

    def _is_closed(self, node: plan.Quantity) -> bool:
        index = self.skeleton.quantity(node)
        if self.pattern.closed[index]:
            return True
        if isinstance(node, plan.Choose):
            chosen = self._chosen(node)
            return chosen is not node and self._quantity(chosen)
        if isinstance(node, INNER_QUANTITIES):
            return all(
                self._quantity(child)
                for child in node.children()
                if isinstance(child, plan.Quantity) and not self._is_irrelevant(child)
            )
        return self.pattern.quantity_needs[index] & ~self.filled == 0

    def _chosen(self, node: plan.Quantity) -> plan.Quantity:
        """What an `if` comes to: the branch taken, or both where they come to the same; else the `if` itself."""
        if not isinstance(node, plan.Choose):
            return node
        condition = self._condition(node.condition)
        if condition != UNKNOWN:
            return self._chosen(node.then if condition == TRUE else node.otherwise)
        then, otherwise = self._chosen(node.then), self._chosen(node.otherwise)
        return then if then is otherwise else node

    def _is_irrelevant(self, node: plan.Quantity) -> bool:
        """Did the evaluator leave this open operand out of account (of `min` and `max`), whatever it may be?"""
        return bool(self.pattern.quantity_needs[self.skeleton.quantity(node)] & ~self.candidates)


class _BranchError(Exception):
    """The answer depends on a free part that has not been decided yet."""

    def __init__(self, atom: int) -> None:
        self.atom = atom
        super().__init__(atom)


class _TooLongError(Exception):
    """The search has taken too many steps."""
