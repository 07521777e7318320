"""The syntax tree: what the text says, before names and types are looked up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal

from features.documents import Place


@dataclass(frozen=True, slots=True)
class Number:
    """A plain number; `20%` is the number 0.20."""

    value: Decimal
    place: Place


@dataclass(frozen=True, slots=True)
class MoneyLiteral:
    """An amount of money in major units."""

    currency: str
    value: Decimal
    place: Place


@dataclass(frozen=True, slots=True)
class DateLiteral:
    """A day of the calendar."""

    value: dt.date
    place: Place


@dataclass(frozen=True, slots=True)
class Text:
    """A code or an area, in quotes."""

    value: str
    place: Place


@dataclass(frozen=True, slots=True)
class Boolean:
    """`true` or `false`."""

    value: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Name:
    """A fact, a definition or a built-in value, with the groups it is read through."""

    parts: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class ParameterRef:
    """`$name`, `$name[index, …]`, `$name at date`."""

    name: str
    keys: tuple[Expression, ...]
    at: Expression | None
    place: Place


@dataclass(frozen=True, slots=True)
class Call:
    """A built-in function."""

    function: str
    arguments: tuple[Expression, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`+ - * /` between two expressions."""

    operator: str
    left: Expression
    right: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Negative:
    """Unary minus."""

    operand: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Comparison:
    """`= != < <= > >=`."""

    operator: str
    left: Expression
    right: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Membership:
    """`x in (…)`."""

    operand: Expression
    choices: tuple[Expression, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class WithinTest:
    """`area within area`."""

    operand: Expression
    enclosing: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Logic:
    """`and` / `or` over two or more conditions."""

    operator: str
    operands: tuple[Expression, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Negation:
    """`not`."""

    operand: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Conditional:
    """`if … then … else …`."""

    condition: Expression
    then: Expression
    otherwise: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Quantifier:
    """`any`, `all`, `count`, `sum` over the members of a relation."""

    kind: str
    relation: tuple[str, ...]
    of: Expression | None
    where: Expression | None
    place: Place


Expression = (
    Number
    | MoneyLiteral
    | DateLiteral
    | Text
    | Boolean
    | Name
    | ParameterRef
    | Call
    | Arithmetic
    | Negative
    | Comparison
    | Membership
    | WithinTest
    | Logic
    | Negation
    | Conditional
    | Quantifier
)


def walk(item: object) -> Iterator[object]:
    """Every node at and below an expression, parents first."""
    stack = [item]
    while stack:
        current = stack.pop()
        if isinstance(current, tuple):
            stack.extend(reversed(current))
        elif is_dataclass(current) and not isinstance(current, type):
            yield current
            stack.extend(getattr(current, spec.name) for spec in reversed(fields(current)))


def names(expression: object) -> set[str]:
    """Every word that an expression uses as a name or as part of one."""
    return {part for node in walk(expression) if isinstance(node, Name) for part in node.parts}
