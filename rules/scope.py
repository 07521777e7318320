"""What names mean in a rule: facts, definitions, parameters, other benefits; and the interning of plan nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TypeVar, cast

from features.documents import ConsequenceError, DocumentError, Place, nearest_advice
from features.facts.dictionary import Fact
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
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Context:
    """The kind of subject an expression is read for, and the context outside of the quantifier around it."""

    kind: str
    outer: Context | None = None
    bound_group: str | None = None
    """The group over whose persons the quantifier runs, where it does."""

    @property
    def quantifiers(self) -> int:
        """How many quantifiers stand around the expression."""
        return 0 if self.outer is None else 1 + self.outer.quantifiers


@dataclass(frozen=True, slots=True)
class BrokenNames:
    """What a file defines with a mistake of its own: reading it is a consequence, not a second mistake.

    `names` are facts and definitions. Where a whole file could not be read, any name that is not known may be in it.
    """

    names: frozenset[str] = frozenset()
    parameters: frozenset[str] = frozenset()
    facts_unread: bool = False
    parameters_unread: bool = False


class Interner:
    """Makes plan nodes; equal ones are made once."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[object, ...], plan.Node] = {}
        self._depths: dict[int, int] = {}
        self._sizes: dict[int, int] = {}

    def make(self, kind: type[N], *values: object) -> N:
        """The node of this kind with these field values."""
        key = (kind, *(_key(value) for value in values))
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = kind(*values)
            self._depths[id(node)] = 1 + max((self._depths[id(child)] for child in node.children()), default=0)
            self._sizes[id(node)] = 1 + sum(self._sizes[id(child)] for child in node.children())
        return cast(N, node)

    def __getstate__(self) -> list[tuple[plan.Node, int, int]]:
        """The nodes without the addresses under which they are found: those mean nothing in another process."""
        return [(node, self._depths[id(node)], self._sizes[id(node)]) for node in self._nodes.values()]

    def __setstate__(self, state: list[tuple[plan.Node, int, int]]) -> None:
        self._nodes = {(type(node), *(_key(getattr(node, f.name)) for f in fields(node))): node for node, _, _ in state}
        self._depths = {id(node): depth for node, depth, _ in state}
        self._sizes = {id(node): size for node, _, size in state}

    def depth(self, node: plan.Node) -> int:
        """How many nodes stand inside one another at this node, the other benefits that it reads included."""
        return self._depths[id(node)]

    def size(self, node: plan.Node) -> int:
        """How many steps the node would have if every definition were written out where it is read."""
        return self._sizes[id(node)]

    def deepen(self, node: plan.Node, depth: int) -> None:
        """Note that a node reads another benefit, which is so deep."""
        self._depths[id(node)] = max(self._depths[id(node)], depth + 1)


def _key(value: object) -> object:
    if isinstance(value, plan.Node | Parameter):
        return id(value)
    if isinstance(value, tuple):
        return tuple(_key(item) for item in value)
    if isinstance(value, Fact):
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
    broken: BrokenNames = field(default_factory=BrokenNames)

    def parameter(self, name: str, place: Place) -> Parameter:
        """The parameter of this name.

        Raises:
            DocumentError: there is none.
        """
        parameter = self.parameters.get(name)
        if parameter is None:
            kind = (
                ConsequenceError if self.broken.parameters_unread or name in self.broken.parameters else DocumentError
            )
            raise kind(
                place,
                f"There is no parameter `${name}`.",
                nearest_advice(name, self.parameters, "Add it to parameters.yaml. There are: "),
            )
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
        kind = ConsequenceError if self.broken.facts_unread or name in self.broken.names else DocumentError
        return kind(
            place,
            f"The rule reads `{name}`, which is neither a fact nor a definition.",
            nearest_advice(name, known, "Add it to the fact dictionary or to `definitions`. Facts are: "),
        )
