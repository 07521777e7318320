"""What a day's run reads and counts: how everybody stands, what the last run found, and may anything go by itself."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import cast

from sqlalchemy import Connection, text

from rules.answers import amount_period
from rules.rulebook import Rulebook
from serving.day.bundling import Found, Held
from serving.day.entitling import Terms
from serving.day.errors import CountsDifferError
from serving.day.reconciling import HandOver
from serving.delivery.bundles.model import Item
from serving.ledger.intents import is_behind, record_sweep
from serving.ledger.leaves import Json
from serving.stops.breakers import Counts
from serving.stops.buttons import Scope, pressed
from serving.store.sweeps import Sweep
from serving.sweep.account import Account
from serving.sweep.errors import AutomaticStoppedError


def begin(connection: Connection, sweep: int, at: dt.datetime) -> None:
    """Note that a run has begun; one that was interrupted goes on."""
    connection.execute(
        text("INSERT INTO day_run (sweep, started_at) VALUES (:sweep, :at) ON CONFLICT DO NOTHING"),
        {"sweep": sweep, "at": at},
    )


def is_complete(connection: Connection, sweep: int) -> bool:
    """Was the run after a sweep completed?"""
    query = text("SELECT completed_at IS NOT NULL FROM day_run WHERE sweep = :sweep")
    return bool(connection.execute(query, {"sweep": sweep}).scalar_one_or_none())


def complete(
    connection: Connection, sweep: Sweep, counts: Mapping[str, Counts], account: Mapping[str, object], at: dt.datetime
) -> bool:
    """Note what a run came to, and attest it in the ledger: once, however often it is run.

    Returns:
        Whether it was not complete before.
    """
    done = connection.execute(
        text(
            "UPDATE day_run SET completed_at = :at, counts = CAST(:counts AS jsonb), account = CAST(:account AS jsonb) "
            "WHERE sweep = :sweep AND completed_at IS NULL"
        ),
        {
            "sweep": sweep.id, "at": at, "account": json.dumps(account),
            "counts": json.dumps({benefit: asdict(count) for benefit, count in counts.items()}),
        },
    )  # fmt: skip
    if not done.rowcount:
        return False
    attested = {name: cast(Json, value) for name, value in account.items()}
    record_sweep(connection, sweep.id, sweep.rulebook, attested, at)
    return True


def events_known(connection: Connection, sweep: int) -> int:
    """The last part of the log of life events that the run before that of a sweep knew of; 0 before the first."""
    query = text(
        "SELECT account ->> 'events' FROM day_run "
        "WHERE sweep < :sweep AND completed_at IS NOT NULL ORDER BY sweep DESC LIMIT 1"
    )
    return int(connection.execute(query, {"sweep": sweep}).scalar_one_or_none() or 0)


def tiers_of_everybody(connection: Connection, sweep: Sweep) -> HandOver:
    """How many determinations are in each tier: those in '' are in none.

    Raises:
        CountsDifferError: some are in none, or there are more or fewer than the sweep counted.
    """
    rows = connection.execute(text("SELECT effective_tier, count(*) FROM current_tier GROUP BY 1")).all()
    tiers = {str(tier or ""): int(count) for tier, count in rows}
    counted = sum(tally.outcomes.total() for tally in Account.read(sweep.account).tallies.values())
    found = HandOver("from the sweep's determinations to tiers", counted, tiers)
    found.require_equal()
    if "" in tiers:
        raise CountsDifferError("tiers that were computed", counted, {k: n for k, n in tiers.items() if k})
    return found


def counts_of(connection: Connection, sweep: Sweep, caps: Mapping[str, int]) -> dict[str, Counts]:
    """What the breakers compare, by benefit, of how everybody stands today (:func:`entitling.look`)."""
    tallies = Account.read(sweep.account).tallies
    rows = connection.execute(text(_COUNTS)).all()
    found: dict[str, Counts] = {}
    for benefit, automatic, undetermined, total, largest in rows:
        name = str(benefit)
        answers = tallies[name].outcomes.total()
        found[name] = Counts(answers, automatic, undetermined, total or 0, largest or 0, caps.get(name))
    return found


def last_counts(connection: Connection, sweep: int) -> dict[str, Counts]:
    """Of the last run that was completed before that of a sweep; nothing before the first."""
    stored = connection.execute(
        text(
            "SELECT counts FROM day_run WHERE sweep < :sweep AND completed_at IS NOT NULL ORDER BY sweep DESC LIMIT 1"
        ),
        {"sweep": sweep},
    ).scalar_one_or_none()
    return {} if stored is None else {benefit: Counts(**count) for benefit, count in stored.items()}


def found_today(connection: Connection) -> list[Found]:
    """What is owed or open, of everybody."""
    rows = connection.execute(
        text("SELECT benefit, kind, subject, outcome, version, amount_low, amount_high, per, unit FROM today")
    ).all()
    return [
        Found(Item(benefit, kind, subject), outcome == "eligible", version, low, high, per, unit)
        for benefit, kind, subject, outcome, version, low, high, per, unit in rows
    ]


def held_today(connection: Connection, terms: Terms, rulebook: Rulebook, on_date: dt.date) -> list[Held]:
    """What is received this period: approved, on its way, or paid."""
    rows = connection.execute(text(_HELD), {"keys": list(terms.periods.values())}).all()
    plans = rulebook.in_force(on_date)
    return [
        Held(Item(benefit, kind, subject), amount, amount_period(plans[benefit]), unit)
        for benefit, kind, subject, amount, unit in rows
        if benefit in plans
    ]


def may_be_automatic(connection: Connection, sweep: Sweep, at: dt.datetime) -> bool:
    """May anything go without a person? Not where a check did not pass, everything is stopped, or the ledger lags."""
    try:
        Account.read(sweep.account).require_automatic()
    except AutomaticStoppedError:
        return False
    everything = any(stop.scope is Scope.ALL for stop in pressed(connection))
    behind = is_behind(connection, at)
    connection.commit()  # the steps that follow take minutes on other connections: nothing is left open meanwhile
    return not everything and not behind


def count_waiting(connection: Connection) -> int:
    """Entitlements that wait for their first step."""
    return int(connection.execute(text("SELECT count(*) FROM entitlement WHERE state = 'detected'")).scalar_one())


_COUNTS = """
SELECT benefit, count(*) FILTER (WHERE tier = 'automatic'), count(*) FILTER (WHERE outcome = 'undetermined'),
       (100 * sum(amount) FILTER (WHERE tier = 'automatic'))::bigint,
       (100 * max(amount) FILTER (WHERE tier = 'automatic'))::bigint
FROM today GROUP BY benefit
"""
_HELD = """
SELECT benefit, kind, subject, amount_minor, unit FROM entitlement
WHERE period = ANY(:keys) AND state IN ('approved', 'submitted', 'paid', 'monitored', 'reinstated')
"""
