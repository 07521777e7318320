"""Benefits as written, before names are looked up."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from features.documents import Place, Wording
from features.facts.units import Rounding
from rules.language import syntax
from rules.scope import Definition

IN_AREA = "in_area"
IN_FORCE = "in_force"
ORDERED_RELATIONS = ("excludes", "choose_one", "higher_of")


@dataclass(frozen=True, slots=True)
class Law:
    """The act that a version puts into effect."""

    title: str
    number: str
    article: str
    url: str


@dataclass(frozen=True, slots=True)
class Criterion:
    """One clause. An exception (from `unless`) must not hold."""

    id: str
    exception: bool
    test: syntax.Expression
    text: str
    because: str
    says: Wording
    note: str
    place: Place
    says_places: tuple[Place, Place]
    """Where the Chinese and the English text stand."""


@dataclass(frozen=True, slots=True)
class Amount:
    """What is owed: a figure, or something in kind."""

    value: syntax.Expression | None
    in_kind: Wording | None
    per: str
    because: str
    step_minor_units: int
    mode: Rounding
    place: Place
    per_place: Place


@dataclass(frozen=True, slots=True)
class Version:
    """One wording of the benefit, in force on `[start, end)` in `area` (None: wherever the benefit exists)."""

    start: dt.date
    end: dt.date | None
    area: str | None
    law: Law
    definitions: dict[str, Definition]
    criteria: tuple[Criterion, ...]
    amount: Amount
    place: Place
    note: str = ""
    broken: frozenset[str] = frozenset()
    """Definitions that have a mistake; they are left out."""


@dataclass(frozen=True, slots=True)
class BenefitRelation:
    """How this benefit goes together with another."""

    other: str
    relation: str
    prefer: str | None
    because: str
    place: Place
    note: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the law asks before the benefit may be delivered."""

    application_required_by_law: bool
    discretion: str
    will_needed: bool
    public_notice_days: int


@dataclass(frozen=True, slots=True)
class Benefit:
    """A benefit as written."""

    id: str
    subject: str
    area: str
    area_by: str | None
    names: Wording
    needs_confirmation: tuple[Wording, ...]
    versions: tuple[Version, ...]
    relations: tuple[BenefitRelation, ...]
    delivery: Delivery
    place: Place


def benefits_read(benefit: Benefit) -> dict[str, Place]:
    """The ids of the benefits whose results this one reads, and where it does so first."""
    found: dict[str, Place] = {}
    for version in benefit.versions:
        expressions: list[object] = [c.test for c in version.criteria]
        expressions += [d.expression for d in version.definitions.values()]
        expressions.append(version.amount.value)
        for expression in expressions:
            for call in syntax.walk(expression):
                if isinstance(call, syntax.Call) and call.function in ("eligible", "amount"):
                    argument = call.arguments[0] if call.arguments else None
                    if isinstance(argument, syntax.Name):
                        found.setdefault(argument.parts[0], argument.place)
    return found
