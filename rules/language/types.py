"""The types of the rule language and how they go together."""

from __future__ import annotations

from dataclasses import dataclass, replace

NUMERIC = ("integer", "number", "money")


@dataclass(frozen=True, slots=True)
class Type:
    """The type of an expression.

    `unit` belongs to integers and numbers (None: a plain number, which goes with any unit). `per` belongs to money
    (None: a literal, which goes with any period).
    """

    kind: str
    unit: str | None = None
    per: str | None = None
    currency: str | None = None

    def __str__(self) -> str:
        if self.kind == "money":
            period = {None: "", "once": " once"}.get(self.per, f" per {self.per}")
            return f"money ({self.currency}{period})"
        word = {"integer": "a whole number", "months": "a set of months", "area": "an area"}.get(
            self.kind, f"a {self.kind}"
        )
        return f"{word} ({self.unit})" if self.unit else word

    @property
    def is_numeric(self) -> bool:
        """Integers, numbers and money can be computed with."""
        return self.kind in NUMERIC


BOOLEAN = Type("boolean")
DATE = Type("date")
CODE = Type("code")
AREA = Type("area")
MONTHS = Type("months")
PLAIN_INTEGER = Type("integer")
PLAIN_NUMBER = Type("number")


def join(left: Type, right: Type) -> Type | None:
    """The type of a value that is one or the other; None where they do not go together.

    Plain numbers take any unit and money literals any period; month and year never mix.
    """
    if left == right:
        return left
    if left.kind == right.kind == "money":
        if left.currency != right.currency:
            return None
        if left.per is None or right.per is None or left.per == right.per:
            return left if right.per is None else right
        return None
    if left.kind in ("integer", "number") and right.kind in ("integer", "number"):
        if left.unit is not None and right.unit is not None and left.unit != right.unit:
            return None
        kind = "integer" if left.kind == right.kind == "integer" else "number"
        return Type(kind, unit=left.unit or right.unit)
    return None


def product(left: Type, right: Type) -> Type | None:
    """The type of `left * right`: money times a number, or numbers."""
    if left.kind == "money" and right.kind == "money":
        return None
    if right.kind == "money":
        left, right = right, left
    if left.kind == "money":
        if right.kind == "integer" and right.unit == left.per and left.per is not None:
            return replace(left, per="once")
        return left
    kind = "integer" if left.kind == right.kind == "integer" else "number"
    return Type(kind, unit=left.unit or right.unit)


def quotient(left: Type, right: Type) -> Type | None:
    """The type of `left / right`: money by a number, money by money, or numbers."""
    if left.kind == right.kind == "money":
        return PLAIN_NUMBER if join(left, right) else None
    if right.kind == "money":
        return None
    if left.kind == "money":
        if left.per == "once" and right.kind == "integer" and right.unit in ("day", "month", "year"):
            return replace(left, per=right.unit)
        return left
    return Type("number", unit=None if left.unit == right.unit else left.unit)
