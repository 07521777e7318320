"""What somebody read, and whether it still stands: entity tags made of revisions.

Source:
    RFC 9110, 8.8.3 (ETag), 13.1.1 (If-Match); RFC 6585, 3 (428).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

from fastapi import Header

from serving.api.problems import ProblemError

_TAG: Final = re.compile(r'"r(\d{1,9})"')

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description='The ETag of what you read, like `"r3"`: nothing is done where it has changed since.',
        examples=['"r3"'],
        max_length=40,
    ),
]


def tag_of(revision: int) -> str:
    """The entity tag of a revision."""
    return f'"r{revision}"'


def read_revision(if_match: str | None) -> int:
    """The revision that somebody read.

    Raises:
        ProblemError: 428, they did not say; 412, it is no tag of ours.
    """
    if if_match is None:
        raise ProblemError(428, "if_match_missing", 'Send If-Match with the ETag of what you read, like `"r3"`.')
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        raise ProblemError(412, "changed_since", "If-Match is no ETag that this service gave.")
    return int(found[1])


def require_revision(if_match: str | None, found: int, changes: Callable[[int], Sequence[dict[str, Any]]]) -> None:
    """Refuse where something has changed since somebody read it, and tell what.

    Args:
        if_match: what they said that they read.
        found: the revision that it has.
        changes: what changed since a revision.

    Raises:
        ProblemError: 428 or 412.
    """
    read = read_revision(if_match)
    if read != found:
        raise ProblemError(
            412,
            "changed_since",
            "Look at what changed, then do it again if it is still right.",
            more={"revision": found, "changes": list(changes(read))},
            headers={"ETag": tag_of(found)},
        )
