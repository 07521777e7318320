"""`applyfree work`: the background work of an installation."""

from __future__ import annotations

import datetime as dt
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine

from serving import clock, log, screen, settings
from serving.access.login.attempts import forget_attempts
from serving.access.reads import raise_alarms
from serving.access.sessions import forget_old_sessions
from serving.background.oldest import report_what_is_stuck
from serving.background.queue import Queue
from serving.background.tasks import Task
from serving.casework.bulk import carry_out_agreed
from serving.casework.citizen.offering import Wait
from serving.casework.citizen.waiting import pass_time
from serving.casework.clocks import Clocks, shipped_clocks
from serving.casework.escalation import escalate
from serving.commands.ledger import (
    LEDGER_KEY,
    OriginOption,
    SigningKeyOption,
    make_signing_key,
    published_file,
    signing_key_file,
)
from serving.commands.options import CatalogueOption
from serving.day.waits import wait_of
from serving.delivery.terms import load_programmes
from serving.evaluation import sound_rulebook
from serving.ledger.checkpoints import read_private_key
from serving.ledger.errors import LedgerContradictsError
from serving.ledger.sealing import Signer, seal_and_publish
from serving.security.secrets import open_secrets
from serving.stops.buttons import Scope, trip
from serving.store.database import connect
from serving.store.engine import open_engine
from serving.store.fence import Fence
from serving.store.migrate import migrate
from serving.store.server import open_server
from serving.sweep.sources import swept_catalogue


def work(
    once: Annotated[bool, typer.Option("--once", help="Do what is due, then end.")] = False,
    ledger_key: SigningKeyOption = None,
    origin: OriginOption = "applyfree",
    catalogue: CatalogueOption = None,
) -> None:
    """Do what is due, and go on until ended: all that an installation does by itself between two sweeps.

    Every minute the ledger is sealed and signed. Every five minutes: reminders, silence, ends of public notices and
    deliveries after a yes; acts on many cases that can no longer be undone are carried out; cases that are late go up;
    what is stuck is logged. Every ten minutes alarms about staff who read strangers; every night sessions and logins
    that are over are forgotten.

    Nothing is sent: no payment system and no channel for notices can be configured yet. What is approved or offered
    waits in the outbox, and `outbox_ready` in the log says for how long.

    Any number of workers may run, on any machine that reaches the database: each task is done by one at a time, and
    what a worker had begun that was killed is done by another. The times of tasks are UTC.
    """
    signer = _signer(ledger_key, origin)
    clocks = shipped_clocks()
    wait = wait_of(sound_rulebook(swept_catalogue(catalogue)), load_programmes(), clocks)
    server = open_server(settings.database_url(), settings.home())
    try:
        with connect(server.url, remedy=server.ensure_running) as session:
            migrate(session)
        fence = Fence(settings.home() / "fence.json")
        engine = fence.guard(open_engine(server.url))
        tasks = [*periodic_tasks(wait, clocks), *ledger_tasks(signer, published_file(), fence)]
        queue = Queue(server.url, engine, tasks, clock.now)
        (queue.work_once if once else queue.work)()
        engine.dispose()
    finally:
        server.close()


def _signer(ledger_key: Path | None, origin: str) -> Signer | None:
    """Who signs the ledger; with a database of our own the key is made where there is none."""
    key = signing_key_file(ledger_key)
    if ledger_key is None and settings.database_url() is None:
        make_signing_key(settings.secrets_folder())
        open_secrets(settings.secrets_folder(), makes_missing=True, also=[LEDGER_KEY])
    if key.exists() or ledger_key is not None:
        return Signer(origin, read_private_key(key))
    screen.error(
        f"There is no key {key}: nothing is sealed, and a quarter of an hour after the next event nothing is "
        "delivered any more. `applyfree ledger seal --help` tells how to make one."
    )
    return None


def periodic_tasks(wait: Wait, clocks: Clocks) -> list[Task]:
    """All that this installation does by itself, but for the ledger: every part's tasks are listed here."""
    return [
        Task("report_what_is_stuck", "*/5 * * * *", report_what_is_stuck),
        Task("pass_time", "*/5 * * * *", partial(_pass_time, wait=wait)),
        Task("carry_out_many", "*/5 * * * *", _carry_out_many),
        Task("escalate", "*/5 * * * *", partial(_escalate, clocks=clocks)),
        Task("raise_read_alarms", "*/10 * * * *", _raise_read_alarms),
        Task("forget_old_sessions", "17 19 * * *", _forget_old_sessions),
    ]


def ledger_tasks(signer: Signer | None, published: Path, fence: Fence) -> list[Task]:
    """Sealing and signing, where there is a key."""
    if signer is None:
        return []
    return [Task("seal_ledger", "* * * * *", partial(_seal, signer=signer, published=published, fence=fence))]


def _pass_time(engine: Engine, now: dt.datetime, *, wait: Wait) -> None:
    passed = pass_time(engine, now, wait)
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


def _seal(engine: Engine, now: dt.datetime, *, signer: Signer, published: Path, fence: Fence) -> None:
    """Seal and sign; where the database contradicts what was published of it, stop everything."""
    try:
        seal_and_publish(engine, signer, published, now)
        fence.remember(engine)
    except LedgerContradictsError:
        with engine.begin() as connection:
            trip(connection, Scope.ALL, "", "ledger", "the ledger contradicts what was published of it", now)
        raise
