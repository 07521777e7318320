"""The normal form that evaluators accept: a typed graph of few kinds of node.

Invariants, kept by the compiler:

* Nodes are interned: two equal expressions are one node, so identity means equality and every node is computed once.
* `>` and `>=` are written as `<` and `<=` with the sides changed, `!=` as the negation of `=`.
* Every number is a whole number of units of 10^-scale (money: of minor units), so that all arithmetic is exact;
  `low` and `high` are static bounds in those units, and prove that no column overflows.
* Dates are day numbers counted from 1970-01-01.
* A node is read in the context of one kind of subject; `Via` goes from a person to a group, a quantifier from a
  subject to persons, `Outer` back from the bound person to the subject outside of the quantifier.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields
from functools import lru_cache

from features.documents import Place
from features.facts.dictionary import Fact
from features.facts.units import FIRST_DAY, LAST_DAY, Rounding
from rules.language.types import DATE, Type
from rules.parameters import Parameter

EPOCH = dt.date(1970, 1, 1)
DAY_LOW = (FIRST_DAY - EPOCH).days
DAY_HIGH = (LAST_DAY - EPOCH).days
NEVER = 10**7
"""The day number that stands for no date at all: later than any other."""

DIVISION_DECIMALS_MONEY = 4
DIVISION_DECIMALS_NUMBER = 9


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def day_of(number: int) -> dt.date:
    """The date of a day number."""
    return EPOCH + dt.timedelta(days=number)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Node:
    """Any node."""

    def __repr__(self) -> str:
        # Nodes are shared, so writing out what they are made of would grow without bound.
        return f"<{type(self).__name__} {id(self):x}>"

    def children(self) -> tuple[Node, ...]:
        """The nodes this one reads, in order."""
        return _children(self)


@lru_cache(maxsize=200_000)
def _children(node: Node) -> tuple[Node, ...]:
    found: list[Node] = []
    for spec in fields(node):
        value = getattr(node, spec.name)
        parts = value if isinstance(value, tuple) else (value,)
        found.extend(part for part in parts if isinstance(part, Node))
    return tuple(found)


@lru_cache(maxsize=200_000)
def is_the_same_for_all(node: Node) -> bool:
    """Does the node read nothing of any subject: only constants, the day, and parameters without keys?"""
    if isinstance(node, Lookup) and (node.keys or node.area is not None):
        return False
    if not isinstance(
        node, Const | Today | Lookup | Anchor | Shift | Part | Elapsed | Add | Negate | Rescale | RoundTo
    ):
        return False
    return all(is_the_same_for_all(child) for child in node.children())


# -- conditions --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Condition(Node):
    """A node whose value is true, false or unknown."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BoolConst(Condition):
    """A constant."""

    value: bool


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BoolFact(Condition):
    """A boolean fact of the context's subject."""

    fact: Fact


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Not(Condition):
    """Negation."""

    operand: Condition


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AllOf(Condition):
    """Conjunction of one or more conditions."""

    operands: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AnyOf(Condition):
    """Disjunction of one or more conditions."""

    operands: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ChooseCondition(Condition):
    """`if` between conditions."""

    condition: Condition
    then: Condition
    otherwise: Condition


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Compare(Condition):
    """`<`, `<=` or `=` between two quantities of the same scale."""

    operator: str
    left: Quantity
    right: Quantity


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CodeIn(Condition):
    """Is the code one of these?"""

    operand: Code
    codes: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Within(Condition):
    """Does the area lie in `enclosing`? `codes` are all the codes that do."""

    operand: Code
    enclosing: str
    codes: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Exists(Condition):
    """`any` over a relation; `all` is written with two negations."""

    relation: Relation
    where: Condition


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ConditionLookup(Condition):
    """A boolean parameter."""

    lookup: Lookup


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EligibleFor(Condition):
    """Is the context's subject eligible for another benefit?"""

    benefit: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ViaCondition(Condition):
    """A condition read in the context of the person's group."""

    group: str
    link: str
    operand: Condition


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OuterCondition(Condition):
    """A condition of the subject outside of the quantifier."""

    operand: Condition


# -- codes and areas ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Code(Node):
    """A node whose value is a code or an area."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CodeFact(Code):
    """A code or area fact of the context's subject."""

    fact: Fact


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ViaCode(Code):
    """A code of the person's group."""

    group: str
    link: str
    operand: Code


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OuterCode(Code):
    """A code of the subject outside of the quantifier."""

    operand: Code


def fact_of_code(code: Code) -> Fact:
    """The fact behind a code node."""
    while not isinstance(code, CodeFact):
        assert isinstance(code, ViaCode | OuterCode)
        code = code.operand
    return code.fact


# -- quantities --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Quantity(Node):
    """A node whose value is a number, a sum of money or a day; see the module for `scale`, `low` and `high`."""

    type: Type
    scale: int
    low: int
    high: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Const(Quantity):
    """A constant."""

    value: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class QuantityFact(Quantity):
    """A numeric or date fact. `floor` and `ceiling` bound what an unknown value may be (None: no bound)."""

    fact: Fact
    floor: int | None
    ceiling: int | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Today(Quantity):
    """The day of the question."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Add(Quantity):
    """Sum of two quantities of the same scale."""

    left: Quantity
    right: Quantity


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Negate(Quantity):
    """Unary minus."""

    operand: Quantity


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Multiply(Quantity):
    """Product; the right side is never negative."""

    left: Quantity
    right: Quantity


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Divide(Quantity):
    """`left * 10^shift / right`, half up; the right side is above zero."""

    left: Quantity
    right: Quantity
    shift: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Rescale(Quantity):
    """The same value at a larger scale: times 10^shift."""

    operand: Quantity
    shift: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Least(Quantity):
    """`min`."""

    operands: tuple[Quantity, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Greatest(Quantity):
    """`max`."""

    operands: tuple[Quantity, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RoundTo(Quantity):
    """To a multiple of `step` (in units of the operand's scale), then to a smaller scale by `10^drop`."""

    operand: Quantity
    step: int
    mode: Rounding
    drop: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Choose(Quantity):
    """`if` between quantities."""

    condition: Condition
    then: Quantity
    otherwise: Quantity


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Lookup(Quantity):
    """A parameter's value. `area`: where the parameter differs by area; `at`: where it is read on another date."""

    parameter: Parameter
    keys: tuple[Node, ...]
    area: Code | None
    at: Quantity | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Marginal(Quantity):
    """Sum over bands of rate times the part of `operand` inside the band."""

    parameter: Parameter
    operand: Quantity


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Elapsed(Quantity):
    """Completed `years`, `months` or `days` from `start` to `end`."""

    unit: str
    start: Quantity
    end: Quantity


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Shift(Quantity):
    """A day moved by `count` `years`, `months` or `days`."""

    unit: str
    day: Quantity
    count: Quantity


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Anchor(Quantity):
    """`start_of_month`, `end_of_month`, `start_of_year`, `end_of_year`, or `day_of_year` with month and day."""

    kind: str
    day: Quantity
    month: int
    day_in_month: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Part(Quantity):
    """`month_of` or `year_of` a day."""

    kind: str
    day: Quantity


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MonthsIn(Quantity):
    """How many of the `window` calendar months before this month are in a set of months."""

    fact: Fact
    window: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Count(Quantity):
    """How many members of a relation fulfil a condition."""

    relation: Relation
    where: Condition


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Total(Quantity):
    """Sum of a quantity over the members of a relation that fulfil a condition."""

    relation: Relation
    of: Quantity
    where: Condition


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AmountOf(Quantity):
    """The amount of another benefit for the context's subject; zero where not eligible."""

    benefit: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ViaQuantity(Quantity):
    """A quantity of the person's group."""

    group: str
    link: str
    operand: Quantity


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OuterQuantity(Quantity):
    """A quantity of the subject outside of the quantifier."""

    operand: Quantity


@dataclass(frozen=True, slots=True)
class Relation:
    """From a subject to persons: the members of a group, or a relation between persons.

    `via` is the group through which a person's rule reaches the relation (`household.members`), or None.
    """

    name: str
    group: str | None
    via: str | None
    names_unknown: str
    """What `missing` says where the relation itself is not known: the link fact's id."""


# -- benefits ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DateBounds:
    """The static type and bounds of any day."""

    type: Type = DATE
    scale: int = 0
    low: int = DAY_LOW
    high: int = DAY_HIGH


@dataclass(frozen=True, slots=True)
class PlannedCriterion:
    """One clause: `met` is what must be true of it."""

    id: str
    met: Condition
    place: Place | None
