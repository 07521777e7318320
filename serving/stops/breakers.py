"""Circuit breakers: a sweep whose counts are unusual against the last one delivers nothing until two people looked.

They know nothing of a person, and of nobody's right: a breaker takes nothing away, it makes everybody wait for a human.

Source:
    gates.md, G13, F26: Amsterdam paid 188 million euro for 1.8 in 2013, cents taken for euros.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import Connection

from serving.stops.buttons import Scope, trip


@dataclass(frozen=True, slots=True)
class Counts:
    """What a sweep found of one benefit.

    Args:
        answers: determinations of all subjects that it applies to.
        automatic: of these, granted automatically.
        undetermined: of these, open for want of a fact.
        total_minor: what the automatic grants come to, in minor units.
        largest_minor: the largest of them.
        cap_minor: above which no single amount is automatic; None: the benefit has no cap.
    """

    answers: int
    automatic: int
    undetermined: int
    total_minor: int
    largest_minor: int = 0
    cap_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on counts are unusual.

    Args:
        automatic_change: of the share that is granted automatically, against the last sweep's share.
        total_low: the least that the total may be, of the last sweep's total.
        total_high: the most.
        undetermined_rise: by which the share of open answers may rise, of all answers.
        least: differences of fewer subjects than this say nothing: in a village one birth is a fifth.
    """

    automatic_change: Fraction = Fraction(20, 100)
    total_low: Fraction = Fraction(50, 100)
    total_high: Fraction = Fraction(150, 100)
    undetermined_rise: Fraction = Fraction(5, 100)
    least: int = 10


@dataclass(frozen=True, slots=True)
class Unusual:
    """Why a benefit is stopped.

    Args:
        benefit: which.
        breaker: which figure: `automatic_share`, `amount_above_cap`, `total`, `undetermined_share`.
        before: of the last sweep, or the cap.
        now: of this one.
    """

    benefit: str
    breaker: str
    before: Fraction
    now: Fraction

    def sentence(self) -> str:
        """The reason that is shown beside the stop."""
        before, now = (f"{float(figure):.4g}" for figure in (self.before, self.now))
        return f"{self.breaker}: {now} against {before}"


def unusual(last: Mapping[str, Counts], this: Mapping[str, Counts], limits: Limits = Limits()) -> list[Unusual]:
    """What is unusual in a sweep against the last one.

    A benefit that the last sweep did not have is held against its cap alone; one that this sweep does not have any more
    counts as nobody granted.

    Args:
        last: per benefit, of the last sweep whose deliveries were let through.
        this: per benefit, of the new one.
        limits: from when on.
    """
    found: list[Unusual] = []
    for benefit in sorted(last.keys() | this.keys()):
        now = this.get(benefit, Counts(0, 0, 0, 0))
        if now.cap_minor is not None and now.largest_minor > now.cap_minor:
            figures = Fraction(now.cap_minor), Fraction(now.largest_minor)
            found.append(Unusual(benefit, "amount_above_cap", *figures))
        if benefit in last:
            found.extend(_changes(benefit, last[benefit], now, limits))
    return found


def trip_unusual(connection: Connection, findings: Iterable[Unusual], now: dt.datetime) -> list[int]:
    """Press a stop for each benefit of which something is unusual.

    Args:
        connection: in the transaction before any delivery of the sweep may begin.
        findings: of :func:`unusual`.
        now: when.

    Returns:
        The numbers of the stops that are new; a benefit that a breaker holds already keeps the stop that it has.
    """
    reasons: dict[str, list[Unusual]] = {}
    for finding in findings:
        reasons.setdefault(finding.benefit, []).append(finding)
    pressed: list[int] = []
    for benefit, all_of_it in reasons.items():
        why = "; ".join(one.sentence() for one in all_of_it)
        number = trip(connection, Scope.BENEFIT, benefit, all_of_it[0].breaker, why, now)
        if number is not None:
            pressed.append(number)
    return pressed


def _changes(benefit: str, last: Counts, now: Counts, limits: Limits) -> list[Unusual]:
    found: list[Unusual] = []
    # Expected: what the last share comes to among the answers of today.
    share, share_now = _share(last.automatic, last.answers), _share(now.automatic, now.answers)
    among = max(now.answers, last.answers)
    far = abs(share_now - share) * among >= limits.least
    if far and abs(share_now - share) > limits.automatic_change * share:
        found.append(Unusual(benefit, "automatic_share", share, share_now))
    total, total_now = Fraction(last.total_minor), Fraction(now.total_minor)
    # Where few are granted their number says nothing; what one of them gets on average still does.
    many = max(last.automatic, now.automatic) >= limits.least
    mean, mean_now = Fraction(total, last.automatic or 1), Fraction(total_now, now.automatic or 1)
    compared = (total, total_now) if many else (mean, mean_now if now.automatic and last.automatic else mean)
    if not limits.total_low * compared[0] <= compared[1] <= limits.total_high * compared[0]:
        found.append(Unusual(benefit, "total", total, total_now))
    open_, open_now = _share(last.undetermined, last.answers), _share(now.undetermined, now.answers)
    if (open_now - open_) * among >= limits.least and open_now - open_ > limits.undetermined_rise:
        found.append(Unusual(benefit, "undetermined_share", open_, open_now))
    return found


def _share(part: int, whole: int) -> Fraction:
    return Fraction(part, whole) if whole else Fraction(0)
