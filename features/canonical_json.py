"""The one way to write a JSON value, so that two who hold the same value sign and check the same bytes.

Source:
    RFC 8785, JSON Canonicalization Scheme. Numbers as in section 3.2.2.3 (ECMAScript's `Number.prototype.toString`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

_WHOLE_DIGITS = 21
"""A number with more digits before its point is written with an exponent."""
_LEADING_ZEROS = 6
"""A number with so many zeros or more behind its point is written with an exponent."""


def canonical_json(value: object) -> bytes:
    """A JSON value in canonical form, in UTF-8.

    Args:
        value: what `json.loads` gives. A number counts as the double that JavaScript would read.

    Raises:
        ValueError: it holds what JSON has no canonical form for: a number that is no finite double, half of a
            surrogate pair, or something that is no JSON value.
    """
    return _written(value).encode("utf-8")  # half a surrogate pair: UnicodeEncodeError, which is a ValueError


def _written(value: object) -> str:
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, Mapping):
        names = sorted(value, key=_utf16)
        return "{" + ",".join(f"{_written(name)}:{_written(value[name])}" for name in names) + "}"
    if isinstance(value, Sequence):
        return "[" + ",".join(map(_written, value)) + "]"
    raise ValueError("not a JSON value")


def _utf16(name: str) -> bytes:
    """Names are sorted by their UTF-16 code units."""
    return name.encode("utf-16-be")


def _number(value: float) -> str:
    try:
        double = float(value)
    except OverflowError as error:
        raise ValueError("a number that is no double") from error
    if not math.isfinite(double):
        raise ValueError("a number that is not finite")
    if double == 0:
        return "0"  # also minus zero
    # Python's repr has the fewest digits that give the same double, as ECMAScript asks; its layout is another.
    written = Decimal(repr(abs(double))).normalize().as_tuple()
    digits = "".join(map(str, written.digits))
    assert isinstance(written.exponent, int), "finite numbers have an exponent"
    return ("-" if double < 0 else "") + _laid_out(digits, len(digits) + written.exponent)


def _laid_out(digits: str, point: int) -> str:
    """Digits with the point behind the first `point` of them (which may be none, or more than there are)."""
    if len(digits) <= point <= _WHOLE_DIGITS:
        return digits + "0" * (point - len(digits))
    if 0 < point <= _WHOLE_DIGITS:
        return f"{digits[:point]}.{digits[point:]}"
    if -_LEADING_ZEROS < point <= 0:
        return "0." + "0" * -point + digits
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{point - 1:+d}"
