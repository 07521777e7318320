"""All that an installation does by itself, and when: the list of its periodic tasks."""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from models.lifecycle.settings import read_settings
from serving import clock, log
from serving.access.login.attempts import forget_attempts
from serving.access.reads import raise_alarms
from serving.access.sessions import forget_old_sessions
from serving.background.oldest import report_what_is_stuck
from serving.background.tasks import Task
from serving.casework.bulk import carry_out_agreed
from serving.casework.citizen.offering import Wait
from serving.casework.citizen.waiting import pass_time
from serving.casework.clocks import Clocks
from serving.casework.escalation import escalate
from serving.day.sampling import MonthSecret, reveal_past
from serving.ledger.errors import LedgerContradictsError
from serving.ledger.sealing import Signer, seal_and_publish
from serving.outbox.sending import Manner, Sender
from serving.outbox.subscribers import Subscribers, note_change
from serving.stops.buttons import Scope, trip
from serving.store.fence import Fence

_FEW = Manner(batch=5)
"""Whoever ends the worker waits for what it has begun."""


def periodic_tasks(wait: Wait, clocks: Clocks, secret_of: MonthSecret) -> list[Task]:
    """All that this installation does by itself, but for the ledger: every part's tasks are listed here."""
    return [
        Task("report_what_is_stuck", "*/5 * * * *", report_what_is_stuck),
        Task("pass_time", "* * * * *", partial(_pass_time, wait=wait)),
        Task("carry_out_many", "*/5 * * * *", _carry_out_many),
        Task("escalate", "*/5 * * * *", partial(_escalate, clocks=clocks)),
        Task("raise_read_alarms", "*/10 * * * *", _raise_read_alarms),
        Task("reveal_secrets", "7 19 * * *", partial(_reveal_secrets, secret_of=secret_of, zone=wait.zone)),
        Task("forget_old_sessions", "17 19 * * *", _forget_old_sessions),
    ]


def ledger_tasks(signer: Signer | None, published: Path, fence: Fence) -> list[Task]:
    """Sealing and signing, where there is a key."""
    if signer is None:
        return []
    return [Task("seal_ledger", "* * * * *", partial(_seal, signer=signer, published=published, fence=fence))]


def ordering_tasks(home: Path, url: str, catalogue: Path | None) -> list[Task]:
    """Keeping caseworkers' queues in the order of a promoted model, where there may be one."""
    place = read_settings(home / "models")
    refresh: list[Callable[[Engine, dt.datetime], int]] = []

    def order(engine: Engine, now: dt.datetime) -> None:
        if place.is_local and not place.folder.exists():  # no model was ever here
            return
        if not refresh:
            # Imported late: LightGBM and MLflow take seconds, and an installation without models never needs them.
            from serving.case_order import CaseOrder  # noqa: PLC0415

            refresh.append(CaseOrder(home, url, catalogue).refresh)
        refresh[0](engine, now)

    return [Task("order_cases", "23 * * * *", order)]


def department_tasks(subscribers: Subscribers) -> list[Task]:
    """Telling departments that the catalogue changed."""
    return [Task("tell_departments", "* * * * *", partial(_tell_departments, subscribers=subscribers))]


def _pass_time(engine: Engine, now: dt.datetime, *, wait: Wait) -> None:
    # The database's part of the work knows of no priorities: it is done for a third of the time and no more.
    passed = pass_time(engine, now, wait, rest=lambda seconds: time.sleep(2 * seconds))
    if passed:
        log.info("time_passed", looked_at=passed.total())


def _carry_out_many(engine: Engine, now: dt.datetime) -> None:
    done = carry_out_agreed(engine, now)
    if done:
        left = sum(left for _, left in done.values())
        log.info("many_carried_out", looked_at=sum(made for made, _ in done.values()) + left, left=left)


def _escalate(engine: Engine, now: dt.datetime, *, clocks: Clocks) -> None:
    escalate(engine, clocks, now)


def _raise_read_alarms(engine: Engine, now: dt.datetime) -> None:
    with engine.begin() as connection:
        raised = raise_alarms(connection, now)
    if raised:
        log.info("read_alarms_raised", looked_at=len(raised))


def _forget_old_sessions(engine: Engine, now: dt.datetime) -> None:
    with engine.begin() as connection:
        forget_old_sessions(connection, now)
        forget_attempts(connection, now)


def _reveal_secrets(engine: Engine, now: dt.datetime, *, secret_of: MonthSecret, zone: ZoneInfo) -> None:
    revealed = reveal_past(engine, secret_of, zone, now)
    if revealed:
        log.info("sample_secrets_revealed", new=len(revealed))


def _tell_departments(engine: Engine, now: dt.datetime, *, subscribers: Subscribers) -> None:
    with engine.begin() as connection:
        told = note_change(connection, now)
    if told:
        log.info("catalogue_changed", new=told)
    sender = Sender(engine, [subscribers], clock.now, random.SystemRandom(), _FEW)
    while sender.run_once():
        pass


def _seal(engine: Engine, now: dt.datetime, *, signer: Signer, published: Path, fence: Fence) -> None:
    """Seal and sign; where the database contradicts what was published of it, stop everything."""
    try:
        seal_and_publish(engine, signer, published, now)
        fence.remember(engine)
    except LedgerContradictsError:
        with engine.begin() as connection:
            trip(connection, Scope.ALL, "", "ledger", "the ledger contradicts what was published of it", now)
        raise
