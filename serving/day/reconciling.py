"""What goes into a hand-over comes out of it, counted: a difference stops the delivery.

Source: gates.md, pattern 7: rows in = granted + needs data + needs a human + not selected + quarantined.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from serving.day.errors import CountsDifferError


@dataclass(frozen=True, slots=True)
class HandOver:
    """One place where work passes from one step to the next.

    Attributes:
        where: in words.
        came: how many came in.
        went: where they went, each to one place.
    """

    where: str
    came: int
    went: Mapping[str, int]

    def require_equal(self) -> None:
        """All that came went somewhere, once.

        Raises:
            CountsDifferError: they differ.
        """
        if self.came != sum(self.went.values()):
            raise CountsDifferError(self.where, self.came, self.went)

    def account(self) -> dict[str, int]:
        """Its counts, as they are kept."""
        return {"came": self.came, **self.went}
