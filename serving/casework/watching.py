"""Watching people and machine: figures that ask a question about the code list, a rule or the training.

The figures are for quality, never for discipline: they go to whoever looks after quality, with their denominators, and
nothing here acts on anybody. A rate that is too low is asked about like one that is too high, for who never disagrees
has stopped looking.

Source: review.md, "Watching people and machine".
"""

from __future__ import annotations

import datetime as dt
import enum
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from sqlalchemy import Connection, text

SIGMAS = 3
RUBBER_STAMP_SHARE, RUBBER_STAMP_CASES = 0.01, 200
LEAST_SECONDS = 15
MOST_OTHER = 0.10
MOST_OVERTURNED = 0.10
MOST_GAP, LEAST_IN_GROUP = 0.05, 59
LEAST_FOR_RATE = 20
"""Below so many decisions a rate says nothing, and there is no alarm."""


class Alarm(enum.StrEnum):
    """What asks to be looked at."""

    FAR_FROM_BASELINE = "far_from_baseline"
    RUBBER_STAMP = "rubber_stamp"
    TOO_FAST = "too_fast"
    TOO_MANY_OTHER = "too_many_other"
    OVERTURNED_ON_APPEAL = "overturned_on_appeal"
    GROUPS_APART = "groups_apart"


@dataclass(frozen=True, slots=True)
class Made:
    """A decision that was made, as far as it is watched.

    Attributes:
        officer, benefit: whose, about what.
        overrides: other than recommended.
        recommended: was anything recommended?
        reason_code: why, if otherwise.
        seconds: from taking the case up until deciding; None: it was one of many at once.
        month: of the decision, like 2026-03.
        appealed, overturned: did its subject ask a higher authority, and did that decide otherwise?
        subject: as (kind, id), to tell groups apart.
    """

    officer: str
    benefit: str | None
    overrides: bool
    recommended: bool
    reason_code: str | None
    seconds: float | None
    month: str
    appealed: bool
    overturned: bool
    subject: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """A figure that is out of its bounds.

    Attributes:
        alarm: which.
        of: of what: an officer, a benefit, a code, a pair of groups.
        found: the figure.
        bound: what it passed.
        cases: its denominator.
    """

    alarm: Alarm
    of: str
    found: float
    bound: float
    cases: int


_MADE = text("""
    SELECT d.officer, c.benefit, d.overrides, d.reason_code, to_char(d.proposed_at AT TIME ZONE 'UTC', 'YYYY-MM'),
           CASE WHEN d.bulk_act IS NULL THEN extract(epoch FROM d.proposed_at - (
               SELECT max(e.at) FROM case_event e WHERE e.case_file = d.case_file AND e.actor = d.officer
               AND e.action IN ('leased', 'taken_over') AND e.at <= d.proposed_at)) END,
           d.recommended IS NOT NULL, later.id IS NOT NULL,
           coalesce(later.verdict NOT IN ('close', 'keep') AND later.verdict <> d.verdict, false),
           c.subject_kind, c.subject
    FROM decision d JOIN case_file c ON c.id = d.case_file
    LEFT JOIN LATERAL (
        SELECT ad.id, ad.verdict FROM case_file a JOIN decision ad ON ad.case_file = a.id
        WHERE a.entitlement = c.entitlement AND a.kind = 'appeal' AND ad.state = 'in_force' AND ad.id > d.id
        ORDER BY ad.id LIMIT 1) later ON c.kind <> 'appeal'
    WHERE d.state = 'in_force' AND d.settled_at >= :since AND d.settled_at < :until
    ORDER BY d.id
""")


def decisions_made(connection: Connection, since: dt.datetime, until: dt.datetime) -> list[Made]:
    """Every decision that came into force in a span, as far as it is watched.

    A decision counts as overturned when an appeal about the same entitlement was decided otherwise.
    """
    return [
        Made(
            officer, benefit, overrides, recommended, code, None if seconds is None else float(seconds), month,
            appealed, overturned, (kind, subject),
        )
        for officer, benefit, overrides, code, month, seconds, recommended, appealed, overturned, kind, subject
        in connection.execute(_MADE, {"since": since, "until": until})
    ]  # fmt: skip


def far_from_baseline(before: Iterable[Made], now: Iterable[Made], key: Callable[[Made], str | None]) -> list[Finding]:
    """Rates of overriding that left their own baseline by more than three standard deviations, either way.

    Args:
        before: of the time that is the baseline.
        now: of the time that is looked at.
        key: by what they are counted: officer, benefit; None: not at all.
    """
    past, present = _counted(before, key), _counted(now, key)
    found = []
    for of, (overridden, cases) in sorted(present.items()):
        base_overridden, base_cases = past.get(of, (0, 0))
        if min(cases, base_cases) < LEAST_FOR_RATE:
            continue
        # Two samples: the baseline is measured as well. One is added so that a baseline of none has a spread.
        pooled = (overridden + base_overridden + 1) / (cases + base_cases + 2)
        sigma = math.sqrt(pooled * (1 - pooled) * (1 / cases + 1 / base_cases))
        rate, base = overridden / cases, base_overridden / base_cases
        if abs(rate - base) > SIGMAS * sigma:
            bound = base + math.copysign(SIGMAS * sigma, rate - base)
            found.append(Finding(Alarm.FAR_FROM_BASELINE, of, rate, bound, cases))
    return found


def by_officer(made: Made) -> str | None:
    """Counted by who decided, where anything was recommended."""
    return made.officer if made.recommended else None


def by_benefit(made: Made) -> str | None:
    """Counted by benefit, where anything was recommended."""
    return made.benefit if made.recommended else None


def reasons_far_from_baseline(before: Sequence[Made], now: Sequence[Made]) -> list[Finding]:
    """The same of how often each reason is given, among all decisions about which anything was recommended."""
    codes = sorted({made.reason_code for made in (*before, *now) if made.overrides and made.reason_code})
    found = []
    for code in codes:

        def only(made: Made, code: str = code) -> str | None:
            return code if made.recommended else None

        past, present = (
            [_with(made, made.overrides and made.reason_code == code) for made in span] for span in (before, now)
        )
        found += far_from_baseline(past, present, only)
    return found


def rubber_stamps(made: Iterable[Made]) -> list[Finding]:
    """Who disagreed with the machine in fewer than one case of a hundred, over two hundred or more."""
    return [
        Finding(Alarm.RUBBER_STAMP, of, overridden / cases, RUBBER_STAMP_SHARE, cases)
        for of, (overridden, cases) in sorted(_counted(made, by_officer).items())
        if cases >= RUBBER_STAMP_CASES and overridden / cases < RUBBER_STAMP_SHARE
    ]


def too_fast(made: Iterable[Made]) -> list[Finding]:
    """Whose full reviews take less than fifteen seconds in the middle. Acts on many at once are not counted."""
    spans: dict[str, list[float]] = defaultdict(list)
    for one in made:
        if one.seconds is not None:
            spans[one.officer].append(one.seconds)
    return [
        Finding(Alarm.TOO_FAST, officer, median(seconds), LEAST_SECONDS, len(seconds))
        for officer, seconds in sorted(spans.items())
        if len(seconds) >= LEAST_FOR_RATE and median(seconds) < LEAST_SECONDS
    ]


def too_many_other(made: Iterable[Made]) -> list[Finding]:
    """Months in which more than one reason in ten was OTHER: the list of codes lacks one."""
    by_month: dict[str, Counter[str]] = defaultdict(Counter)
    for one in made:
        if one.reason_code is not None:
            by_month[one.month][one.reason_code] += 1
    found = []
    for month, codes in sorted(by_month.items()):
        share = codes["OTHER"] / codes.total()
        if codes.total() >= LEAST_FOR_RATE and share > MOST_OTHER:
            found.append(Finding(Alarm.TOO_MANY_OTHER, month, share, MOST_OTHER, codes.total()))
    return found


def overturned_on_appeal(made: Iterable[Made], key: Callable[[Made], str | None]) -> list[Finding]:
    """Where a higher authority decided otherwise in more than one decided appeal of ten."""
    appeals: dict[str, list[bool]] = defaultdict(list)
    for one in made:
        of = key(one)
        if one.appealed and of is not None:
            appeals[of].append(one.overturned)
    return [
        Finding(Alarm.OVERTURNED_ON_APPEAL, of, sum(outcomes) / len(outcomes), MOST_OVERTURNED, len(outcomes))
        for of, outcomes in sorted(appeals.items())
        if len(outcomes) >= LEAST_FOR_RATE and sum(outcomes) / len(outcomes) > MOST_OVERTURNED
    ]


def groups_apart(made: Iterable[Made], group: Mapping[tuple[str, str], str]) -> list[Finding]:
    """Groups of people with whom officers agree with the machine more rarely than with another, by over five points.

    Args:
        made: decisions.
        group: of each subject: an age group, sex or district; 民族 only where a law allows it. Who is in none is
            left out.
    """
    agreed: dict[str, list[bool]] = defaultdict(list)
    for one in made:
        if one.recommended and one.subject in group:
            agreed[group[one.subject]].append(not one.overrides)
    rates = {name: sum(them) / len(them) for name, them in agreed.items() if len(them) >= LEAST_IN_GROUP}
    if len(rates) < 2:
        return []
    best = max(rates, key=lambda name: (rates[name], name))
    return [
        Finding(Alarm.GROUPS_APART, f"{name} / {best}", rates[best] - rate, MOST_GAP, len(agreed[name]))
        for name, rate in sorted(rates.items())
        if rates[best] - rate > MOST_GAP
    ]


def _counted(made: Iterable[Made], key: Callable[[Made], str | None]) -> dict[str, tuple[int, int]]:
    """How many were overridden, of how many."""
    counts: dict[str, tuple[int, int]] = {}
    for one in made:
        of = key(one)
        if of is not None:
            overridden, cases = counts.get(of, (0, 0))
            counts[of] = (overridden + one.overrides, cases + 1)
    return counts


def _with(made: Made, overrides: bool) -> Made:
    return replace(made, overrides=overrides)
