"""Append-only lines of JSON: short records that people make, not registers."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path

Entry = dict[str, str | int | bool | None]
_MOMENTS = ("opened_at", "answered_at", "learned_at")
"""Under one of these every entry says when it was made."""


@dataclass(frozen=True, slots=True)
class _Read:
    """How far a file was read, and what it held up to there."""

    file: tuple[int, int]
    """Device and inode: another file of the same name is read from its beginning."""
    until: int
    entries: tuple[Entry, ...]


_NOTHING = _Read((0, 0), 0, ())


class Journal:
    """A file of entries, in the order in which they were made. An entry is there whole or not at all.

    What was read stays true, for whole lines are never written over: only what came since is read again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read = _NOTHING

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

    def entries(self) -> tuple[Entry, ...]:
        """Every whole entry; the same tuple until there are more. Nobody may change them."""
        if not self.path.is_file():
            return ()
        with self.path.open("rb") as file:
            status = os.fstat(file.fileno())
            known, name = self._read, (status.st_dev, status.st_ino)
            if known.file != name or status.st_size < known.until:
                known = _Read(name, 0, ())
            file.seek(known.until)
            written = file.read()
        whole = written[: written.rfind(b"\n") + 1]
        if whole:
            entries = (*known.entries, *(json.loads(line) for line in whole.splitlines()))
            known = _Read(name, known.until + len(whole), entries)
        self._read = known
        return known.entries

    def moments(self, after: int) -> list[dt.datetime]:
        """The moment of each entry behind the first so many: the one value of it that is written as a moment (UTC)."""
        return [_moment(entry) for entry in self.entries()[after:]]


def _moment(entry: Entry) -> dt.datetime:
    told = next(str(entry[name]) for name in _MOMENTS if name in entry)
    return dt.datetime.fromisoformat(told)
