"""The built-in functions of the rule language."""

from __future__ import annotations

from collections.abc import Callable

from features.documents import DocumentError, Place, nearest_advice
from features.facts.units import Rounding
from rules import plan
from rules.expressions import ExpressionCompiler
from rules.language import syntax as s
from rules.language.types import DATE, PLAIN_INTEGER, Type, product
from rules.scope import Context

MONTHS_IN_A_YEAR = 12
LONGEST_WINDOW = 600
_ELAPSED = {"years_between": "year", "months_between": "month", "days_between": "day"}
_SHIFTS = {"add_years": "year", "add_months": "month", "add_days": "day"}
_ANCHORS = ("start_of_month", "end_of_month", "start_of_year", "end_of_year")
_ELAPSED_BOUND = {"year": 300, "month": 3600, "day": 110_000}
_LONGEST_MONTHS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Builtins:
    """Compiles calls."""

    def __init__(self, compiler: ExpressionCompiler) -> None:
        self.compiler = compiler
        self.make = compiler.scope.interner.make
        self._functions: dict[str, Callable[[s.Call, Context], plan.Node]] = {
            "min": self._extreme,
            "max": self._extreme,
            "round": self._round,
            "floor": self._round,
            "ceil": self._round,
            "marginal": self._marginal,
            "per_month": self._per_month,
            "per_year": self._per_year,
            "day_of_year": self._day_of_year,
            "month_of": self._part,
            "year_of": self._part,
            "months_in": self._months_in,
            "eligible": self._eligible,
            "amount": self._amount,
            **dict.fromkeys(_ELAPSED, self._elapsed),
            **dict.fromkeys(_SHIFTS, self._shift),
            **dict.fromkeys(_ANCHORS, self._anchor),
        }

    def call(self, call: s.Call, context: Context) -> plan.Node:
        """Compile one call.

        Raises:
            DocumentError: there is no such function, or its arguments are wrong.
        """
        function = self._functions.get(call.function)
        if function is None:
            raise DocumentError(
                call.place,
                f"There is no function `{call.function}`.",
                nearest_advice(call.function, self._functions, "There are: "),
            )
        return function(call, context)

    def age(self, place: Place, context: Context) -> plan.Node:
        """`age`: completed years from `birth_date` to the day of the question."""
        if "birth_date" not in self.compiler.scope.vocabulary.dictionary.facts:
            raise self.compiler.scope.unknown_name("birth_date", place)
        born = self.compiler.fact_named("birth_date", place, context)
        if not isinstance(born, plan.Quantity):
            raise DocumentError(place, "`birth_date` is not a date.", "Correct its type in the fact dictionary.")
        return self._elapsed_node("year", born, self._today())

    # -- numbers --------------------------------------------------------------------------------------------------

    def _extreme(self, call: s.Call, context: Context) -> plan.Node:
        self._count(call, 1, 12)
        operands = [self.compiler.quantity(a, context) for a in call.arguments]
        return self.compiler.arithmetic.extreme(call.function, operands, call.place)

    def _round(self, call: s.Call, context: Context) -> plan.Node:
        self._count(call, 2, 3 if call.function == "round" else 2)
        node = self.compiler.quantity(call.arguments[0], context)
        step = self.compiler.quantity(call.arguments[1], context)
        if not isinstance(step, plan.Const) or step.value <= 0:
            raise DocumentError(
                call.arguments[1].place, "The second argument is a fixed step above zero.", "Like `CNY 1`."
            )
        if (node.type.kind == "money") != (step.type.kind == "money"):
            raise DocumentError(
                call.place, f"{node.type} cannot be rounded to {step.type}.", "Like `round(x, CNY 1, half_up)`."
            )
        mode = {"floor": Rounding.DOWN, "ceil": Rounding.UP}.get(call.function, Rounding.HALF_UP)
        if len(call.arguments) == 3:
            word = call.arguments[2]
            modes = {m.value: m for m in Rounding}
            if not isinstance(word, s.Name) or len(word.parts) != 1 or word.parts[0] not in modes:
                raise DocumentError(
                    word.place, "The third argument is a way of rounding.", f"One of: {', '.join(modes)}."
                )
            mode = modes[word.parts[0]]
        return self.compiler.arithmetic.round(node, step.value, step.scale, mode, call.place)

    def _marginal(self, call: s.Call, context: Context) -> plan.Node:
        self._count(call, 2, 2)
        table = call.arguments[0]
        if not isinstance(table, s.ParameterRef) or table.keys or table.at:
            raise DocumentError(
                call.place, "`marginal` takes a parameter by bands first.", "Like `marginal($rates, cost)`."
            )
        parameter = self.compiler.scope.parameter(table.name, table.place)
        if parameter.dimensions != ("band",) or parameter.type.kind not in ("number", "integer"):
            raise DocumentError(
                table.place, f"`${table.name}` is not a number `by: [band]`.", "`marginal` needs rates by band."
            )
        if min(parameter.numbers, default=0) < 0:
            raise DocumentError(table.place, "A marginal rate may not be negative.", "Write rates of zero and above.")
        node = self.compiler.quantity(call.arguments[1], context)
        rate = self.make(plan.Const, Type("number"), parameter.scale, 0, max(parameter.numbers), max(parameter.numbers))
        bound = self.compiler.arithmetic.combine("*", node, rate, call.place)
        low, high = min(0, bound.low), max(0, bound.high)
        result = product(node.type, Type("number"))
        return self.make(plan.Marginal, result, node.scale + parameter.scale, low, high, parameter, node)

    def _per_month(self, call: s.Call, context: Context) -> plan.Node:
        return self._change_period(call, context, "year", "month")

    def _per_year(self, call: s.Call, context: Context) -> plan.Node:
        return self._change_period(call, context, "month", "year")

    def _change_period(self, call: s.Call, context: Context, old: str, new: str) -> plan.Node:
        self._count(call, 1, 1)
        node = self.compiler.quantity(call.arguments[0], context)
        if node.type.kind != "money" or node.type.per != old:
            raise DocumentError(
                call.place,
                f"`{call.function}` takes money per {old}, and this is {node.type}.",
                "Leave it out, or correct the `per` of the fact or parameter.",
            )
        twelve = self._integer(MONTHS_IN_A_YEAR)
        operator = "/" if new == "month" else "*"
        scaled = self.compiler.arithmetic.combine(operator, node, twelve, call.place)
        target = Type("money", per=new, currency=node.type.currency)
        if isinstance(scaled, plan.Divide):
            return self.make(
                plan.Divide, target, scaled.scale, scaled.low, scaled.high, scaled.left, scaled.right, scaled.shift
            )
        assert isinstance(scaled, plan.Multiply)
        return self.make(plan.Multiply, target, scaled.scale, scaled.low, scaled.high, scaled.left, scaled.right)

    # -- dates ----------------------------------------------------------------------------------------------------

    def _today(self) -> plan.Quantity:
        return self.make(plan.Today, DATE, 0, plan.DAY_LOW, plan.DAY_HIGH)

    def _integer(self, value: int) -> plan.Quantity:
        return self.make(plan.Const, PLAIN_INTEGER, 0, value, value, value)

    def _day(self, expression: s.Expression, context: Context) -> plan.Quantity:
        node = self.compiler.quantity(expression, context)
        if node.type.kind != "date":
            raise DocumentError(
                expression.place,
                f"A date is wanted here, and this is {node.type}.",
                "Name a date fact, `on_date`, or a date like 2025-01-31.",
            )
        return node

    def _elapsed(self, call: s.Call, context: Context) -> plan.Node:
        self._count(call, 2, 2)
        start, end = (self._day(a, context) for a in call.arguments)
        return self._elapsed_node(_ELAPSED[call.function], start, end)

    def _elapsed_node(self, unit: str, start: plan.Quantity, end: plan.Quantity) -> plan.Quantity:
        bound = _ELAPSED_BOUND[unit]
        return self.make(plan.Elapsed, Type("integer", unit=unit), 0, -bound, bound, unit, start, end)

    def _shift(self, call: s.Call, context: Context) -> plan.Node:
        self._count(call, 2, 2)
        day = self._day(call.arguments[0], context)
        count = self.compiler.quantity(call.arguments[1], context)
        unit = _SHIFTS[call.function]
        if count.type.kind != "integer" or count.type.unit not in (None, unit):
            raise DocumentError(
                call.arguments[1].place,
                f"A whole number of {unit}s is wanted, and this is {count.type}.",
                "Write a literal like 6, or a parameter.",
            )
        if (
            not isinstance(count, plan.Const | plan.Lookup)
            or max(abs(count.low), abs(count.high)) > _ELAPSED_BOUND[unit]
        ):
            raise DocumentError(
                call.arguments[1].place,
                "How far a date moves is a literal or a parameter of sensible size.",
                "Write a literal like 6, or a parameter.",
            )
        return self.make(plan.Shift, DATE, 0, plan.DAY_LOW, plan.DAY_HIGH, unit, day, count)

    def _anchor(self, call: s.Call, context: Context) -> plan.Node:
        self._count(call, 1, 1)
        day = self._day(call.arguments[0], context)
        return self.make(plan.Anchor, DATE, 0, plan.DAY_LOW, plan.DAY_HIGH, call.function, day, 0, 0)

    def _day_of_year(self, call: s.Call, context: Context) -> plan.Node:
        self._count(call, 3, 3)
        day = self._day(call.arguments[0], context)
        numbers = [self.compiler.quantity(a, context) for a in call.arguments[1:]]
        values = [n.value for n in numbers if isinstance(n, plan.Const) and n.scale == 0]
        if len(values) != 2 or not 1 <= values[0] <= 12 or not 1 <= values[1] <= _LONGEST_MONTHS[values[0]]:
            raise DocumentError(
                call.place, "`day_of_year` takes a date, a month and a day.", "Like `day_of_year(on_date, 8, 31)`."
            )
        return self.make(plan.Anchor, DATE, 0, plan.DAY_LOW, plan.DAY_HIGH, "day_of_year", day, values[0], values[1])

    def _part(self, call: s.Call, context: Context) -> plan.Node:
        self._count(call, 1, 1)
        day = self._day(call.arguments[0], context)
        low, high = (1, 12) if call.function == "month_of" else (1850, 2149)
        return self.make(plan.Part, PLAIN_INTEGER, 0, low, high, call.function, day)

    def _months_in(self, call: s.Call, context: Context) -> plan.Node:
        self._count(call, 2, 2)
        name, window = call.arguments
        facts = self.compiler.scope.vocabulary.dictionary.facts
        fact = facts.get(name.parts[-1]) if isinstance(name, s.Name) else None
        if fact is None or fact.type.kind != "months" or not isinstance(name, s.Name):
            raise DocumentError(
                call.place,
                "`months_in` takes a fact of type `months` first.",
                "Like `months_in(contributed_months, 36)`.",
            )
        length = self.compiler.quantity(window, context)
        if not isinstance(length, plan.Const | plan.Lookup) or length.type.kind != "integer":
            raise DocumentError(
                window.place,
                "The window is a whole number of months, or a parameter without keys.",
                "Like `months_in(contributed_months, 36)`.",
            )
        numbers = [length.value] if isinstance(length, plan.Const) else length.parameter.numbers
        if len(set(numbers)) != 1 or not 1 <= numbers[0] <= LONGEST_WINDOW:
            raise DocumentError(
                window.place,
                f"The window is one number from 1 to {LONGEST_WINDOW}.",
                "Like `months_in(contributed_months, 36)`.",
            )
        node: plan.Node = self.make(plan.MonthsIn, Type("integer", unit="month"), 0, 0, numbers[0], fact, numbers[0])
        if fact.subject != context.kind:
            node = self.compiler.wrap_via(fact.subject, node)
        return node

    # -- other benefits -------------------------------------------------------------------------------------------

    def _other(self, call: s.Call, context: Context) -> tuple[str, str | None]:
        self._count(call, 1, 1)
        name = call.arguments[0]
        if not isinstance(name, s.Name) or len(name.parts) != 1:
            raise DocumentError(
                call.place, f"`{call.function}` takes the id of a benefit.", "Like `eligible(care_grant)`."
            )
        other = self.compiler.scope.benefit(name.parts[0], name.place)
        if other.subject == context.kind:
            return name.parts[0], None
        if context.kind == "person" and other.subject in self.compiler.scope.vocabulary.subjects.groups:
            return name.parts[0], other.subject
        raise DocumentError(
            call.place,
            f"`{name.parts[0]}` is for a {other.subject}, and the rule here is about a {context.kind}.",
            f"Go over its persons: `any … where eligible({name.parts[0]})`, `sum … of amount({name.parts[0]})`.",
        )

    def _eligible(self, call: s.Call, context: Context) -> plan.Node:
        benefit, group = self._other(call, context)
        node = self.make(plan.EligibleFor, benefit)
        self.compiler.scope.interner.deepen(node, self.compiler.scope.benefits[benefit].depth)
        return self.compiler.wrap_via(group, node) if group else node

    def _amount(self, call: s.Call, context: Context) -> plan.Node:
        benefit, group = self._other(call, context)
        other = self.compiler.scope.benefits[benefit]
        if other.amount is None:
            raise DocumentError(
                call.place, f"`{benefit}` has no amount: it is a benefit in kind.", f"Use `eligible({benefit})`."
            )
        low, high = min(0, other.low), max(0, other.high)
        node = self.make(plan.AmountOf, other.amount, other.scale, low, high, benefit)
        self.compiler.scope.interner.deepen(node, other.depth)
        return self.compiler.wrap_via(group, node) if group else node

    def _count(self, call: s.Call, least: int, most: int) -> None:
        if not least <= len(call.arguments) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise DocumentError(
                call.place,
                f"`{call.function}` takes {wanted} arguments, and here are {len(call.arguments)}.",
                "See the table of expressions in docs/rule_language.md.",
            )
