"""What a place for rows of subjects can do, whatever it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

Merge = Callable[[Mapping[str, bytes]], Mapping[str, bytes]]
"""From what is held under some keys to what shall be held; keys it leaves out stay as they are. May be called twice."""


class Place(Protocol):
    """Bytes by key. Reads never wait for a writer and never see half of a change."""

    def prepare(self) -> None:
        """Make what is needed, where it is not there yet."""

    def read(self, keys: Sequence[str]) -> dict[str, bytes]:
        """What is held under the keys; a key of which nothing is held is left out."""

    def change(self, keys: Sequence[str], merge: Merge) -> int:
        """Read, merge and write as one step, losing no other writer's change between; how many were written."""

    def drop(self) -> None:
        """Forget everything."""

    def close(self) -> None:
        """Let go of connections."""
