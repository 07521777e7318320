"""Who reads otherwise than their colleagues: of strangers, of neighbours, of their own household, of the well known.

A report for the auditor. It accuses nobody: it says where to ask.

Source:
    gates.md, S4: neighbours, watched names, more than three standard deviations. Surnames are not compared: the tables
    of this engine hold none.
"""

from __future__ import annotations

import datetime as dt
import enum
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, select

from serving.access.policy import Tie
from serving.access.roles import STAFF
from serving.store.tables.access import read_record, staff_account

SIGMAS: Final = 3.0
FEWEST_COLLEAGUES: Final = 5
"""With fewer there is nothing to compare with, and only what needs no comparison is told."""


class Measure(enum.StrEnum):
    """What is counted: different subjects that somebody read."""

    SUBJECTS = "subjects"
    STRANGERS = "strangers"
    NEIGHBOURS = "neighbours"
    WATCHED = "watched"
    OWN_HOUSEHOLD = "own_household"


@dataclass(frozen=True, slots=True)
class ReadBy:
    """One read, as the report looks at it."""

    account: str
    role: str
    subject: str
    tie: Tie


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where people live, as the registers say.

    Attributes:
        area_of: by subject, the smallest area known: a village, a street.
        household_of: by subject, their household.
        watched: subjects whom the curious look up: officials, the well known.
    """

    area_of: Mapping[str, str] = field(default_factory=dict)
    household_of: Mapping[str, str] = field(default_factory=dict)
    watched: Collection[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Somebody who stands out.

    Attributes:
        account: who.
        measure: in what.
        count: theirs.
        usual: the mean of their colleagues of the same role; None where any at all is too much.
        sigmas: how far above it, in standard deviations of those colleagues.
    """

    account: str
    measure: Measure
    count: int
    usual: float | None = None
    sigmas: float | None = None


def read_by(connection: Connection, since: dt.datetime, until: dt.datetime) -> list[ReadBy]:
    """What staff read in `[since, until)`."""
    columns = read_record.c
    rows = connection.execute(
        select(columns.account, columns.role, columns.kind, columns.subject, columns.tie)
        .where(columns.at >= since, columns.at < until, columns.role.in_([str(role) for role in STAFF]))
        .distinct()
    )
    return [ReadBy(row.account, row.role, f"{row.kind}:{row.subject}", Tie(row.tie)) for row in rows]


def persons_of_staff(connection: Connection) -> dict[str, str]:
    """By account, its holder's own subject, where a register holds one."""
    rows = connection.execute(
        select(staff_account.c.id, staff_account.c.person).where(staff_account.c.person.is_not(None))
    )
    return {row.id: row.person for row in rows}


def find_anomalies(
    reads: Iterable[ReadBy], persons: Mapping[str, str], surroundings: Surroundings = Surroundings()
) -> list[Anomaly]:
    """Those who stand out, the farthest first.

    Each is compared with the others of their role, themself left out: with themself in it, nobody among ten could ever
    be three deviations from the mean. Where all others are alike, counts still differ by chance as a Poisson's do, so
    no deviation is taken as smaller than the root of the mean (or one).

    Args:
        reads: what staff read in the time looked at.
        persons: by account, its holder's own subject.
        surroundings: where subjects live.
    """
    counts: dict[str, dict[str, dict[Measure, set[str]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(set)))
    for read in reads:
        for measure in _measures(read, persons.get(read.account), surroundings):
            counts[read.role][read.account][measure].add(read.subject)
    found: list[Anomaly] = []
    for accounts in counts.values():
        for measure in Measure:
            numbers = {account: len(measures[measure]) for account, measures in accounts.items()}
            found += _outliers(measure, numbers)
    return sorted(found, key=lambda one: (-(one.sigmas or math.inf), one.account, one.measure))


def _measures(read: ReadBy, person: str | None, around: Surroundings) -> Iterable[Measure]:
    yield Measure.SUBJECTS
    if read.tie is Tie.STRANGER:
        yield Measure.STRANGERS
    if read.subject in around.watched:
        yield Measure.WATCHED
    if person is None:
        return
    area, household = around.area_of.get(person), around.household_of.get(person)
    if area is not None and area == around.area_of.get(read.subject):
        yield Measure.NEIGHBOURS
    if read.subject == person or (
        household is not None and household in (read.subject, around.household_of.get(read.subject))
    ):
        yield Measure.OWN_HOUSEHOLD


def _outliers(measure: Measure, numbers: Mapping[str, int]) -> Iterable[Anomaly]:
    for account, number in numbers.items():
        if measure is Measure.OWN_HOUSEHOLD:
            if number:
                yield Anomaly(account, measure, number)
            continue
        others = [other for name, other in numbers.items() if name != account]
        if len(others) < FEWEST_COLLEAGUES:
            continue
        mean = sum(others) / len(others)
        spread = math.sqrt(sum((other - mean) ** 2 for other in others) / (len(others) - 1))
        sigmas = (number - mean) / max(spread, math.sqrt(mean), 1.0)
        if sigmas > SIGMAS:
            yield Anomaly(account, measure, number, mean, sigmas)
