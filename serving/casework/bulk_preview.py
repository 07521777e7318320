"""What an act on many cases would do: totals, outliers, what is left out and why. It does nothing.

A preview holds each case and entitlement as it was read, and its fingerprint says so in few signs: whoever proposes or
agrees hands it back, so that nothing is done to many but what was seen.
"""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from statistics import median

import rfc8785
from sqlalchemy import Connection

from serving.casework.carrying_out import way_of
from serving.casework.cases import Case, cases_numbered
from serving.casework.clocks import Kind
from serving.casework.errors import NotAllowedError, NotFoundError
from serving.casework.moves import Entitlement, entitlements_numbered
from serving.casework.review import Verdict, have_arrived, recommend, were_confirmed

MOST_CASES = 200
ALLOWED = frozenset({Verdict.GRANT, Verdict.OFFER, Verdict.ASK})
TOGETHER = frozenset({Kind.REVIEW})
"""Kinds of cases that are decided together. The others somebody asked for, or doubts a fact of, or samples blindly."""
_FAR = 3
"""An amount so many median absolute deviations away from the median is an outlier."""


class LeftOut(enum.StrEnum):
    """Why a case is decided by itself.

    What the engine recommends stands in none of them: who looks at a case has their own view first (review.md).
    """

    NOT_OPEN = "not_open"
    IN_HAND = "in_hand"
    NO_ENTITLEMENT = "no_entitlement"
    OWN_MATTER = "own_matter"
    """It is of a kind that is heard by itself: an objection, a wish for a person, a doubt."""
    ABOVE_CAP = "above_cap"
    BY_ITSELF = "by_itself"
    """The verdict is not for it as it stands, the engine would decide otherwise."""
    CHANGED = "changed"
    """Something was done to it, or its amount is another one, since the act was proposed."""


@dataclass(frozen=True, slots=True)
class Line:
    """A case and what it is about, as they were read."""

    case: Case
    of: Entitlement


@dataclass(frozen=True, slots=True)
class Preview:
    """What an act on many cases would do.

    Attributes:
        verdict: of all of them.
        lines: the cases that it can be about.
        left_out: by case, why it is decided by itself.
    """

    verdict: Verdict
    lines: tuple[Line, ...]
    left_out: dict[int, LeftOut] = field(default_factory=dict)

    @property
    def cases(self) -> tuple[Case, ...]:
        """Those that it can be about."""
        return tuple(line.case for line in self.lines)

    @property
    def totals(self) -> dict[str, int]:
        """By unit, the sum of the amounts in minor units."""
        found: Counter[str] = Counter()
        for line in self.lines:
            found[line.of.unit] += line.of.amount_minor or 0
        return dict(found)

    @property
    def by_benefit(self) -> dict[str, int]:
        """How many of each."""
        return dict(Counter(line.of.benefit for line in self.lines))

    @property
    def unmeasured(self) -> int:
        """How many have no certain amount."""
        return sum(line.of.amount_minor is None for line in self.lines)

    @property
    def outliers(self) -> tuple[int, ...]:
        """Cases whose amount is far from the others' of their benefit."""
        amounts: dict[tuple[str, str], list[int]] = {}
        for line in self.lines:
            if line.of.amount_minor is not None:
                amounts.setdefault((line.of.benefit, line.of.unit), []).append(line.of.amount_minor)
        return tuple(
            line.case.id
            for line in self.lines
            if line.of.amount_minor is not None
            and _is_far(line.of.amount_minor, amounts[line.of.benefit, line.of.unit])
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that it says of the cases which it can be about: another amount is another fingerprint."""
        said: list[list[int | str]] = [
            [line.case.id, line.case.revision, line.of.id, line.of.revision, str(line.of.amount_minor), line.of.unit]
            for line in self.lines
        ]
        return hashlib.sha256(rfc8785.dumps({"verdict": str(self.verdict), "lines": said})).hexdigest()


def preview(connection: Connection, numbers: Sequence[int], verdict: Verdict, at: dt.datetime) -> Preview:
    """What an act on some cases would do; it does nothing.

    Raises:
        NotAllowedError: the verdict takes something away, or there are none or more than 200.
        NotFoundError: there is no such case.
    """
    if verdict not in ALLOWED:
        raise NotAllowedError(f"`{verdict}` is decided case by case: many at once are granted, offered or asked about.")
    if not 1 <= len(set(numbers)) <= MOST_CASES:
        raise NotAllowedError(f"An act is on 1 to {MOST_CASES} cases, these are {len(set(numbers))}.")
    cases = cases_numbered(connection, numbers)
    if missing := set(numbers) - {case.id for case in cases}:
        raise NotFoundError(f"There is no case {min(missing)}.")
    left_out = {case.id: why for case in cases if (why := _not_free(case, at)) is not None}
    found = fitting(connection, [case for case in cases if case.id not in left_out], verdict)
    return Preview(verdict, found.lines, dict(sorted((left_out | found.left_out).items())))


def fitting(connection: Connection, cases: Sequence[Case], verdict: Verdict) -> Preview:
    """Which of some cases a verdict on many is for, whoever has them in hand."""
    about = [case.entitlement for case in cases if case.entitlement is not None]
    entitlements = {one.id: one for one in entitlements_numbered(connection, about)}
    arrived = have_arrived(connection, entitlements)
    confirmed = were_confirmed(connection, entitlements)
    lines: list[Line] = []
    left_out: dict[int, LeftOut] = {}
    for case in cases:
        of = None if case.entitlement is None else entitlements.get(case.entitlement)
        why = _unfit(case, of, verdict, arrived, confirmed)
        if of is None or why is not None:
            left_out[case.id] = why or LeftOut.NO_ENTITLEMENT
        else:
            lines.append(Line(case, of))
    return Preview(verdict, tuple(lines), left_out)


def _not_free(case: Case, at: dt.datetime) -> LeftOut | None:
    if case.state != "open":
        return LeftOut.NOT_OPEN
    return LeftOut.IN_HAND if case.is_in_hand(at) else None


def _unfit(
    case: Case, of: Entitlement | None, verdict: Verdict, arrived: Collection[int], confirmed: Collection[int]
) -> LeftOut | None:
    if case.kind not in TOGETHER:
        return LeftOut.OWN_MATTER
    if of is None:
        return LeftOut.NO_ENTITLEMENT
    if of.over_cap:
        return LeftOut.ABOVE_CAP
    try:
        way_of(verdict, of, arrived=of.id in arrived)
    except NotAllowedError:
        return LeftOut.BY_ITSELF
    recommended = recommend(of, confirmed=of.id in confirmed, arrived=of.id in arrived).verdict
    return None if recommended in (None, verdict) else LeftOut.BY_ITSELF


def _is_far(amount: int, others: Sequence[int]) -> bool:
    middle = median(others)
    # Where most amounts are the same, any other one is looked at.
    return abs(amount - middle) > _FAR * median(abs(one - middle) for one in others)
