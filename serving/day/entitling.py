"""From tiers to entitlements: what a sweep found becomes something that is owed for a period.

Everything here may be done twice: an entitlement is there once per subject, benefit and period.
"""

from __future__ import annotations

import datetime as dt
import enum
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import polars as pl
from sqlalchemy import Connection, text

from features.facts.encoding import ID
from rules.determination import Outcome
from serving.casework.clocks import Kind
from serving.casework.holding import ChangedAnswer
from serving.day.reconciling import HandOver
from serving.delivery.bundles.model import Item

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
        remind_at: per benefit, when somebody is reminded of what is offered now.
        cases: per kind of case that begins here, when one that is opened now is due, and by when it is taken up.
        caps: per benefit, what goes out without a second caseworker, in minor units.
        minor: per unit of amounts, how many minor units make one.
    """

    periods: Mapping[str, str]
    notice_until: Mapping[str, dt.datetime]
    remind_at: Mapping[str, dt.datetime]
    cases: Mapping[Kind, tuple[dt.datetime, dt.datetime | None]]
    caps: Mapping[str, int]
    minor: Mapping[str, int]


class Becomes(enum.Enum):
    """What settling a household does to one of its items."""

    ASIDE = "aside"
    """Something better is received instead: it is neither noted nor offered."""
    CONFIRM = "confirm"
    """It costs something else: nobody but the household says yes to that."""
    REVIEW = "review"
    """Which is better the household alone can say, and a caseworker helps it to."""
    CASEWORKER = "caseworker"
    """An offer would tell the whole household what not all of it may know: a caseworker finds out whom to tell."""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one item, and why: reasons as they are kept with a tier."""

    item: Item
    becomes: Becomes | None
    reasons: tuple[Mapping[str, object], ...]


def look(connection: Connection) -> None:
    """Keep, for this connection, how everybody stands who is owed something or of whom something is open.

    One look for all that follows: how everybody stands is read out of millions of answers.
    """
    connection.execute(text("DROP TABLE IF EXISTS pg_temp.today"))  # the connection may have had its look before
    connection.execute(text(_TODAY))
    connection.commit()


@dataclass(frozen=True, slots=True)
class Noted:
    """What came of a sweep's answers.

    Attributes:
        new: entitlements that were not there before.
        hand_overs: the counts of each step.
    """

    new: int
    hand_overs: tuple[HandOver, ...]


def find(
    connection: Connection, terms: Terms, districts: Districts, changes: Sequence[Sequence[Change]], at: dt.datetime
) -> Noted:
    """Note what is owed and is not noted yet.

    Args:
        connection: that has had its :func:`look`; it commits as it goes.
        terms: of the day.
        districts: who looks after whom.
        changes: what becomes of items for other reasons than their tier; each list has an item once.
        at: this moment.

    Raises:
        CountsDifferError: something is owed and nothing came of it.
    """
    connection.execute(text("DROP TABLE IF EXISTS pg_temp.candidate, pg_temp.home"))  # of a run that ended early
    connection.execute(text(_CANDIDATES))
    _assign(connection, districts)
    open_ones, candidates = connection.execute(text(_CAME)).one()
    asked = connection.execute(text("SELECT count(*) FROM today WHERE tier = 'ask'")).scalar_one()
    to_candidates = HandOver("from tiers to what is owed", open_ones, {"ask": asked, "owed": candidates})
    to_candidates.require_equal()
    aside = sum(_change(connection, some) for some in changes)
    parameters = _parameters(terms)
    new = 0
    for low, high in _ranges(connection):
        noting = parameters | {"at": at, "low": low, "high": high}
        new += int(connection.execute(text(_NOTE), noting).scalar_one())
        connection.commit()
    there = connection.execute(text(_THERE), {name: parameters[name] for name in ("pers", "keys")}).scalar_one()
    to_entitlements = HandOver(
        "from what is owed to entitlements", candidates, {"set_aside": aside, "entitlements": there}
    )
    to_entitlements.require_equal()
    connection.execute(text("DROP TABLE candidate"))
    connection.commit()
    return Noted(new, (to_candidates, to_entitlements))


def supersede(connection: Connection, terms: Terms, at: dt.datetime) -> int:
    """Take back what was detected and is no longer owed, before anybody was told of it.

    Returns:
        How many.
    """
    parameters = {"keys": list(terms.periods.values()), "at": at}
    taken = connection.execute(text(_SUPERSEDE), parameters).scalar_one()
    connection.commit()
    return int(taken)


def turned(connection: Connection, terms: Terms) -> list[ChangedAnswer]:
    """What somebody was told of, or received, this period, and is no longer answered with yes."""
    rows = connection.execute(text(_TURNED), {"keys": list(terms.periods.values())}).all()
    connection.commit()
    return [
        ChangedAnswer(str(kind), str(subject), str(benefit), str(period), Outcome(outcome))
        for kind, subject, benefit, period, outcome in rows
    ]


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


def _change(connection: Connection, changes: Sequence[Change]) -> int:
    """Put into effect what settling households came to; it makes nothing less careful.

    Returns:
        How many are set aside.
    """
    rows = [
        {"kind": one.item.kind, "subject": one.item.subject, "benefit": one.item.benefit,
         "becomes": None if one.becomes is None else one.becomes.value, "reasons": list(one.reasons)}
        for one in changes
    ]  # fmt: skip
    connection.execute(text(_CHANGE), {"rows": json.dumps(rows, ensure_ascii=False)})
    aside = connection.execute(text(_SET_ASIDE), {"rows": json.dumps(rows, ensure_ascii=False)}).rowcount
    connection.commit()
    return aside


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


_TODAY = """
CREATE TEMP TABLE today AS
SELECT subject AS kind, id AS subject, benefit, version, outcome, amount, amount_low, amount_high, per, unit,
       effective_tier AS tier, reasons, sweep
FROM current_tier WHERE effective_tier <> 'none'
"""
_CANDIDATES = """
CREATE TEMP TABLE candidate AS
SELECT row_number() OVER (ORDER BY kind, subject, benefit) AS number, t.*, NULL::text AS district
FROM today t WHERE tier = 'review' OR (tier IN ('automatic', 'confirm') AND outcome = 'eligible')
"""
_CAME = "SELECT (SELECT count(*) FROM today), (SELECT count(*) FROM candidate)"
_THERE = """
SELECT count(*) FROM candidate c
JOIN unnest(CAST(:pers AS text[]), CAST(:keys AS text[])) AS p(per, key) ON p.per = c.per
JOIN entitlement e ON e.kind = c.kind AND e.subject = c.subject AND e.benefit = c.benefit AND e.period = p.key
"""
_SUPERSEDE = """
WITH gone AS (
    INSERT INTO move (entitlement, revision, from_state, to_state, actor_kind, actor, at)
    SELECT e.id, e.revision + 1, e.state, 'superseded', 'system', 'day', :at
    FROM entitlement e
    WHERE e.state IN ('detected', 'ask') AND e.period = ANY(:keys) AND NOT EXISTS (
        SELECT FROM today t WHERE t.kind = e.kind AND t.subject = e.subject AND t.benefit = e.benefit)
    RETURNING 1)
SELECT count(*) FROM gone
"""
_TURNED = """
SELECT e.kind, e.subject, e.benefit, e.period, coalesce(t.outcome, 'ineligible')
FROM entitlement e
LEFT JOIN today t ON t.kind = e.kind AND t.subject = e.subject AND t.benefit = e.benefit
WHERE e.period = ANY(:keys) AND coalesce(t.outcome, 'ineligible') <> 'eligible'
  AND e.state NOT IN ('detected', 'ask', 'review', 'superseded', 'denied', 'ended', 'refused', 'completed')
"""
_CHANGES = """
jsonb_to_recordset(CAST(:rows AS jsonb)) AS x(kind text, subject text, benefit text, becomes text, reasons jsonb)
"""
_CHANGE = f"""
UPDATE candidate c
SET tier = CASE WHEN x.becomes = 'review' OR (x.becomes = 'confirm' AND c.tier = 'automatic') THEN x.becomes
                WHEN x.becomes = 'caseworker' AND c.tier = 'confirm' THEN 'review' ELSE c.tier END,
    reasons = CASE WHEN x.becomes = 'caseworker' AND c.tier <> 'confirm' THEN c.reasons ELSE c.reasons || x.reasons END
FROM {_CHANGES} WHERE c.kind = x.kind AND c.subject = x.subject AND c.benefit = x.benefit
"""  # nosec B608 # put together of constants
_SET_ASIDE = f"""
DELETE FROM candidate c USING {_CHANGES}
WHERE x.becomes = 'aside' AND c.kind = x.kind AND c.subject = x.subject AND c.benefit = x.benefit
"""  # nosec B608 # put together of constants
_NOTE = """
WITH noted AS (
INSERT INTO entitlement (kind, subject, benefit, version, period, unit, amount_minor, over_cap, sweep, tier, reasons,
                         district, detected_at)
SELECT c.kind, c.subject, c.benefit, c.version, p.key, c.unit, (c.amount * u.minor)::bigint,
       coalesce(c.amount * u.minor > l.cap, false), c.sweep, c.tier, c.reasons, c.district, :at
FROM candidate c
JOIN unnest(CAST(:pers AS text[]), CAST(:keys AS text[])) AS p(per, key) ON p.per = c.per
LEFT JOIN unnest(CAST(:units AS text[]), CAST(:minors AS bigint[])) AS u(unit, minor) ON u.unit = c.unit
LEFT JOIN unnest(CAST(:capped AS text[]), CAST(:caps AS bigint[])) AS l(benefit, cap) ON l.benefit = c.benefit
WHERE c.number >= :low AND c.number < :high
ON CONFLICT (kind, subject, benefit, period) DO NOTHING RETURNING 1)
SELECT count(*) FROM noted
"""
