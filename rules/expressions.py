"""What the parts of the compiler need of the whole: each compiles one kind of expression and hands the rest back."""

from __future__ import annotations

from typing import Protocol

from features.documents import Place
from rules import plan
from rules.arithmetic import Arithmetic
from rules.language import syntax as s
from rules.scope import Context, Scope


class ExpressionCompiler(Protocol):
    """A compiler of the expressions of one benefit version."""

    scope: Scope
    arithmetic: Arithmetic

    def any(self, expression: s.Expression, context: Context) -> plan.Node:
        """Compile any expression."""

    def quantity(self, expression: s.Expression, context: Context) -> plan.Quantity:
        """Compile a figure."""

    def fact_named(self, fact_id: str, place: Place, context: Context) -> plan.Node:
        """The node of a fact, read through groups where needed."""

    def condition(self, expression: s.Expression, context: Context) -> plan.Condition:
        """Compile a condition."""

    def negation(self, condition: plan.Condition) -> plan.Condition:
        """The negation, without doubling."""

    def describe(self, node: plan.Node) -> str:
        """What a node is, in words for messages."""

    def wrap_via(self, group: str, node: plan.Node) -> plan.Node:
        """The node as read from a person of the group."""
