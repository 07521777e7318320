"""An explanation as JSON: to be kept beside its determination, and to be answered by an API."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import fields, is_dataclass
from decimal import Decimal

from explain.explanation import Explanation

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


def as_json(explanation: Explanation) -> dict[str, Json]:
    """The whole explanation in plain JSON types.

    Money and other decimals are text, so that no reader turns them into floats; dates are ISO 8601; truths and outcomes
    are their names in lower case; texts are `{zh, en}`; sets of months are sorted.
    """
    found = _plain(explanation)
    assert isinstance(found, dict)
    return found


def _plain(value: object) -> Json:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, enum.Enum):
        return value.name.lower()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, frozenset):
        return [_plain(item) for item in sorted(value)]
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    assert is_dataclass(value)
    return {spec.name: _plain(getattr(value, spec.name)) for spec in fields(value)}
