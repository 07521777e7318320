"""The one way to write a JSON value, so that two who hold the same value sign and check the same bytes.

Source:
    RFC 8785, JSON Canonicalization Scheme. Numbers as in section 3.2.2.3 (ECMAScript's `Number.prototype.toString`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import rfc8785


def canonical_json(value: object) -> bytes:
    """A JSON value in canonical form, in UTF-8.

    Args:
        value: what `json.loads` gives. A number counts as the double that JavaScript would read.

    Raises:
        ValueError: it holds what JSON has no canonical form for: a number that is no finite double, half of a
            surrogate pair, or something that is no JSON value.
    """
    return rfc8785.dumps(_as_javascript_reads(value))


def _as_javascript_reads(value: object) -> Any:  # noqa: ANN401 the library's type has no public name
    """The same with every number a double: the library refuses whole numbers beyond 2^53 instead of rounding them."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError as error:
            raise ValueError("a number that is no double") from error
    if isinstance(value, Mapping):
        return {name: _as_javascript_reads(one) for name, one in value.items()}
    if isinstance(value, Sequence):
        return [_as_javascript_reads(one) for one in value]
    raise ValueError("not a JSON value")
