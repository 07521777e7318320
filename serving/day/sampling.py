"""Blind samples, month by month: the secret promised before, the sample drawn after, what was measured.

A month's secret lies in the folder of secrets as `sample-2026-03`; only its hash is in the database. The first run of a
month promises that of the next one too, so that no answer of a month is given before its secret is promised; in the
very first month what was granted before the promise is not drawn from.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, RowMapping, text

from rules.determination import Outcome
from serving import log
from serving.casework.errors import SampleError
from serving.casework.periods import local_day, period_of, start_of
from serving.casework.quality.choosing import Candidate, Population
from serving.casework.quality.grants import automatic_grants
from serving.casework.quality.measured import measured_errors
from serving.casework.quality.samples import commit, draw, reveal

MonthSecret = Callable[[str], bytes | None]
"""The secret of a month like `2026-03`; None: nobody has put one there, and nothing is drawn."""
_OVER_EVERYWHERE = dt.timedelta(days=2)
"""So long after its end a month is over in every zone."""
PLANTED_FROM = 1_000
"""Of so many refused, and so many granted, answers a wrong one is made: the secret chooses among them."""
_WRONG_BY_MINOR = 10_000
"""A planted amount is off by so much: more than rounding, less than what strikes the eye."""


@dataclass(frozen=True, slots=True)
class BlindlyMeasured:
    """The error of one benefit's automatic grants, as `look_after_registers` takes it."""

    benefit: str
    sampled: int
    wrong: int
    low: float
    high: float


def promise(connection: Connection, secret_of: MonthSecret, zone: ZoneInfo, at: dt.datetime) -> list[str]:
    """Promise the secrets of this month and the next, where they are there and not promised yet.

    Returns:
        The months.
    """
    this = period_of("month", local_day(at, zone))
    promised = []
    for month in (this.key, period_of("month", this.end).key):
        known = connection.execute(text("SELECT 1 FROM sample_commitment WHERE month = :month"), {"month": month})
        if known.first() is None and (secret := secret_of(month)) is not None:
            commit(connection, month, secret, at)
            promised.append(month)
    return promised


def draw_last_month(
    connection: Connection, secret_of: MonthSecret, benefits: Sequence[str], zone: ZoneInfo, at: dt.datetime
) -> Counter[str]:
    """Draw last month's samples, which puts them into the queue of those who review; of each benefit once.

    Args:
        connection: with no transaction open; it commits after each benefit.
        secret_of: the secrets.
        benefits: all there are.
        zone: where months begin and end.
        at: this moment.

    Returns:
        By benefit, how many cases.
    """
    this = period_of("month", local_day(at, zone))
    month = period_of("month", this.start - dt.timedelta(days=1))
    drawn: Counter[str] = Counter()
    promised = connection.execute(text(_PROMISED), {"month": month.key}).scalar_one_or_none()
    before = set(connection.execute(text(_DRAWN), {"month": month.key}).scalars())
    left = [benefit for benefit in benefits if benefit not in before]
    secret = secret_of(month.key) if promised is not None and left else None
    if promised is None or secret is None:
        connection.commit()
        return drawn
    until = start_of(month.end, zone)
    last = connection.execute(text(_LAST_SWEEP), {"since": promised, "until": until}).mappings().one_or_none()
    connection.execute(text(_NOT_SELECTED), {"sweep": 0 if last is None else last["id"]})
    for benefit in left:
        granted = [one for one in automatic_grants(connection, benefit, month.key, zone) if one.at >= promised]
        refused = [] if last is None else _not_selected(connection, benefit, last)
        if granted or refused:
            population = Population(granted, refused, seeded=planted(granted, refused))
            drawn[benefit] = len(draw(connection, month.key, secret, benefit, population, at))
        connection.commit()
    connection.execute(text("DROP TABLE not_selected"))
    connection.commit()
    return drawn


def reveal_past(engine: Engine, secret_of: MonthSecret, zone: ZoneInfo, at: dt.datetime) -> list[str]:
    """Publish the secrets of months that are over, as soon as they help nobody any more.

    With the secret one knows which case of a sample is planted, and which was refused: it waits until the sample is
    drawn and every case of it reviewed. When the next month is over too it waits no longer: nothing is drawn with it
    any more.

    Args:
        engine: with the application's rights; each month is a transaction.
        secret_of: the secrets, of which none is made for this.
        zone: where months begin and end.
        at: this moment.

    Returns:
        The months.
    """
    this = period_of("month", local_day(at - _OVER_EVERYWHERE, zone))
    last = period_of("month", this.start - dt.timedelta(days=1))
    with engine.connect() as connection:
        due = connection.execute(text(_TO_REVEAL), {"last": last.key, "over": start_of(this.start, zone)}).scalars()
        months = [str(month) for month in due]
    return [month for month in months if _revealed(engine, month, secret_of(month), at)]


def _revealed(engine: Engine, month: str, secret: bytes | None, at: dt.datetime) -> bool:
    try:
        if secret is None:
            raise SampleError(f"The secret of {month} is not at hand.")
        with engine.begin() as connection:
            reveal(connection, month, secret, at)
    except SampleError as error:
        # The others are published all the same; somebody has to look for this one.
        log.error("sample_is_not_revealed", outcome=type(error).__name__)
        return False
    return True


def planted(granted: Sequence[Candidate], refused: Sequence[Candidate]) -> list[Candidate]:
    """Wrong answers beside real facts: the opposite of what the rules say, or another amount. A function of both sets.

    What the rules refuse or grant they do for certain, whatever is not known; so that the opposite is wrong, unless the
    rules are, and a reviewer who sees that finds more than was planted.
    """
    amounts = sorted(each.amount_minor for each in granted if each.amount_minor is not None)
    usual = amounts[len(amounts) // 2] if amounts else None
    found = [replace(each, outcome=Outcome.ELIGIBLE, amount_minor=usual) for each in _some(refused)]
    for place, each in enumerate(_some(granted)):
        if place % 2 and each.amount_minor is not None:
            found.append(replace(each, amount_minor=each.amount_minor + _WRONG_BY_MINOR))
        else:
            found.append(replace(each, outcome=Outcome.INELIGIBLE, amount_minor=None))
    return found


def measured(connection: Connection) -> list[BlindlyMeasured]:
    """What samples say of each benefit's automatic grants: of the last month that was reviewed to its end.

    A later one counts before its end where it is worse than that: of what is left nothing makes it right again.
    """
    found: dict[str, BlindlyMeasured] = {}
    drawn = connection.execute(text(_GRANTS_DRAWN)).all()
    for month in dict.fromkeys(str(month) for month, _, _ in drawn):
        sizes = {str(benefit): int(count) for other, benefit, count in drawn if other == month}
        for benefit, one in measured_errors(connection, [month]).items():
            size = sizes[benefit]
            complete, worse = one.n == size, benefit not in found or one.errors > found[benefit].wrong
            if complete or (one.errors and worse):
                found[benefit] = BlindlyMeasured(benefit, size, one.errors, one.low, one.high)
    return list(found.values())


def _not_selected(connection: Connection, benefit: str, last: RowMapping) -> list[Candidate]:
    rows = connection.execute(text("SELECT kind, id FROM not_selected WHERE benefit = :benefit"), {"benefit": benefit})
    return [
        Candidate(kind, subject, benefit, last["id"], last["on_date"], Outcome.INELIGIBLE, None, last["completed_at"])
        for kind, subject in rows
    ]


def _some(of: Sequence[Candidate]) -> list[Candidate]:
    """The same ones whenever they are asked for, from all over the city."""
    return sorted(of, key=lambda each: hashlib.sha256(each.determination.encode()).digest())[:PLANTED_FROM]


_PROMISED = "SELECT committed_at FROM sample_commitment WHERE month = :month AND revealed_at IS NULL"
# The first run of a month draws the last one's samples before it is complete.
_TO_REVEAL = """
SELECT c.month FROM sample_commitment c
WHERE c.revealed_at IS NULL AND (c.month < :last OR (c.month = :last
    AND EXISTS (SELECT FROM day_run d WHERE d.started_at >= :over AND d.completed_at IS NOT NULL)
    AND NOT EXISTS (SELECT FROM sample s WHERE s.month = c.month
                    AND NOT EXISTS (SELECT FROM sample_review r WHERE r.sample = s.id))))
ORDER BY c.month
"""
_DRAWN = "SELECT DISTINCT benefit FROM sample WHERE month = :month"
_LAST_SWEEP = """
SELECT id, on_date, completed_at FROM sweep
WHERE state = 'complete' AND completed_at >= :since AND completed_at < :until ORDER BY id DESC LIMIT 1
"""
# What stood after that sweep; an answer that is older it looked at and left as it was.
_NOT_SELECTED = """
CREATE TEMP TABLE not_selected AS
SELECT a.benefit, s.kind, s.id
FROM (SELECT DISTINCT ON (kind, id) * FROM standing WHERE sweep <= :sweep ORDER BY kind, id, sweep DESC) s
CROSS JOIN LATERAL unnest(s.answers) AS x(answer) JOIN answer a ON a.id = x.answer
WHERE a.outcome = 'ineligible'
"""
_GRANTS_DRAWN = """
SELECT s.month, s.benefit, count(*) FROM sample s
JOIN sample_stratum t ON t.sample = s.id AND t.stratum = 'granted' GROUP BY 1, 2 ORDER BY 1
"""
