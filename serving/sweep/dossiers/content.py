"""What stands in a dossier: a subject's facts as a sweep read them, what registers said, and who names it.

Written as compressed JSON. Cells stand as columns of facts hold them (`features.facts.encoding`); days are day numbers
from 1970-01-01 and moments microseconds.
"""

from __future__ import annotations

import datetime as dt
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from explain.evidence import OnRecord
from features.facts.encoding import decode
from features.facts.population import Subject
from features.facts.values import Gap, Known, Unknown, Value
from features.facts.vocabulary import Vocabulary
from features.history.merging import GAPS, add_months
from features.history.records import Statement
from features.history.speaking import date_of

Cell = bool | int | str | list[int] | None
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_FASTEST = 1
Told = tuple[str, str, int, int | None, int, int, bool, dict[str, Cell]]
"""A view's last row: view, register, true_from, true_to, attested_on, learned_at, unreadable, cells by fact."""


@dataclass(slots=True)
class Dossier:
    """Of one subject.

    Attributes:
        listed: did any register say anything of it, or is it only named by somebody's link?
        doubtful: is it not known who belongs to it?
        facts: cells that are known, by fact.
        stale: by fact the day from which it is too old.
        links: to whom its links lead.
        gaps: codes of why facts are not known; those that are known are left out.
        told: the last row of each view.
        named_by: by link, the persons whose link leads here.
        place: its place among all of its kind: the order in which the history lists them.
    """

    listed: bool = True
    doubtful: bool = False
    facts: dict[str, Cell] = field(default_factory=dict)
    stale: dict[str, int] = field(default_factory=dict)
    links: dict[str, str | None] = field(default_factory=dict)
    gaps: dict[str, int] = field(default_factory=dict)
    told: Sequence[Told] = ()
    named_by: dict[str, list[str]] = field(default_factory=dict)
    place: int = 0

    def written(self) -> bytes:
        """As it is stored."""
        content = [
            self.listed, self.doubtful, self.facts, self.stale, self.links, self.gaps, list(self.told), self.named_by,
            self.place,
        ]  # fmt: skip
        return zlib.compress(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), _FASTEST)

    @classmethod
    def read(cls, stored: bytes) -> Dossier:
        """As :meth:`written` wrote it."""
        return cls(*json.loads(zlib.decompress(stored)))

    def subject(self, kind: str, subject_id: str, vocabulary: Vocabulary, names: Sequence[str]) -> Subject:
        """As rules read it.

        Args:
            kind: of the subject.
            subject_id: its id.
            vocabulary: of the facts.
            names: the facts of its kind that are kept.
        """
        facts = vocabulary.dictionary.facts
        held: dict[str, Known | Unknown] = dict.fromkeys(names, Unknown())
        for name, cell in self.facts.items():
            fact, day = facts[name], self.stale.get(name)
            held[name] = Known(
                _value(name, cell, vocabulary), fact.register, None, None if day is None else date_of(day)
            )
        return Subject(kind, subject_id, held, dict(self.links))

    def on_record(self, fact: str, vocabulary: Vocabulary) -> OnRecord | None:
        """What registers said of a fact; None where nobody carries it."""
        if fact not in self.gaps and fact not in self.facts and self.links.get(fact) is None:
            return None
        code = self.gaps.get(fact)
        gap: Gap | None = None if code is None else GAPS[code]
        return OnRecord(gap, tuple(_statement(row, fact, vocabulary) for row in self.told if fact in row[7]))


def _value(name: str, cell: Cell, vocabulary: Vocabulary) -> Value:
    fact = vocabulary.dictionary.facts.get(name)
    if fact is None:  # a link
        return str(cell)
    if fact.type.kind == "date":
        assert isinstance(cell, int)
        return date_of(cell)
    return decode(fact, cell)


def _statement(row: Told, name: str, vocabulary: Vocabulary) -> Statement:
    view, register, begun, ended, attested, learned, _, cells = row
    fact = vocabulary.dictionary.facts.get(name)
    months = None if fact is None else fact.maximum_age_months
    cell = cells[name]
    return Statement(
        view,
        register,
        None if cell is None else _value(name, cell, vocabulary),
        date_of(begun),
        None if ended is None else date_of(ended),
        date_of(attested),
        _EPOCH + dt.timedelta(microseconds=learned),
        None if months is None else add_months(date_of(attested), months),
    )


def microseconds(moment: dt.datetime) -> int:
    """A moment as it is stored."""
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


Dossiers = Mapping[tuple[str, str], Dossier]
"""By kind and id."""
