"""Syntax to normal form: names become nodes, types and units are checked, bounds are proved."""

from __future__ import annotations

from features.documents import DocumentError, Place, nearest_advice
from features.facts.dictionary import Fact
from features.facts.subjects import PERSON
from features.facts.units import MINOR_UNITS
from rules import plan
from rules.arithmetic import Arithmetic
from rules.builtins import Builtins
from rules.language import syntax as s
from rules.language.types import DATE, Type, join
from rules.parameter_reads import ParameterReads
from rules.quantifiers import Quantifiers
from rules.scope import Context, Definition, Scope

MAX_WRITTEN_OUT = 4_000_000
"""Steps a rule may have with its definitions written out: each is evaluated once, but this bounds every walk."""

MAX_NODES_PER_RULE = 4_000
"""Static bound on the cost of one expression with each definition it reads, once: equal nodes are evaluated once."""

MAX_DEPTH = 120
"""Static bound on nodes inside one another, other benefits included: every evaluator may walk them recursively."""

_MIRRORED = {">": "<", ">=": "<="}


class Compiler:
    """Compiles the expressions of one benefit version."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.make = scope.interner.make
        self.arithmetic = Arithmetic(scope.interner)
        self.builtins = Builtins(self)
        self.parameters = ParameterReads(self)
        self.quantifiers = Quantifiers(self)
        self.steps = 0
        self._depth = 0
        self._definitions: dict[tuple[str, Context], plan.Node | DocumentError] = {}

    # -- entry points ---------------------------------------------------------------------------------------------

    def condition(self, expression: s.Expression, context: Context) -> plan.Condition:
        """Compile an expression that must be true or false.

        Raises:
            DocumentError: a name, type or unit is wrong.
        """
        node = self.any(expression, context)
        if not isinstance(node, plan.Condition):
            raise DocumentError(
                expression.place,
                f"A condition is wanted here, and this is {self.describe(node)}.",
                "Compare it with something, like `… >= $limit`.",
            )
        return node

    def quantity(self, expression: s.Expression, context: Context) -> plan.Quantity:
        """Compile an expression that must be a number, money or a date."""
        node = self.any(expression, context)
        if not isinstance(node, plan.Quantity):
            raise DocumentError(
                expression.place,
                f"A number, money or a date is wanted here, and this is {self.describe(node)}.",
                "Use `if … then … else …` to turn a condition into a figure.",
            )
        return node

    def any(self, expression: s.Expression, context: Context) -> plan.Node:
        """Compile any expression."""
        self._spend(1, expression.place)
        self._depth += 1
        try:
            node = None if self._depth > MAX_DEPTH else self._any(expression, context)
        finally:
            self._depth -= 1
        if node is None or self.scope.interner.depth(node) > MAX_DEPTH:
            raise DocumentError(
                expression.place,
                f"More than {MAX_DEPTH} steps stand inside one another, definitions and other benefits included.",
                "Simplify its definitions.",
            )
        if self.scope.interner.size(node) > MAX_WRITTEN_OUT:
            raise DocumentError(
                expression.place,
                f"Written out, the rule would have more than {MAX_WRITTEN_OUT:,} steps.",
                "Definitions that read one another twice double it each time: simplify them.",
            )
        return node

    def _spend(self, steps: int, place: Place) -> None:
        self.steps += steps
        if self.steps > MAX_NODES_PER_RULE:
            raise DocumentError(
                place, f"The rule needs more than {MAX_NODES_PER_RULE:,} steps.", "Simplify its definitions."
            )

    def _any(self, expression: s.Expression, context: Context) -> plan.Node:
        match expression:
            case s.Number():
                return self._number(expression)
            case s.MoneyLiteral():
                return self._money(expression)
            case s.DateLiteral():
                day = plan.day_number(expression.value)
                if not plan.DAY_LOW <= day <= plan.DAY_HIGH:
                    raise DocumentError(
                        expression.place, f"{expression.value} is not in the years 1850 to 2149.", "Correct the year."
                    )
                return self.make(plan.Const, DATE, 0, day, day, day)
            case s.Boolean():
                return self.make(plan.BoolConst, expression.value)
            case s.Text():
                raise DocumentError(
                    expression.place,
                    f"The code '{expression.value[:40]}' cannot stand alone.",
                    "Compare it: `kind = 'rural'`, `kind in ('a', 'b')`, `hukou_area within \"440100\"`.",
                )
            case s.Name():
                return self.name(expression, context)
            case s.ParameterRef():
                return self.parameters.read(expression, context)
            case s.Call():
                return self.builtins.call(expression, context)
            case s.Arithmetic():
                left, right = self.quantity(expression.left, context), self.quantity(expression.right, context)
                return self.arithmetic.combine(expression.operator, left, right, expression.place)
            case s.Negative():
                return self.arithmetic.negate(self.quantity(expression.operand, context), expression.place)
            case s.Comparison():
                return self._comparison(expression, context)
            case s.Membership():
                return self._membership(expression, context)
            case s.WithinTest():
                return self._within(expression, context)
            case s.Logic():
                operands = tuple(dict.fromkeys(self.condition(item, context) for item in expression.operands))
                if len(operands) == 1:
                    return operands[0]
                return self.make(plan.AllOf if expression.operator == "and" else plan.AnyOf, operands)
            case s.Negation():
                return self.negation(self.condition(expression.operand, context))
            case s.Conditional():
                return self._conditional(expression, context)
            case s.Quantifier():
                return self.quantifiers.read(expression, context)

    def negation(self, condition: plan.Condition) -> plan.Condition:
        """The negation, without doubling."""
        return condition.operand if isinstance(condition, plan.Not) else self.make(plan.Not, condition)

    def describe(self, node: plan.Node) -> str:
        """What a node is, in words for messages."""
        if isinstance(node, plan.Quantity):
            return str(node.type)
        return "a condition" if isinstance(node, plan.Condition) else "a code"

    # -- literals and names ---------------------------------------------------------------------------------------

    def _number(self, literal: s.Number) -> plan.Node:
        exponent = literal.value.normalize().as_tuple().exponent
        scale = max(0, -exponent) if isinstance(exponent, int) else 0
        units = int(literal.value * 10**scale)
        return self.make(plan.Const, Type("number" if scale else "integer"), scale, units, units, units)

    def _money(self, literal: s.MoneyLiteral) -> plan.Node:
        if literal.currency != self.scope.currency:
            raise DocumentError(
                literal.place,
                f"This catalogue counts in {self.scope.currency}, not {literal.currency}.",
                f"Write `{self.scope.currency} {literal.value}`.",
            )
        units = int(literal.value * MINOR_UNITS)
        return self.make(plan.Const, Type("money", currency=literal.currency), 0, units, units, units)

    def name(self, name: s.Name, context: Context) -> plan.Node:
        """A fact, a definition, `age`, `on_date`, `self.…` or a group's fact."""
        scope, parts = self.scope, name.parts
        if parts[0] == "self" and len(parts) > 1:
            if context.outer is None:
                raise DocumentError(
                    name.place,
                    "`self` is the subject outside of a quantifier; here there is none.",
                    "Leave `self.` out.",
                )
            inner = self.name(s.Name(parts[1:], name.place), context.outer)
            return self.outer(inner)
        if len(parts) > 1:
            group = scope.vocabulary.subjects.groups.get(parts[0])
            if group is None or len(parts) > 2:
                raise DocumentError(
                    name.place,
                    f"`{'.'.join(parts)}` cannot be read.",
                    nearest_advice(parts[0], scope.vocabulary.subjects.groups, "Before the dot stands one of: "),
                )
            return self.via(parts[0], s.Name(parts[1:], name.place), context)
        word = parts[0]
        if word == "on_date":
            return self.make(plan.Today, DATE, 0, plan.DAY_LOW, plan.DAY_HIGH)
        if word == "age":
            return self.builtins.age(name.place, context)
        definition = scope.definitions.get(word)
        if definition is not None:
            if definition.of != context.kind:
                return self.via(definition.of, name, context)
            return self._definition(definition, context)
        fact = scope.vocabulary.dictionary.facts.get(word)
        if fact is None:
            raise scope.unknown_name(word, name.place)
        if fact.subject != context.kind:
            return self.via(fact.subject, name, context)
        return self.fact(fact, name.place)

    def _definition(self, definition: Definition, context: Context) -> plan.Node:
        """A definition, compiled and paid for once in each context, as it is evaluated once there."""
        line = self.scope.in_progress
        if definition.id in line:
            circle = " → ".join([*line[line.index(definition.id) :], definition.id])
            raise DocumentError(
                definition.place, f"The definition `{definition.id}` reads itself ({circle}).", "Break the circle."
            )
        compiled = self._definitions.get((definition.id, context))
        if compiled is None:
            line.append(definition.id)
            try:
                compiled = self.any(definition.expression, context)
            except DocumentError as error:
                compiled = error
            finally:
                line.pop()
            self._definitions[definition.id, context] = compiled
        if isinstance(compiled, DocumentError):
            raise compiled
        return compiled

    def fact(self, fact: Fact, place: Place) -> plan.Node:
        """The node of a fact of the context's own subject."""
        kind, t = fact.type.kind, fact.type
        if kind == "boolean":
            return self.make(plan.BoolFact, fact)
        if kind in ("code", "area"):
            return self.make(plan.CodeFact, fact)
        if kind == "date":
            return self.make(plan.QuantityFact, DATE, 0, plan.DAY_LOW, plan.DAY_HIGH, fact, None, None)
        if kind in ("integer", "number", "money"):
            currency = self.scope.currency if kind == "money" else None
            factor = 10**t.decimals
            low = int((t.minimum if t.minimum is not None else -t.capacity) * factor)
            floor = int(t.minimum * factor) if t.minimum is not None else None
            ceiling = int(t.maximum * factor) if t.maximum is not None else None
            node_type = Type(kind, unit=t.unit, per=t.per, currency=currency)
            return self.make(
                plan.QuantityFact, node_type, t.decimals, low, int(t.capacity * factor), fact, floor, ceiling
            )
        if kind == "months":
            raise DocumentError(place, f"`{fact.id}` is a set of months.", f"Count them: `months_in({fact.id}, 36)`.")
        raise DocumentError(
            place, f"`{fact.id}` is an identifier and says nothing about entitlement.", "Read a fact instead."
        )

    def via(self, group: str, name: s.Name, context: Context) -> plan.Node:
        """Read a name in the context of the person's group."""
        if context.kind == group:
            return self.name(name, context)
        if context.kind != PERSON:
            relation = self.scope.vocabulary.subjects.groups[context.kind].relation
            raise DocumentError(
                name.place,
                f"`{name.parts[-1]}` is about a {group}, and the rule here is about a {context.kind}.",
                f"Go over its persons: `any {relation} where {name.parts[-1]} …`." if group == PERSON else "",
            )
        if group == PERSON:
            raise DocumentError(
                name.place,
                f"`{name.parts[-1]}` cannot be read here.",
                "Only facts of the subject and of its groups can be read here.",
            )
        return self.wrap_via(group, self.name(name, Context(group)))

    def fact_named(self, fact_id: str, place: Place, context: Context) -> plan.Node:
        """The node of a fact, read through groups where needed."""
        return self.name(s.Name((fact_id,), place), context)

    def wrap_via(self, group: str, node: plan.Node) -> plan.Node:
        """The node as read from a person of the group."""
        link = self.scope.vocabulary.subjects.groups[group].link
        if isinstance(node, plan.Condition):
            return self.make(plan.ViaCondition, group, link, node)
        if isinstance(node, plan.Quantity):
            return self.make(plan.ViaQuantity, node.type, node.scale, node.low, node.high, group, link, node)
        return self.make(plan.ViaCode, group, link, node)

    def outer(self, node: plan.Node) -> plan.Node:
        """The node as read from inside a quantifier."""
        if isinstance(node, plan.Condition):
            return self.make(plan.OuterCondition, node)
        if isinstance(node, plan.Quantity):
            return self.make(plan.OuterQuantity, node.type, node.scale, node.low, node.high, node)
        return self.make(plan.OuterCode, node)

    # -- conditions -----------------------------------------------------------------------------------------------

    def _comparison(self, test: s.Comparison, context: Context) -> plan.Node:
        codes = self._code_comparison(test, context)
        if codes is not None:
            return codes
        left, right = self.quantity(test.left, context), self.quantity(test.right, context)
        if join(left.type, right.type) is None:
            raise DocumentError(
                test.place,
                f"{left.type} cannot be compared with {right.type}.",
                self.arithmetic.advice(left.type, right.type),
            )
        operator = test.operator
        if operator in _MIRRORED:
            operator, left, right = _MIRRORED[operator], right, left
        left, right = self.arithmetic.align(left, right, test.place)
        if operator == "!=":
            return self.negation(self.make(plan.Compare, "=", left, right))
        return self.make(plan.Compare, operator, left, right)

    def _code_comparison(self, test: s.Comparison, context: Context) -> plan.Node | None:
        left, right = test.left, test.right
        if isinstance(left, s.Text):
            left, right = right, left
        if isinstance(right, s.Text):
            if test.operator not in ("=", "!="):
                raise DocumentError(test.place, "Codes have no order.", "Use `=`, `!=` or `in (…)`.")
            node = self._code_in(self.any(left, context), (right,), test.place)
            return node if test.operator == "=" else self.negation(node)
        return None

    def _membership(self, test: s.Membership, context: Context) -> plan.Node:
        if all(isinstance(choice, s.Text) for choice in test.choices):
            texts = tuple(choice for choice in test.choices if isinstance(choice, s.Text))
            return self._code_in(self.any(test.operand, context), texts, test.place)
        tests = tuple(s.Comparison("=", test.operand, choice, choice.place) for choice in test.choices)
        if len(tests) == 1:
            return self.any(tests[0], context)
        return self.any(s.Logic("or", tests, test.place), context)

    def _code_in(self, operand: plan.Node, texts: tuple[s.Text, ...], place: Place) -> plan.Condition:
        if not isinstance(operand, plan.Code):
            raise DocumentError(
                place, f"A code is compared with {self.describe(operand)}.", "Quotes are for codes and areas."
            )
        fact = plan.fact_of_code(operand)
        for text in texts:
            if fact.type.kind == "area":
                self._known_area(text)
            elif text.value not in fact.type.codes:
                raise DocumentError(
                    text.place,
                    f"'{text.value[:40]}' is not a code of `{fact.id}`.",
                    nearest_advice(text.value, fact.type.codes, "Its codes are: "),
                )
        return self.make(plan.CodeIn, operand, frozenset(text.value for text in texts))

    def _known_area(self, text: s.Text) -> None:
        if text.value not in self.scope.vocabulary.areas:
            raise DocumentError(text.place, f'There is no area "{text.value[:40]}".', "See features/facts/areas.yaml.")

    def _within(self, test: s.WithinTest, context: Context) -> plan.Node:
        operand = self.any(test.operand, context)
        if not isinstance(operand, plan.Code) or plan.fact_of_code(operand).type.kind != "area":
            raise DocumentError(
                test.place,
                f"Before `within` stands an area fact, and this is {self.describe(operand)}.",
                "Like `hukou_area within $area`.",
            )
        if isinstance(test.enclosing, s.ParameterRef) and test.enclosing.name == "area":
            enclosing = self.scope.area
        elif isinstance(test.enclosing, s.Text):
            self._known_area(test.enclosing)
            enclosing = test.enclosing.value
        else:
            raise DocumentError(
                test.enclosing.place, "After `within` stands an area code or `$area`.", 'Write `within "440100"`.'
            )
        return self.within(operand, enclosing)

    def within(self, operand: plan.Code, enclosing: str) -> plan.Condition:
        """The test that an area lies in another."""
        codes = frozenset(self.scope.vocabulary.areas.below(enclosing))
        return self.make(plan.Within, operand, enclosing, codes)

    def _conditional(self, expression: s.Conditional, context: Context) -> plan.Node:
        condition = self.condition(expression.condition, context)
        then, otherwise = self.any(expression.then, context), self.any(expression.otherwise, context)
        if isinstance(then, plan.Condition) and isinstance(otherwise, plan.Condition):
            return then if then is otherwise else self.make(plan.ChooseCondition, condition, then, otherwise)
        if isinstance(then, plan.Quantity) and isinstance(otherwise, plan.Quantity):
            return self.arithmetic.choose(condition, then, otherwise, expression.place)
        raise DocumentError(
            expression.place,
            f"The branches differ: {self.describe(then)} and {self.describe(otherwise)}.",
            "Both must be conditions or both figures of one type.",
        )
