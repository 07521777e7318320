"""Lists in pages: a cursor that says where the last one ended, and nothing about whom it was."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Final

from fastapi import Query

from serving.api.problems import ProblemError

MOST: Final = 100
USUAL: Final = 20

LimitQuery = Annotated[int, Query(ge=1, le=MOST, description="At most so many.", examples=[20])]
CursorQuery = Annotated[
    str | None,
    Query(
        max_length=200, description="`next` of the page before; the first page where it is left out.", examples=[None]
    ),
]


def cursor_of(*place: int | str) -> str:
    """Where a page ended."""
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, *kinds: type[int] | type[str]) -> list[int | str] | None:
    """Where to go on; None: from the beginning.

    Raises:
        ProblemError: it is none of ours.
    """
    if cursor is None:
        return None
    try:
        place = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        place = None
    fits = (
        isinstance(place, list)
        and len(place) == len(kinds)
        and all(type(one) is kind for one, kind in zip(place, kinds, strict=True))
        and all(abs(one) < 2**62 for one in place if isinstance(one, int))
        and not any("\0" in one for one in place if isinstance(one, str))
    )
    if not fits:
        raise ProblemError(422, "invalid", more={"errors": [{"at": "query.cursor", "why": "not_a_cursor"}]})
    return list(place)
