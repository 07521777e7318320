"""Text to syntax tree. Long, deep or foreign text is refused before it can cost anything."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import cast

from lark import Lark, Token, Transformer, Tree, v_args
from lark.exceptions import UnexpectedEOF, UnexpectedInput, UnexpectedToken, VisitError

from features.documents import DocumentError, Place, Scalar
from rules.language import syntax as s

MAX_CHARACTERS = 2_000
MAX_NESTING = 24
MAX_DEPTH = 40
MAX_WORDS = 400

_WORD = re.compile(r"[A-Za-z0-9_$.]+|[^\sA-Za-z0-9_$.]")
_ADVICE = {
    "==": "Write `=` for equality.",
    "<>": "Write `!=` for inequality.",
    "=>": "Write `>=`.",
    "=<": "Write `<=`.",
    "&&": "Write `and`.",
    "||": "Write `or`.",
    "!": "Write `not`, or `!=` for inequality.",
    "**": "There are no powers: write the multiplication out.",
    "//": "Write `floor(a / b, 1)`.",
    "&": "Write `and`.",
    "|": "Write `or`.",
    "{": "Templates and sets do not exist here; parameters are written `$name`.",
    "}": "Templates and sets do not exist here; parameters are written `$name`.",
    "[": "Only a parameter has an index, like `$rate[age]`; lists stand in parentheses after `in`.",
    ";": "One expression, nothing after it.",
    ":": "One expression, nothing after it.",
    "?": "Write `if … then … else …`.",
    "%": "Write `20%` without a space.",
    "￥": "Write `CNY 100`.",
    "¥": "Write `CNY 100`.",
    "$": "A parameter is `$` and a name in small letters, like `$income_limit`.",
    "#": "Comments stand outside of the expression.",
    "`": "Names stand without quotes, codes in plain quotes: `'rural'`.",
    "\\": "Codes and names need no escapes.",
    "≥": "Write `>=`.",
    "≤": "Write `<=`.",
    "≠": "Write `!=`.",
    "×": "Write `*`.",
    "÷": "Write `/`.",
    "（": "Write `(`.",
    "）": "Write `)`.",
    "，": "Write `,`.",
    "％": "Write `%`.",
    "“": "Write codes with plain quotes: `'rural'`.",
    "”": "Write codes with plain quotes: `'rural'`.",
    "‘": "Write codes with plain quotes: `'rural'`.",
    "’": "Write codes with plain quotes: `'rural'`.",
}
_SIGNS = sorted(_ADVICE, key=len, reverse=True)
_LOOK_BEFORE = "Check the word before it, and the table of expressions in docs/rule_language.md."


@lru_cache(maxsize=1)
def _grammar() -> Lark:
    text = (resources.files("rules") / "language" / "grammar.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="contextual", propagate_positions=True, maybe_placeholders=False)


def parse_expression(scalar: Scalar) -> s.Expression:
    """Parse one expression.

    Raises:
        DocumentError: at the first character or word that cannot stand where it stands.
    """
    _refuse_excess(scalar)
    try:
        tree = _grammar().parse(scalar.text)
        _refuse_depth(scalar, tree)
        return _Builder(scalar).transform(tree)
    except UnexpectedInput as error:
        raise _unexpected(scalar, error) from None
    except VisitError as error:
        if isinstance(error.orig_exc, DocumentError):
            raise error.orig_exc from None
        raise


def _refuse_excess(scalar: Scalar) -> None:
    """Refuse what is too long, too deep or in a foreign script, before the grammar sees it."""
    text = scalar.text
    if len(text) > MAX_CHARACTERS:
        raise DocumentError(
            scalar.at(0),
            f"The expression is longer than {MAX_CHARACTERS:,} characters.",
            "Name its parts under `definitions`.",
        )
    depth = 0
    quote = ""
    for offset, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([":
            depth += 1
            if depth > MAX_NESTING:
                raise DocumentError(
                    scalar.at(offset),
                    f"Parentheses are nested more than {MAX_NESTING} deep.",
                    "Name the inner parts under `definitions`.",
                )
        elif character in ")]":
            depth -= 1
        elif ord(character) > 127:
            name = unicodedata.name(character, "an unnamed character").lower()
            raise DocumentError(
                scalar.at(offset),
                f"`{character}` ({name}) cannot stand in an expression.",
                _ADVICE.get(character, "Expressions use plain ASCII letters, digits and signs."),
            )
    if len(_WORD.findall(text)) > MAX_WORDS:
        raise DocumentError(
            scalar.at(0), f"The expression has more than {MAX_WORDS} words.", "Name its parts under `definitions`."
        )


def _refuse_depth(scalar: Scalar, tree: Tree[Token]) -> None:
    """Refuse a tree that is deeper than anybody reads: `not not not …`, `if … else if … else if …`, `1 + 1 + 1 + …`.

    A chain of signs counts with its length, because each of its steps becomes a node around the one before.
    """
    stack = [(tree, 1)]
    while stack:
        node, depth = stack.pop()
        if node.data in ("sum", "product"):
            depth += len(node.children) // 2
        if depth > MAX_DEPTH:
            raise DocumentError(
                scalar.at(getattr(node.meta, "start_pos", 0)),
                f"The expression has more than {MAX_DEPTH} steps inside one another.",
                "Name its inner parts under `definitions`.",
            )
        stack.extend((child, depth + 1) for child in node.children if isinstance(child, Tree))


def _unexpected(scalar: Scalar, error: UnexpectedInput) -> DocumentError:
    text = scalar.text
    if isinstance(error, UnexpectedEOF) or (isinstance(error, UnexpectedToken) and error.token.type == "$END"):
        advice = "Complete it, or close its parentheses."
        if len(re.findall(r"\bif\b", text)) > len(re.findall(r"\belse\b", text)):
            advice = "An `if` needs `then` and `else`."
        return DocumentError(scalar.at(len(text.rstrip())), "The expression ends too early.", advice)
    offset: int = getattr(error, "pos_in_stream", 0)
    before, rest = text[:offset], text[offset:]
    for sign in _SIGNS:
        start = offset - 1 if len(sign) == 2 and text[offset - 1 : offset + 1] == sign else offset
        if text.startswith(sign, max(start, 0)):
            return DocumentError(scalar.at(max(start, 0)), f"`{sign}` cannot stand here.", _ADVICE[sign])
    word = re.match(r"\w+|<=|>=|!=|.", rest)
    seen = word[0] if word else rest[:1]
    return DocumentError(scalar.at(offset), f"`{seen[:40]}` cannot stand here.", _advice(seen, before))


def _advice(seen: str, before: str) -> str:
    """What to write instead of a word or sign that cannot stand where it stands."""
    words = re.findall(r"\w+", before)
    if {seen, *words[:1], *words[-1:]} & {"any", "all", "count", "sum"}:
        return "Put the quantifier in parentheses, like `(count members where age < 18) >= 2`."
    if seen.lower() in ("and", "or", "not", "true", "false", "if", "then", "else", "in", "between", "within"):
        return f"Words of the language are written small: `{seen.lower()}`." if seen != seen.lower() else _LOOK_BEFORE
    if seen in ("is", "exists", "known", "missing", "null", "none"):
        return "A rule cannot ask whether a fact is held; see docs/rule_language.md, `is known`."
    if words[-1:] == ["in"]:
        return "After `in` stand codes or whole numbers in parentheses, like `kind in ('rural', 'town')`."
    if seen in ("=", "<", ">", "<=", ">=", "!="):
        return "Compare two at a time: `a <= b and b <= c`, or `b between a and c`."
    if seen in ("'", '"'):
        return "Close the quote, and write codes with plain quotes: `'rural'`."
    if re.match(r"[A-Z]", seen):
        return "Names are written in small letters; money is a currency code and a number, like `CNY 100`."
    if before.rstrip()[-1:].isdigit() and re.match(r"[,_a-z]", seen):
        return "Write a number with digits only, without separators, exponents or units: `12500`, `0.35`, `20%`."
    if seen.startswith((".", "_")):
        return "Names are a-z, 0-9 and _, beginning with a letter; only facts of a group have a dot: `household.rent`."
    return _LOOK_BEFORE


@v_args(meta=True)
class _Builder(Transformer[Token, s.Expression]):
    """Lark's tree to ours."""

    def __init__(self, scalar: Scalar) -> None:
        super().__init__()
        self.scalar = scalar

    def _place(self, meta: object) -> Place:
        return self.scalar.at(getattr(meta, "start_pos", 0) or 0)

    def _decimal(self, text: str, meta: object) -> Decimal:
        whole, _, fraction = text.partition(".")
        if len(whole) > 15 or len(fraction) > 9:
            raise DocumentError(
                self._place(meta),
                f"The number {text[:24]}… is too long.",
                "At most 15 digits before the point and 9 after.",
            )
        return Decimal(text)

    def number(self, meta: object, items: list[Token]) -> s.Expression:
        return s.Number(self._decimal(str(items[0]), meta), self._place(meta))

    def percent(self, meta: object, items: list[Token]) -> s.Expression:
        return s.Number(self._decimal(str(items[0])[:-1], meta) / 100, self._place(meta))

    def money(self, meta: object, items: list[Token]) -> s.Expression:
        currency, amount = str(items[0]).split()
        value = self._decimal(amount, meta)
        if len(amount.partition(".")[2]) > 2:
            raise DocumentError(
                self._place(meta), f"`{items[0]}` has more than two decimals.", "Money goes to the minor unit."
            )
        return s.MoneyLiteral(currency, value, self._place(meta))

    def date(self, meta: object, items: list[Token]) -> s.Expression:
        try:
            return s.DateLiteral(dt.date.fromisoformat(str(items[0])), self._place(meta))
        except ValueError:
            raise DocumentError(
                self._place(meta),
                f"`{items[0]}` is not a day of the calendar.",
                "Write a day that exists, like 2025-02-28.",
            ) from None

    def string(self, meta: object, items: list[Token]) -> s.Expression:
        return s.Text(str(items[0])[1:-1], self._place(meta))

    def true(self, meta: object, _: list[Token]) -> s.Expression:
        return s.Boolean(True, self._place(meta))

    def false(self, meta: object, _: list[Token]) -> s.Expression:
        return s.Boolean(False, self._place(meta))

    def path(self, _: object, items: list[Token]) -> tuple[str, ...]:
        return tuple(str(item) for item in items)

    def name(self, meta: object, items: list[tuple[str, ...]]) -> s.Expression:
        return s.Name(items[0], self._place(meta))

    def call(self, meta: object, items: list[Token | s.Expression]) -> s.Expression:
        return s.Call(str(items[0]), cast("tuple[s.Expression, ...]", tuple(items[1:])), self._place(meta))

    def parameter(self, meta: object, items: list[Token | s.Expression]) -> s.Expression:
        keys = cast("tuple[s.Expression, ...]", tuple(items[1:]))
        return s.ParameterRef(str(items[0])[1:], keys, None, self._place(meta))

    def parameter_at(self, meta: object, items: list[Token | s.Expression]) -> s.Expression:
        keys = cast("tuple[s.Expression, ...]", tuple(items[1:-1]))
        return s.ParameterRef(str(items[0])[1:], keys, cast(s.Expression, items[-1]), self._place(meta))

    def _chain(self, meta: object, items: list[Token | s.Expression]) -> s.Expression:
        result = cast(s.Expression, items[0])
        for operator, right in zip(items[1::2], items[2::2], strict=True):
            result = s.Arithmetic(str(operator), result, cast(s.Expression, right), self._place(meta))
        return result

    sum = _chain
    product = _chain

    def signed(self, meta: object, items: list[Token | s.Expression]) -> s.Expression:
        operand = cast(s.Expression, items[1])
        return s.Negative(operand, self._place(meta)) if str(items[0]) == "-" else operand

    def compare(self, meta: object, items: list[Token | s.Expression]) -> s.Expression:
        return s.Comparison(
            str(items[1]), cast(s.Expression, items[0]), cast(s.Expression, items[2]), self._place(meta)
        )

    def membership(self, meta: object, items: list[s.Expression]) -> s.Expression:
        return s.Membership(items[0], tuple(items[1:]), self._place(meta))

    def non_membership(self, meta: object, items: list[s.Expression]) -> s.Expression:
        place = self._place(meta)
        return s.Negation(s.Membership(items[0], tuple(items[1:]), place), place)

    def between(self, meta: object, items: list[s.Expression]) -> s.Expression:
        place = self._place(meta)
        low = s.Comparison(">=", items[0], items[1], place)
        return s.Logic("and", (low, s.Comparison("<=", items[0], items[2], place)), place)

    def within(self, meta: object, items: list[s.Expression]) -> s.Expression:
        return s.WithinTest(items[0], items[1], self._place(meta))

    def and_test(self, meta: object, items: list[s.Expression]) -> s.Expression:
        return s.Logic("and", tuple(items), self._place(meta))

    def or_test(self, meta: object, items: list[s.Expression]) -> s.Expression:
        return s.Logic("or", tuple(items), self._place(meta))

    def negation(self, meta: object, items: list[s.Expression]) -> s.Expression:
        return s.Negation(items[0], self._place(meta))

    def conditional(self, meta: object, items: list[s.Expression]) -> s.Expression:
        return s.Conditional(items[0], items[1], items[2], self._place(meta))

    def any(self, meta: object, items: list[object]) -> s.Expression:
        return self._quantifier("any", meta, items[0], None, items[1])

    def all(self, meta: object, items: list[object]) -> s.Expression:
        return self._quantifier("all", meta, items[0], None, items[1])

    def count(self, meta: object, items: list[object]) -> s.Expression:
        return self._quantifier("count", meta, items[0], None, items[1])

    def count_all(self, meta: object, items: list[object]) -> s.Expression:
        return self._quantifier("count", meta, items[0], None, None)

    def sum_where(self, meta: object, items: list[object]) -> s.Expression:
        return self._quantifier("sum", meta, items[0], items[1], items[2])

    def sum_all(self, meta: object, items: list[object]) -> s.Expression:
        return self._quantifier("sum", meta, items[0], items[1], None)

    def _quantifier(self, kind: str, meta: object, relation: object, of: object, where: object) -> s.Expression:
        return s.Quantifier(
            kind,
            cast("tuple[str, ...]", relation),
            cast("s.Expression | None", of),
            cast("s.Expression | None", where),
            self._place(meta),
        )
