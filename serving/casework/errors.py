"""What can stand in the way of a move or a decision."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from serving.errors import ServingError


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was done to a case or an entitlement since somebody read it.

    Attributes:
        revision: what it has been since.
        at: when.
        actor: who did it.
        action: what they did; of an entitlement, the state it was moved to.
        fields: by name what stood there before and what stands there now.
    """

    revision: int
    at: dt.datetime
    actor: str
    action: str
    fields: dict[str, tuple[object, object]] = field(default_factory=dict)


class CaseworkError(ServingError):
    """A case or an entitlement cannot do what it was asked."""


class ConflictError(CaseworkError):
    """Somebody else was first: what was read is no longer so. An API answers 409 with what has changed.

    Attributes:
        what: `entitlement` or `case`.
        number: which.
        expected: the revision that was read.
        found: the revision that it has now.
        changes: what was done to it in between, oldest first.
    """

    def __init__(self, what: str, number: int, expected: int, found: int, changes: tuple[Change, ...] = ()) -> None:
        self.what, self.number, self.expected, self.found, self.changes = what, number, expected, found, changes
        super().__init__(
            f"The {what} {number} has changed since it was read (it was at revision {expected}, it is at {found}). "
            "Look at what changed, then do it again if it is still right."
        )


class NotAllowedError(CaseworkError):
    """The table of moves, a hold or a cap does not allow it."""


class NotFoundError(CaseworkError):
    """There is no such case or entitlement, or not for whoever asks."""


class RequestReusedError(CaseworkError):
    """The key of a request served another one."""

    def __init__(self) -> None:
        super().__init__("The key of this request was used for another one. Send it with a key of its own.")


class SampleError(CaseworkError):
    """A blind sample is not drawn, reviewed or revealed as it was promised."""
