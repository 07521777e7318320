"""Can a condition hold, can it fail, whatever the facts turn out to be? Asked of one stretch of days.

Everything that is the same for everybody (parameters without keys, arithmetic on them) counts with its value on the
first of these days; everything else may take any value that the dictionary and the static bounds allow. Conditions that
speak of the same figure, the same code or the same two figures are judged together: `age >= 60` and `age < 18` exclude
each other. The search gives up after a fixed number of cases and then answers "possible": no finding without proof.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from features.facts.population import Population, Subject
from rules import horizon, plan
from rules.evaluate.reference import Case, ReferenceEvaluator
from rules.rulebook import Rulebook

MOST_CASES = 3_000
"""Of one question."""

CASES_PER_VERSION = 20_000
"""Of all questions about one version, so that a rule made to be hard costs no more than a moment."""

Path = tuple[str, ...]
"""From the subject of the benefit to where a condition is read: through groups, into quantifiers and out of them."""

OUTSIDE = "outside"

Key = tuple[Path, int, int]
Samples = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days `[start, end)` on which the same parameters are in force."""

    start: dt.date
    end: dt.date


@dataclass(slots=True)
class _Theme:
    """One figure, code or pair of figures, and the values that stand for all it may take."""

    samples: Samples
    allowed: int

    @property
    def full(self) -> int:
        return (1 << len(self.samples)) - 1


@dataclass(frozen=True, slots=True)
class _Atom:
    """A condition that holds for some of the values of its theme: those in `mask`."""

    key: Key
    mask: int


@dataclass(slots=True)
class _Limits:
    """What the conditions of one question say about one figure."""

    low: int
    high: int
    values: set[int] = field(default_factory=set)


class Possibilities:
    """Answers questions about the conditions of one rulebook on one stretch of days."""

    def __init__(self, rulebook: Rulebook, stretch: Stretch) -> None:
        vocabulary = rulebook.vocabulary
        self.evaluator = ReferenceEvaluator(rulebook, Population(vocabulary.subjects, ()), stretch.start)
        self.first = plan.day_number(stretch.start)
        self.last = plan.day_number(stretch.end) - 1
        self.areas = frozenset(vocabulary.areas.below(rulebook.root_area))
        nobody = Subject("", "")
        self.case = Case(nobody, Case(nobody, Case(nobody, Case(nobody))))
        self.cases_left = CASES_PER_VERSION
        self._bounds: dict[int, tuple[int, int]] = {}

    def can_hold(self, conditions: Iterable[plan.Condition]) -> bool:
        """May all of these be true of one subject?"""
        return self._ask([(c, True) for c in conditions])

    def can_fail(self, condition: plan.Condition) -> bool:
        """May this be false of some subject?"""
        return self._ask([(condition, False)])

    def _ask(self, wanted: list[tuple[plan.Condition, bool]]) -> bool:
        search = _Search(self, wanted)
        answer = search.succeeds()
        self.cases_left -= search.cases
        return answer

    def bounds(self, node: plan.Quantity) -> tuple[int, int]:
        """The least and largest value of a figure on these days."""
        known = self._bounds.get(id(node))
        if known is None:
            known = self._bounds[id(node)] = self._find_bounds(node)
        return known

    def _find_bounds(self, node: plan.Quantity) -> tuple[int, int]:
        if horizon.is_clock(node):
            return horizon.clock_on(node, self.first), horizon.clock_on(node, self.last)
        if horizon.has_clock(node):
            return node.low, node.high
        if isinstance(node, plan.Lookup) and node.at is None:
            period = node.parameter.on(self.evaluator.on_date)
            values = [int(value) for value in period.table.values()] if period else []
            return (min(values), max(values)) if values else (node.low, node.high)
        low, high = self.evaluator.measure(node, self.case).interval
        return (
            node.low if low is None else max(low, node.low),
            node.high if high is None else min(high, node.high),
        )


class _Search:
    """Looks for values of the themes under which every condition has the wanted truth."""

    def __init__(self, world: Possibilities, wanted: list[tuple[plan.Condition, bool]]) -> None:
        self.world = world
        self.wanted = wanted
        self.themes: dict[Key, _Theme] = {}
        self.atoms: dict[tuple[Path, int], _Atom | bool] = {}
        self.cases = 0
        limits: dict[Key, _Limits] = {}
        for condition, _ in wanted:
            self._collect(condition, (), limits)
        for key, limit in limits.items():
            near = {v + d for v in limit.values for d in (-1, 0, 1)} | {limit.low, limit.high}
            samples = tuple(sorted(v for v in near if limit.low <= v <= limit.high))
            self.themes[key] = _Theme(samples, (1 << len(samples)) - 1)

    def succeeds(self) -> bool:
        """True where such values exist, or where the search has become too long to say."""
        self.cases += 1
        if self.cases > min(MOST_CASES, self.world.cases_left):
            return True
        try:
            return all(self._truth(condition, ()) is truth for condition, truth in self.wanted)
        except _Undecided as undecided:
            atom = undecided.atom
        theme = self.themes[atom.key]
        before = theme.allowed
        for mask in (atom.mask, theme.full & ~atom.mask):
            theme.allowed = before & mask
            if theme.allowed and self.succeeds():
                return True
            theme.allowed = before
        return False

    # -- truth under the values that are still allowed ------------------------------------------------------------

    def _truth(self, node: plan.Condition, path: Path) -> bool:
        match node:
            case plan.BoolConst():
                return node.value
            case plan.Not():
                return not self._truth(node.operand, path)
            case plan.AllOf():
                return self._join(node.operands, path, False)
            case plan.AnyOf():
                return self._join(node.operands, path, True)
            case plan.ChooseCondition():
                return self._truth(node.then if self._truth(node.condition, path) else node.otherwise, path)
            case plan.ViaCondition():
                return self._truth(node.operand, (*path, node.group))
            case plan.OuterCondition():
                return self._truth(node.operand, (*path, OUTSIDE))
        atom = self._atom(node, path)
        if isinstance(atom, bool):
            return atom
        allowed = self.themes[atom.key].allowed
        if allowed & atom.mask == 0:
            return False
        if allowed & ~atom.mask == 0:
            return True
        raise _Undecided(atom)

    def _join(self, operands: tuple[plan.Condition, ...], path: Path, decisive: bool) -> bool:
        open_part: _Undecided | None = None
        for operand in operands:
            try:
                if self._truth(operand, path) is decisive:
                    return decisive
            except _Undecided as undecided:
                open_part = open_part or undecided
        if open_part is not None:
            raise open_part
        return not decisive

    # -- atoms and their themes -----------------------------------------------------------------------------------

    def _collect(self, node: plan.Condition, path: Path, limits: dict[Key, _Limits]) -> None:
        """Note every limit that the conditions set to a figure, before samples are chosen."""
        match node:
            case plan.Not() | plan.AllOf() | plan.AnyOf() | plan.ChooseCondition():
                for child in node.children():
                    assert isinstance(child, plan.Condition)
                    self._collect(child, path, limits)
            case plan.ViaCondition():
                self._collect(node.operand, (*path, node.group), limits)
            case plan.OuterCondition():
                self._collect(node.operand, (*path, OUTSIDE), limits)
            case plan.Compare():
                found = self._limit(node, path)
                if found is not None:
                    key, subject, limit, _ = found
                    low, high = self.world.bounds(subject)
                    entry = limits.setdefault(key, _Limits(low, high))
                    entry.values.update((math.floor(limit), math.ceil(limit)))

    def _atom(self, node: plan.Condition, path: Path) -> _Atom | bool:
        place = (path, id(node))
        known = self.atoms.get(place)
        if known is None:
            known = self.atoms[place] = self._new_atom(node, path)
        return known

    def _new_atom(self, node: plan.Condition, path: Path) -> _Atom | bool:
        if isinstance(node, plan.CodeIn | plan.Within):
            return self._code_atom(node, path)
        if isinstance(node, plan.Compare):
            return self._compare_atom(node, path)
        if isinstance(node, plan.Exists):
            if not self.world.can_hold([node.where]):
                return False
            has_members = node.relation.group is not None and node.relation.via is None
            if has_members and not self.world.can_fail(node.where):
                return True
        return self._theme_atom((path, id(node), 0), (False, True), (True,))

    def _theme_atom(self, key: Key, samples: Samples, holds_for: Iterable[object]) -> _Atom:
        theme = self.themes.get(key)
        if theme is None:
            theme = self.themes[key] = _Theme(samples, (1 << len(samples)) - 1)
        wanted = set(holds_for)
        return _Atom(key, sum(1 << i for i, value in enumerate(theme.samples) if value in wanted))

    def _code_atom(self, node: plan.CodeIn | plan.Within, path: Path) -> _Atom:
        operand: plan.Node = node.operand
        while not isinstance(operand, plan.CodeFact):
            if isinstance(operand, plan.ViaCode):
                path = (*path, operand.group)
            else:
                assert isinstance(operand, plan.OuterCode)
                path = (*path, OUTSIDE)
            operand = operand.operand
        codes = operand.fact.type.codes or tuple(sorted(self.world.areas))
        return self._theme_atom((path, id(operand), 0), codes, node.codes)

    def _compare_atom(self, node: plan.Compare, path: Path) -> _Atom | bool:
        (a_low, a_high), (b_low, b_high) = self.world.bounds(node.left), self.world.bounds(node.right)
        if node.operator == "=":
            if a_high < b_low or b_high < a_low:
                return False
            if a_low == a_high == b_low == b_high:
                return True
        elif a_high < b_low or (a_high == b_low and node.operator == "<="):
            return True
        elif a_low > b_high or (a_low == b_high and node.operator == "<"):
            return False
        found = self._limit(node, path)
        if found is not None:
            key, _, limit, mirrored = found
            theme = self.themes[key]
            holds = [v for v in theme.samples if isinstance(v, int) and _holds(node.operator, v, limit, mirrored)]
            return self._theme_atom(key, theme.samples, holds)
        signs = {"<": (-1,), "<=": (-1, 0), "=": (0,)}[node.operator]
        left, right = id(node.left), id(node.right)
        if left > right:
            left, right, signs = right, left, tuple(-sign for sign in signs)
        return self._theme_atom((path, left, right), (-1, 0, 1), signs)

    def _limit(self, node: plan.Compare, path: Path) -> tuple[Key, plan.Quantity, Fraction, bool] | None:
        """The figure that a comparison limits, its limit in the figure's own units, and whether it stands right."""
        left, right = self.world.bounds(node.left), self.world.bounds(node.right)
        if (left[0] == left[1]) == (right[0] == right[1]):
            return None
        mirrored = left[0] == left[1]
        subject, limit = (node.right, Fraction(left[0])) if mirrored else (node.left, Fraction(right[0]))
        while True:
            if isinstance(subject, plan.Rescale):
                limit /= 10**subject.shift
            elif isinstance(subject, plan.ViaQuantity):
                path = (*path, subject.group)
            elif isinstance(subject, plan.OuterQuantity):
                path = (*path, OUTSIDE)
            else:
                return (path, id(subject), 0), subject, limit, mirrored
            subject = subject.operand


def _holds(operator: str, value: int, limit: Fraction, mirrored: bool) -> bool:
    if operator == "=":
        return value == limit
    if operator == "<":
        return limit < value if mirrored else value < limit
    return limit <= value if mirrored else value <= limit


class _Undecided(Exception):  # noqa: N818 no error: it carries the question to the search
    """The truth depends on an atom that the values allowed so far leave open."""

    def __init__(self, atom: _Atom) -> None:
        self.atom = atom
        super().__init__(atom.key)
