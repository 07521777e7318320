"""Which facts would settle an open answer: an irreducible set.

Every evaluator first collects the facts on which the open parts of an answer rest. Filling all of them settles it. That
set is irreducible as it stands when no fact occurs in two open parts. Where one does, a smaller set may do
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

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from rules import plan
from rules.rulebook import BenefitPlan

N = TypeVar("N", bound=plan.Node)

FALSE, UNKNOWN, TRUE = 0, 1, 2
MOST_STEPS = 20_000
"""Beyond this many cases the search stops and keeps the fact: a larger set is still right, only not the smallest."""

_INNER_CONDITIONS = (plan.Not, plan.AllOf, plan.AnyOf, plan.ChooseCondition, plan.BoolConst)
INNER_QUANTITIES = (
    plan.Choose, plan.RoundTo, plan.Rescale, plan.Negate, plan.Add, plan.Least, plan.Greatest, plan.Multiply, plan.Divide,
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
        self._groups = _Groups(self.atoms, benefit)
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
    def groups(self) -> _Groups:
        """What the atoms say about the same things."""
        return self._groups


@lru_cache(maxsize=2_000)
def skeleton_of(benefit: BenefitPlan) -> Skeleton:
    """The skeleton of a benefit on a date, made once."""
    return Skeleton(benefit)


class _Groups:
    """Atoms that speak of one and the same figure or code, and the values on which each is true.

    The values of a group are represented by samples: every limit and its neighbours, or every code. An atom's `mask`
    has a bit for each sample on which it holds.
    """

    def __init__(self, atoms: Iterable[plan.Condition], benefit: BenefitPlan) -> None:
        by_subject: dict[int, list[tuple[int, plan.Condition]]] = {}
        for index, atom in enumerate(atoms):
            subject = _speaks_of(atom, benefit)
            if subject is not None:
                by_subject.setdefault(id(subject), []).append((index, atom))
        self.of_atom: dict[int, tuple[int, int]] = {}
        self.full: list[int] = []
        for members in by_subject.values():
            if len(members) > 1:
                self._add(members, benefit)

    def _add(self, members: list[tuple[int, plan.Condition]], benefit: BenefitPlan) -> None:
        number = len(self.full)
        if isinstance(members[0][1], plan.Compare):
            limits = sorted({_limit(a, benefit) for _, a in members if isinstance(a, plan.Compare)})
            first = members[0][1]
            subject = first.left if _constant(first.right, benefit) is not None else first.right
            raw = {v for limit in limits for v in (limit - 1, limit, limit + 1)} | {subject.low, subject.high}
            samples: list[int] = sorted(v for v in raw if subject.low <= v <= subject.high)
            for index, atom in members:
                assert isinstance(atom, plan.Compare)
                mask = sum(1 << i for i, v in enumerate(samples) if _holds(atom, v, benefit))
                self.of_atom[index] = (number, mask)
            self.full.append((1 << len(samples)) - 1)
            return
        universe = sorted({c for _, a in members for c in _codes(a)})
        for index, atom in members:
            codes = _codes(atom)
            self.of_atom[index] = (number, sum(1 << i for i, c in enumerate(universe) if c in codes))
        fact = _fact_of(members[0][1])
        complete = bool(fact) and set(fact) <= set(universe)
        self.full.append((1 << len(universe) + (0 if complete else 1)) - 1)


def _fact_of(atom: plan.Condition) -> tuple[str, ...]:
    assert isinstance(atom, plan.CodeIn | plan.Within)
    operand = atom.operand
    while isinstance(operand, plan.ViaCode | plan.OuterCode):
        operand = operand.operand
    assert isinstance(operand, plan.CodeFact)
    return operand.fact.type.codes


def _codes(atom: plan.Condition) -> frozenset[str]:
    assert isinstance(atom, plan.CodeIn | plan.Within)
    return atom.codes


def _speaks_of(atom: plan.Condition, benefit: BenefitPlan) -> plan.Node | None:
    if isinstance(atom, plan.CodeIn | plan.Within):
        return atom.operand
    if isinstance(atom, plan.Compare):
        left, right = _constant(atom.left, benefit), _constant(atom.right, benefit)
        if (left is None) != (right is None):
            return atom.left if left is None else atom.right
    return None


def _constant(node: plan.Quantity, benefit: BenefitPlan) -> int | None:
    """The value of a figure that is the same for everybody on the date, or None."""
    if isinstance(node, plan.Const):
        return node.value
    if isinstance(node, plan.Rescale):
        inner = _constant(node.operand, benefit)
        return None if inner is None else inner * 10**node.shift
    if isinstance(node, plan.Lookup) and not node.keys and node.area is None and node.at is None:
        period = node.parameter.on(benefit.on_date)
        value = period.table.get(()) if period else None
        return value if isinstance(value, int) and not isinstance(value, bool) else None
    return None


def _limit(atom: plan.Compare, benefit: BenefitPlan) -> int:
    left = _constant(atom.left, benefit)
    right = _constant(atom.right, benefit)
    limit = left if left is not None else right
    assert limit is not None
    return limit


def _holds(atom: plan.Compare, value: int, benefit: BenefitPlan) -> bool:
    left = _constant(atom.left, benefit)
    right = _constant(atom.right, benefit)
    a = value if left is None else left
    b = value if right is None else right
    return a < b if atom.operator == "<" else a <= b if atom.operator == "<=" else a == b


class _Search:
    """Does a set of facts settle every answer of a pattern, whatever their values?"""

    def __init__(self, skeleton: Skeleton, pattern: Pattern, filled: int, candidates: int) -> None:
        self.skeleton = skeleton
        self.pattern = pattern
        self.filled = filled
        self.candidates = candidates
        self.truths: dict[int, int] = {}
        self.allowed = list(skeleton.groups.full)
        self.steps = 0
        self._found: dict[int, int | _Branch] = {}
        for index, truth in enumerate(pattern.truths):
            if truth != UNKNOWN:
                self._restrict(index, truth)

    def settles(self) -> bool:
        """True when no case is left open."""
        try:
            return self._case()
        except _TooLong:
            return False

    def _case(self) -> bool:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise _TooLong
        self._found.clear()
        try:
            outcome = self._condition(self.skeleton.benefit.outcome)
            if outcome == UNKNOWN:
                return False
            if outcome == FALSE or self.skeleton.benefit.amount is None:
                return True
            return self._quantity(self.skeleton.benefit.amount)
        except _Branch as branch:
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
        place = self.skeleton.groups.of_atom.get(atom)
        if place is None:
            return True
        group, mask = place
        full = self.skeleton.groups.full[group]
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
        place = self.skeleton.groups.of_atom.get(index)
        if place is not None:
            group, mask = place
            allowed = self.allowed[group]
            if allowed & mask == 0:
                return FALSE
            if allowed & ~mask == 0:
                return TRUE
        raise _Branch(index)

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
        free: _Branch | None = None
        open_part = False
        for operand in operands:
            try:
                truth = self._condition(operand)
            except _Branch as branch:
                free = free or branch
                continue
            if truth == decisive:
                return decisive
            open_part = open_part or truth == UNKNOWN
        if free is not None:
            raise free
        return UNKNOWN if open_part else TRUE - decisive

    def _quantity(self, node: plan.Quantity) -> bool:
        """Would the figure be one figure in this case?"""
        return bool(self._once(node, self._is_closed))

    def _once(self, node: N, look: Callable[[N], int]) -> int:
        found = self._found.get(id(node))
        if found is None:
            try:
                found = look(node)
            except _Branch as branch:
                found = branch
            self._found[id(node)] = found
        if isinstance(found, _Branch):
            raise found
        return found

    def _is_closed(self, node: plan.Quantity) -> bool:
        index = self.skeleton.quantity(node)
        if self.pattern.closed[index]:
            return True
        if isinstance(node, plan.Choose):
            condition = self._condition(node.condition)
            if condition == UNKNOWN:
                return False
            return self._quantity(node.then if condition == TRUE else node.otherwise)
        if isinstance(node, INNER_QUANTITIES):
            return all(
                self._quantity(child)
                for child in node.children()
                if isinstance(child, plan.Quantity) and not self._is_irrelevant(child)
            )
        return self.pattern.quantity_needs[index] & ~self.filled == 0

    def _is_irrelevant(self, node: plan.Quantity) -> bool:
        """Did the evaluator leave this open operand out of account (of `min` and `max`), whatever it may be?"""
        return bool(self.pattern.quantity_needs[self.skeleton.quantity(node)] & ~self.candidates)


class _Branch(Exception):
    """The answer depends on a free part that has not been decided yet."""

    def __init__(self, atom: int) -> None:
        self.atom = atom
        super().__init__(atom)


class _TooLong(Exception):
    """The search has taken too many steps."""
