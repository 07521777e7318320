"""Text to syntax tree. Long, deep or foreign text is refused before it can cost anything."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import cast

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken, VisitError

from features.documents import DocumentError, Place, Scalar
from rules.language import syntax as s

MAX_CHARACTERS = 2_000
MAX_NESTING = 24
MAX_WORDS = 400

_WORD = re.compile(r"[A-Za-z0-9_$.]+|[^\sA-Za-z0-9_$.]")
_ADVICE = {
    "==": "Write `=` for equality.",
    "&&": "Write `and`.",
    "||": "Write `or`.",
    "!": "Write `not`, or `!=` for inequality.",
    "**": "There are no powers.",
    "{": "Templates and sets do not exist here; parameters are written `$name`.",
    "[": "Only a parameter has an index, like `$rate[age]`; lists stand in parentheses after `in`.",
    ";": "One expression, nothing after it.",
    "%": "Write `20%` without a space.",
    "￥": "Write `CNY 100`.",
    "¥": "Write `CNY 100`.",
    "$": "A parameter is `$` and a name in small letters, like `$income_limit`.",
    "#": "Comments stand outside of the expression.",
}


@lru_cache(maxsize=1)
def _grammar() -> Lark:
    text = (resources.files("rules") / "language" / "grammar.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="contextual", propagate_positions=True, maybe_placeholders=False)


def parse_expression(scalar: Scalar) -> s.Expression:
    """Parse one expression.

    Raises:
        DocumentError: at the first character or word that cannot stand where it stands.
    """
    text = scalar.text
    _refuse_excess(scalar)
    try:
        tree = _grammar().parse(text)
        return cast(s.Expression, _Builder(scalar).transform(tree))
    except UnexpectedInput as error:
        raise _unexpected(scalar, error) from None
    except VisitError as error:
        if isinstance(error.orig_exc, DocumentError):
            raise error.orig_exc from None
        raise


def _refuse_excess(scalar: Scalar) -> None:
    text = scalar.text
    if len(text) > MAX_CHARACTERS:
        raise DocumentError(
            scalar.place,
            f"The expression is longer than {MAX_CHARACTERS:,} characters.",
            "Name its parts under `definitions`.",
        )
    depth = 0
    for offset, character in enumerate(text):
        if character in "([":
            depth += 1
            if depth > MAX_NESTING:
                raise DocumentError(
                    scalar.at(offset),
                    f"Parentheses are nested more than {MAX_NESTING} deep.",
                    "Name the inner parts under `definitions`.",
                )
        elif character in ")]":
            depth -= 1
        elif ord(character) > 127 and not _inside_quotes(text, offset):
            name = unicodedata.name(character, "an unnamed character").lower()
            raise DocumentError(
                scalar.at(offset),
                f"`{character}` ({name}) cannot stand in an expression.",
                _ADVICE.get(character, "Expressions use plain ASCII letters, digits and signs."),
            )
    words = _WORD.findall(text)
    if len(words) > MAX_WORDS:
        raise DocumentError(
            scalar.place, f"The expression has more than {MAX_WORDS} words.", "Name its parts under `definitions`."
        )
    run = 0
    for word in words:
        run = run + 1 if word in ("not", "-", "if") else 0
        if run > MAX_NESTING:
            raise DocumentError(scalar.place, f"`{word}` is repeated more than {MAX_NESTING} times.", "Simplify it.")
    if sum(word in ("if", "not", "any", "all", "where") for word in words) > 4 * MAX_NESTING:
        raise DocumentError(scalar.place, "The expression has too many branches.", "Name its parts under `definitions`.")


def _inside_quotes(text: str, offset: int) -> bool:
    before = text[:offset]
    return before.count("'") % 2 == 1 or before.count('"') % 2 == 1


def _unexpected(scalar: Scalar, error: UnexpectedInput) -> DocumentError:
    text = scalar.text
    if isinstance(error, UnexpectedEOF) or (isinstance(error, UnexpectedToken) and error.token.type == "$END"):
        place = scalar.at(len(text.rstrip()))
        return DocumentError(place, "The expression ends too early.", "Complete it, or close its parentheses.")
    offset = error.pos_in_stream or 0
    rest = text[offset:]
    if isinstance(error, UnexpectedCharacters):
        seen = rest[:1]
    else:
        seen = str(cast(UnexpectedToken, error).token)
    for sign in sorted(_ADVICE, key=len, reverse=True):
        if rest.startswith(sign) or (sign == "==" and text[max(0, offset - 1) :].startswith("==")):
            return DocumentError(scalar.at(offset), f"`{sign}` cannot stand here.", _ADVICE[sign])
    if seen in ("any", "all", "count", "sum"):
        advice = "Put the quantifier in parentheses, like `(count members where age < 18) >= 2`."
    elif re.match(r"[A-Z]", seen):
        advice = "Names are written in small letters; money is a currency code and a number, like `CNY 100`."
    elif seen.startswith("."):
        advice = "Only facts of a group have a dot, like `household.rent`."
    elif seen in ("is", "exists", "known", "missing"):
        advice = "A rule cannot ask whether a fact is held; see docs/rule_language.md, `is known`."
    else:
        advice = "Check the word before it, and the table of expressions in docs/rule_language.md."
    return DocumentError(scalar.at(offset), f"`{seen[:40]}` cannot stand here.", advice)


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
                self._place(meta), f"The number {text[:24]}… is too long.", "At most 15 digits before the point and 9 after."
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
            raise DocumentError(self._place(meta), f"`{items[0]}` has more than two decimals.", "Money goes to the minor unit.")
        return s.MoneyLiteral(currency, value, self._place(meta))

    def date(self, meta: object, items: list[Token]) -> s.Expression:
        try:
            return s.DateLiteral(dt.date.fromisoformat(str(items[0])), self._place(meta))
        except ValueError:
            raise DocumentError(self._place(meta), f"`{items[0]}` is not a day of the calendar.") from None

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
        return s.Comparison(str(items[1]), cast(s.Expression, items[0]), cast(s.Expression, items[2]), self._place(meta))

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


