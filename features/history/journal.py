"""Append-only lines of JSON: short records that people make, not registers."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

Entry = dict[str, str | int | bool | None]


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
