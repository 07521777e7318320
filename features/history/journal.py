"""Append-only lines of JSON: short records that people make, not registers."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
from pathlib import Path

Entry = dict[str, str | int | bool | None]
_MOMENTS = ("opened_at", "answered_at", "learned_at")
"""Under one of these every entry says when it was made."""


class Journal:
    """A file of entries, in the order in which they were made. An entry is there whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, entry: Entry) -> None:
        """Write an entry and wait until it is on disk."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            written = file.read()
            file.truncate(written.rfind(b"\n") + 1)  # a line that was never finished was never acknowledged
            file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def entries(self) -> list[Entry]:
        """Every whole entry."""
        if not self.path.is_file():
            return []
        written = self.path.read_bytes()
        return [json.loads(line) for line in written[: written.rfind(b"\n") + 1].splitlines()]

    def moments(self, after: int) -> list[dt.datetime]:
        """The moment of each entry behind the first so many: the one value of it that is written as a moment (UTC)."""
        return [_moment(entry) for entry in self.entries()[after:]]


def _moment(entry: Entry) -> dt.datetime:
    told = next(str(entry[name]) for name in _MOMENTS if name in entry)
    return dt.datetime.fromisoformat(told)
