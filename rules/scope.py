"""What names mean in a rule: facts, definitions, parameters, other benefits; and the interning of plan nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from features.documents import DocumentError, Place, nearest_advice
from features.facts.vocabulary import Vocabulary
from rules import plan
from rules.language import syntax
from rules.language.types import Type
from rules.parameters import Parameter

N = TypeVar("N", bound=plan.Node)


@dataclass(frozen=True, slots=True)
class Definition:
    """A named expression of a benefit version, read in the context of one kind of subject."""

    id: str
    of: str
    expression: syntax.Expression
    because: str
    place: Place


@dataclass(frozen=True, slots=True)
class OtherBenefit:
    """What a rule may know of another benefit: whose it is, and its amount's type and static bounds (None: in kind)."""

    subject: str
    amount: Type | None
    scale: int = 0
    low: int = 0
    high: int = 0


@dataclass(frozen=True, slots=True)
class Context:
    """The kind of subject an expression is read for, and the context outside of the quantifier around it."""

    kind: str
    outer: Context | None = None
    bound_group: str | None = None
    """The group over whose persons the quantifier runs, where it does."""


class Interner:
    """Makes plan nodes; equal ones are made once."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[Any, ...], plan.Node] = {}

    def make(self, kind: type[N], *values: Any) -> N:
        """The node of this kind with these field values."""
        key = (kind, *(_key(value) for value in values))
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = kind(*values)
        return cast(N, node)


def _key(value: Any) -> Any:
    if isinstance(value, plan.Node | Parameter):
        return id(value)
    if isinstance(value, tuple):
        return tuple(_key(item) for item in value)
    if hasattr(value, "legal_basis"):
        return value.id
    return value


@dataclass(slots=True)
class Scope:
    """Everything an expression of one benefit version may name."""

    vocabulary: Vocabulary
    currency: str
    subject: str
    area: str
    area_by: str | None
    parameters: Mapping[str, Parameter]
    definitions: Mapping[str, Definition]
    benefits: Mapping[str, OtherBenefit]
    interner: Interner
    in_progress: list[str] = field(default_factory=list)
    used_parameters: set[str] = field(default_factory=set)
    used_definitions: set[str] = field(default_factory=set)

    def parameter(self, name: str, place: Place) -> Parameter:
        """The parameter of this name.

        Raises:
            DocumentError: there is none.
        """
        parameter = self.parameters.get(name)
        if parameter is None:
            raise DocumentError(
                place,
                f"There is no parameter `${name}`.",
                nearest_advice(name, self.parameters, "Add it to parameters.yaml. There are: "),
            )
        self.used_parameters.add(name)
        return parameter

    def benefit(self, name: str, place: Place) -> OtherBenefit:
        """The other benefit of this name. Raises DocumentError where there is none."""
        benefit = self.benefits.get(name)
        if benefit is None:
            raise DocumentError(
                place, f"There is no benefit `{name}`.", nearest_advice(name, self.benefits, "There are: ")
            )
        return benefit

    def unknown_name(self, name: str, place: Place) -> DocumentError:
        """The error for a name that means nothing here."""
        known = [*self.vocabulary.dictionary.facts, *self.definitions, "age", "on_date"]
        return DocumentError(
            place,
            f"The rule reads `{name}`, which is neither a fact nor a definition.",
            nearest_advice(name, known, "Add it to the fact dictionary or to `definitions`. Facts are: "),
        )
