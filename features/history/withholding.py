"""Facts that a citizen or a register withholds from use: they are there, and no benefit may read them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from features.history.journal import Journal

CITIZEN = "citizen"


@dataclass(frozen=True, slots=True)
class Withheld:
    """One fact of one subject is withheld, or released again.

    Attributes:
        number: counted from 1.
        kind, subject, fact: what.
        by: `citizen`, or the id of the register that withholds it.
        released: it may be used again.
        learned_at: since when (UTC).
    """

    number: int
    kind: str
    subject: str
    fact: str
    by: str
    released: bool
    learned_at: dt.datetime


class Withholding:
    """What is withheld. Each who withholds releases only what it withheld itself."""

    def __init__(self, folder: Path) -> None:
        self._journal = Journal(folder / "withholding.jsonl")

    def withhold(self, kind: str, subject: str, fact: str, by: str, learned_at: dt.datetime) -> None:
        """From `learned_at` on nobody reads the fact."""
        self._note(kind, subject, fact, by, learned_at, released=False)

    def release(self, kind: str, subject: str, fact: str, by: str, learned_at: dt.datetime) -> None:
        """From `learned_at` on the fact may be read, as far as it was `by` who withheld it."""
        self._note(kind, subject, fact, by, learned_at, released=True)

    def _note(self, kind: str, subject: str, fact: str, by: str, learned_at: dt.datetime, *, released: bool) -> None:
        moment = learned_at.astimezone(dt.UTC).isoformat()
        self._journal.append(
            {"kind": kind, "subject": subject, "fact": fact, "by": by, "released": released, "learned_at": moment}
        )

    def moments(self, after: int = 0) -> list[dt.datetime]:
        """When what was noted behind the first so many entries was noted."""
        return self._journal.moments(after)

    def entries(self) -> Iterator[Withheld]:
        """Everything noted, in the order of its moment."""
        found = [
            Withheld(
                number,
                str(entry["kind"]),
                str(entry["subject"]),
                str(entry["fact"]),
                str(entry["by"]),
                bool(entry["released"]),
                dt.datetime.fromisoformat(str(entry["learned_at"])),
            )
            for number, entry in enumerate(self._journal.entries(), start=1)
        ]
        yield from sorted(found, key=lambda one: (one.learned_at, one.number))

    def in_force(self, kind: str, known_at: dt.datetime) -> set[tuple[str, str]]:
        """The (subject, fact) pairs of a kind that are withheld at a moment."""
        last: dict[tuple[str, str, str], Withheld] = {}
        for one in self.entries():
            if one.kind == kind and one.learned_at <= known_at:
                last[(one.subject, one.fact, one.by)] = one
        return {(one.subject, one.fact) for one in last.values() if not one.released}
