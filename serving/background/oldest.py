"""How long the oldest item of every table with work in it has waited: what is stuck is seen before anybody asks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from serving import log


@dataclass(frozen=True, slots=True)
class WorkTable:
    """A table, or a state in it, whose rows wait for somebody.

    Args:
        name: of the metric.
        source: what to read: a table and a condition.
        since: the column or expression that tells since when a row waits.
        limit: after which it is stuck.
    """

    name: str
    source: str
    since: str
    limit: dt.timedelta


WORK_TABLES = (
    WorkTable("ledger_unsealed", "audit_unsealed", "at", dt.timedelta(minutes=5)),
    WorkTable(
        "outbox_ready", "outbox WHERE state = 'ready'", "greatest(created_at, not_before)", dt.timedelta(hours=1)
    ),
    WorkTable("outbox_leased", "outbox WHERE state = 'leased'", "lease_until", dt.timedelta(minutes=5)),
    WorkTable("outbox_in_doubt", "outbox WHERE state = 'in_doubt'", "settled_at", dt.timedelta(days=1)),
    # To whoever unsubscribed before it was sent it is no loss.
    WorkTable(
        "outbox_failed", "outbox WHERE state = 'failed' AND trouble IS DISTINCT FROM 'unsubscribed'", "settled_at",
        dt.timedelta(days=1),
    ),
    WorkTable("stops", "stop WHERE released_at IS NULL", "pressed_at", dt.timedelta(days=1)),
    WorkTable(
        "cases_past_due", "case_file WHERE state <> 'closed' AND paused_at IS NULL", "due_at", dt.timedelta(hours=1)
    ),
    WorkTable("bulk_acts_agreed", "bulk_act WHERE state = 'agreed'", "agreed_at", dt.timedelta(hours=1)),
    WorkTable(
        "tasks_begun", "procrastinate_jobs WHERE status = 'doing'",
        "(SELECT max(e.at) FROM procrastinate_events e WHERE e.job_id = procrastinate_jobs.id AND e.type = 'started')",
        dt.timedelta(hours=6),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Oldest:
    """The state of one table.

    Args:
        name: of the metric.
        items: how many wait.
        age: of the oldest; zero where none waits, or none is due yet.
        stuck: it has waited longer than it may.
    """

    name: str
    items: int
    age: dt.timedelta
    stuck: bool


def oldest_items(connection: Connection, now: dt.datetime, tables: Sequence[WorkTable] = WORK_TABLES) -> list[Oldest]:
    """The oldest item of each table: counts and ages, nothing of anybody."""
    found = []
    for table in tables:
        row = connection.execute(
            text(f"SELECT count(*) AS items, min({table.since}) AS since FROM {table.source}")  # nosec B608 # of constants
        ).one()
        age = max(now - row.since, dt.timedelta()) if row.since is not None else dt.timedelta()
        found.append(Oldest(table.name, int(row.items), age, age > table.limit))
    return found


def report_what_is_stuck(engine: Engine, now: dt.datetime) -> None:
    """A task: log what waits longer than it may, for somebody to act upon."""
    with engine.connect() as connection:
        for one in oldest_items(connection, now):
            if one.stuck:
                log.error("work_is_stuck", table=one.name, waiting=one.items, seconds=one.age.total_seconds())
