"""From tiers to entitlements: what a sweep found becomes something that is owed for a period, and goes its first step.

Everything here may be done twice: an entitlement is there once per subject, benefit and period, and its first step is
taken by whoever finds it still `detected`. So a run that was killed is run again.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import polars as pl
from sqlalchemy import Connection, Engine, text

from features.facts.encoding import ID

BATCH = 2_000
"""So many rows per transaction: what is lost with a killed run, and how long others wait for a row."""

Districts = Callable[[str, pl.Series], pl.DataFrame]
"""For a kind of subject and ids: `id` and a column per benefit with the district that looks after it."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides how an entitlement begins.

    Attributes:
        periods: for each unit of time that amounts are per, the key of the period that the day lies in.
        notice_until: per benefit with a public notice, when one that begins now ends.
        answer_until: until when an offer that is made now is waited for.
        review_until: until when a caseworker is to have judged what is opened now.
        caps: per benefit, what goes out without a second caseworker, in minor units.
        minor: per unit of amounts, how many minor units make one.
    """

    periods: Mapping[str, str]
    notice_until: Mapping[str, dt.datetime]
    answer_until: dt.datetime
    review_until: dt.datetime
    caps: Mapping[str, int]
    minor: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Entitled:
    """What a run came to: new entitlements, and by their new state how many took their first step."""

    found: int
    steps: dict[str, int]


def find(engine: Engine, terms: Terms, districts: Districts, at: dt.datetime) -> int:
    """Note what is owed after a sweep and is not noted yet.

    Args:
        engine: with the application's rights.
        terms: of the day.
        districts: who looks after whom.
        at: this moment.

    Returns:
        How many entitlements are new.
    """
    with engine.connect() as connection:
        connection.execute(text(_CANDIDATES))
        connection.commit()
        _assign(connection, districts)
        new = 0
        for low, high in _ranges(connection):
            parameters = _parameters(terms) | {"at": at, "low": low, "high": high}
            new += connection.execute(text(_NOTE), parameters).rowcount
            connection.commit()
        connection.execute(text("DROP TABLE candidate"))
        connection.commit()
    return new


def take_first_steps(engine: Engine, terms: Terms, at: dt.datetime, automatic: bool) -> dict[str, int]:
    """Move what was detected on: to its delivery, its offer or its review.

    Args:
        engine: with the application's rights.
        terms: of the day.
        at: this moment.
        automatic: may anything be delivered without a person? Where not, what is automatic waits as detected.

    Returns:
        By new state, how many.
    """
    steps: Counter[str] = Counter()
    noticed = {"noticed": list(terms.notice_until), "notice_until": list(terms.notice_until.values())}
    while True:
        with engine.begin() as connection:
            taken = connection.execute(text(_TAKE), {"automatic": automatic, "batch": BATCH}).scalars().all()
            if not taken:
                return dict(steps)
            found = {"taken": list(taken), "at": at}
            connection.execute(text(_CLOCK), {"taken": list(taken), "answer_until": terms.answer_until} | noticed)
            steps.update(connection.execute(text(_STEP), found | noticed).scalars())
            connection.execute(text(_OPEN_CASES), found | {"due_at": terms.review_until})


def _assign(connection: Connection, districts: Districts) -> None:
    """Give each candidate its district."""
    kinds = connection.execute(text("SELECT kind, array_agg(DISTINCT subject) FROM candidate GROUP BY kind")).all()
    connection.execute(text("CREATE TEMP TABLE home (kind text, subject text, benefit text, district text)"))
    copying = cast("object", connection.connection.cursor())
    with copying.copy("COPY home FROM STDIN") as copy:  # type: ignore[attr-defined]
        for kind, subjects in kinds:
            table = districts(str(kind), pl.Series(ID, cast(list[str], subjects), dtype=pl.String))
            long = table.unpivot(index=ID, variable_name="benefit", value_name="district")
            for subject, benefit, district in long.iter_rows():
                copy.write_row((kind, subject, benefit, district))
    connection.execute(
        text(
            "UPDATE candidate c SET district = h.district FROM home h "
            "WHERE h.kind = c.kind AND h.subject = c.subject AND h.benefit = c.benefit"
        )
    )
    connection.execute(text("DROP TABLE home"))
    connection.commit()


def _ranges(connection: Connection) -> Iterator[tuple[int, int]]:
    most = connection.execute(text("SELECT coalesce(max(number), 0) FROM candidate")).scalar_one()
    connection.commit()
    for low in range(1, int(most) + 1, BATCH):
        yield low, low + BATCH


def _parameters(terms: Terms) -> dict[str, object]:
    return {
        "pers": list(terms.periods), "keys": list(terms.periods.values()),
        "capped": list(terms.caps), "caps": list(terms.caps.values()),
        "units": list(terms.minor), "minors": list(terms.minor.values()),
    }  # fmt: skip


_CANDIDATES = """
CREATE TEMP TABLE candidate AS
SELECT row_number() OVER (ORDER BY kind, subject, benefit) AS number, c.*, NULL::text AS district FROM (
    SELECT t.subject AS kind, t.id AS subject, t.benefit, t.version, t.per, t.unit, t.amount,
           t.effective_tier AS tier, t.reasons, t.sweep
    FROM current_tier t
    WHERE t.effective_tier = 'review' OR (t.effective_tier IN ('automatic', 'confirm') AND t.outcome = 'eligible')
) c
"""
_NOTE = """
INSERT INTO entitlement (kind, subject, benefit, version, period, unit, amount_minor, over_cap, sweep, tier, reasons,
                         district, detected_at)
SELECT c.kind, c.subject, c.benefit, c.version, p.key, c.unit, (c.amount * u.minor)::bigint,
       coalesce(c.amount * u.minor > l.cap, false), c.sweep, c.tier, c.reasons, c.district, :at
FROM candidate c
JOIN unnest(CAST(:pers AS text[]), CAST(:keys AS text[])) AS p(per, key) ON p.per = c.per
LEFT JOIN unnest(CAST(:units AS text[]), CAST(:minors AS bigint[])) AS u(unit, minor) ON u.unit = c.unit
LEFT JOIN unnest(CAST(:capped AS text[]), CAST(:caps AS bigint[])) AS l(benefit, cap) ON l.benefit = c.benefit
WHERE c.number >= :low AND c.number < :high
ON CONFLICT (kind, subject, benefit, period) DO NOTHING
"""
_TAKE = """
SELECT id FROM entitlement WHERE state = 'detected' AND (:automatic OR tier <> 'automatic')
ORDER BY id LIMIT :batch FOR UPDATE SKIP LOCKED
"""
_NOTICED = """
unnest(CAST(:noticed AS text[]), CAST(:notice_until AS timestamptz[])) AS n(benefit, until)
"""
# Before the step: a row that a trigger has changed in a statement is not changed by the same statement again.
_CLOCK = f"""
UPDATE entitlement e SET next_step_at = CASE WHEN e.tier = 'confirm' THEN CAST(:answer_until AS timestamptz)
                                             WHEN e.tier = 'automatic' THEN n.until END
FROM entitlement same LEFT JOIN {_NOTICED} ON n.benefit = same.benefit
WHERE e.id = same.id AND same.id = ANY(:taken)
"""  # nosec B608 # put together of constants
_STEP = f"""
INSERT INTO move (entitlement, revision, from_state, to_state, actor_kind, actor, at)
SELECT e.id, e.revision + 1, 'detected',
       CASE WHEN e.tier = 'review' THEN 'review' WHEN e.tier = 'confirm' THEN 'offered' WHEN e.tier = 'ask' THEN 'ask'
            WHEN n.until IS NOT NULL THEN 'public_notice' ELSE 'approved' END,
       'system', 'day', :at
FROM entitlement e LEFT JOIN {_NOTICED} ON n.benefit = e.benefit
WHERE e.id = ANY(:taken)
RETURNING to_state
"""  # nosec B608 # put together of constants
_OPEN_CASES = """
INSERT INTO case_file (kind, entitlement, subject_kind, subject, benefit, district, why, opened_at, opened_by, due_at)
SELECT 'review', id, kind, subject, benefit, district, reasons, :at, 'day', :due_at
FROM entitlement WHERE id = ANY(:taken) AND state = 'review'
ON CONFLICT DO NOTHING
"""
