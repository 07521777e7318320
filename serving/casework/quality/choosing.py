"""Choosing a blind sample: a function of a secret and of the answers there are, and of nothing that anybody can see.

Every answer gets a number, HMAC-SHA-256 of its sweep and determination under the secret; the lowest are chosen. Shares
and strata are those of SNAP Quality Control: grants, those who got nothing, protected groups, planted mistakes.
"""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rules.determination import Outcome
from serving.casework.quality.sizes import NOT_SELECTED, PER_GROUP, grants_to_review, seeded_among


class Stratum(enum.StrEnum):
    """From where a case was drawn. Nobody who reviews it is told."""

    GRANTED = "granted"
    NOT_SELECTED = "not_selected"
    GROUP = "group"
    SEEDED = "seeded"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer that may be drawn.

    Attributes:
        kind, subject: whose.
        benefit: which.
        sweep: that gave it.
        on_date: the day that it is about.
        outcome, amount_minor: what the engine said; of a planted case, the planted mistake.
        at: when it was given.
        period: of a grant the key of its period.
    """

    kind: str
    subject: str
    benefit: str
    sweep: int
    on_date: dt.date
    outcome: Outcome
    amount_minor: int | None
    at: dt.datetime
    period: str = ""

    @property
    def determination(self) -> str:
        """Its id: what is answered once in a sweep."""
        return ":".join(part for part in (self.kind, self.subject, self.benefit, self.period) if part)


@dataclass(frozen=True, slots=True)
class Population:
    """What the samples of one benefit and month are drawn from.

    Attributes:
        granted: automatic grants.
        not_selected: answers that gave nothing.
        groups: by protected group those of its members that were granted.
        seeded: planted cases: real facts beside an answer that is known to be wrong.
    """

    granted: Sequence[Candidate]
    not_selected: Sequence[Candidate]
    groups: Mapping[str, Sequence[Candidate]] = field(default_factory=dict)
    seeded: Sequence[Candidate] = ()


Mark = tuple[Stratum, str]
"""From where a case was drawn: of a group, which."""


@dataclass(frozen=True, slots=True, order=True)
class Drawn:
    """A case of a sample, drawn once however many strata it stands for.

    Attributes:
        place: where it comes in the queue; it tells nobody anything.
        marks: from where it was drawn.
        candidate: the answer.
    """

    place: bytes
    marks: tuple[Mark, ...] = field(compare=False)
    candidate: Candidate = field(compare=False)


def number_of(secret: bytes, candidate: Candidate) -> bytes:
    """The number of an answer under a secret."""
    return hmac.new(secret, f"{candidate.sweep}|{candidate.determination}".encode(), hashlib.sha256).digest()


def choose(secret: bytes, population: Population) -> list[Drawn]:
    """The sample of one benefit and month: a function of the secret and of the set of answers, in whatever order."""
    marks: dict[Candidate, list[Mark]] = defaultdict(list)
    parts: list[tuple[Mark, Sequence[Candidate], int]] = [
        ((Stratum.GRANTED, ""), population.granted, grants_to_review(len(set(population.granted)))),
        ((Stratum.NOT_SELECTED, ""), population.not_selected, NOT_SELECTED),
        *(((Stratum.GROUP, name), members, PER_GROUP) for name, members in sorted(population.groups.items())),
    ]
    for mark, of, many in parts:
        for each in _lowest(secret, of, many):
            marks[each].append(mark)
    known = {(each.sweep, each.determination) for each in marks}
    planted = [each for each in population.seeded if (each.sweep, each.determination) not in known]
    for each in _lowest(secret, planted, seeded_among(len(marks))):
        marks[each].append((Stratum.SEEDED, ""))
    # The queue has an order of its own: one by numbers would have those first of whom there are most to draw from.
    return sorted(Drawn(number_of(secret[::-1], each), tuple(of), each) for each, of in marks.items())


def _lowest(secret: bytes, of: Iterable[Candidate], many: int) -> list[Candidate]:
    return sorted(set(of), key=lambda each: number_of(secret, each))[:many]
