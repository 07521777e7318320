"""`applyfree work`: the background work of an installation."""

from __future__ import annotations

import datetime as dt
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine

from serving import clock, screen, settings
from serving.background.oldest import report_what_is_stuck
from serving.background.queue import Queue
from serving.background.tasks import Task
from serving.commands.ledger import OriginOption, SigningKeyOption, published_file, signing_key_file
from serving.ledger.checkpoints import read_private_key
from serving.ledger.errors import LedgerContradictsError
from serving.ledger.sealing import Signer, seal_and_publish
from serving.stops.buttons import Scope, trip
from serving.store.database import connect
from serving.store.engine import open_engine
from serving.store.fence import Fence
from serving.store.migrate import migrate
from serving.store.server import open_server


def work(
    once: Annotated[bool, typer.Option("--once", help="Do what is due, then end.")] = False,
    ledger_key: SigningKeyOption = None,
    origin: OriginOption = "applyfree",
) -> None:
    """Do what is due, and go on until ended: seal the ledger, look for what is stuck, and what else is periodic.

    Any number of workers may run, on any machine that reaches the database: each task is done by one at a time, and
    what a worker had begun that was killed is done by another. The times of tasks are UTC.
    """
    key = signing_key_file(ledger_key)
    signer = Signer(origin, read_private_key(key)) if key.exists() or ledger_key is not None else None
    if signer is None:
        screen.error(
            f"There is no key {key}: nothing is sealed, and a quarter of an hour after the next event nothing is "
            "delivered any more. `applyfree ledger seal --help` tells how to make one."
        )
    server = open_server(settings.database_url(), settings.home())
    try:
        with connect(server.url, remedy=server.ensure_running) as session:
            migrate(session)
        fence = Fence(settings.home() / "fence.json")
        engine = fence.guard(open_engine(server.url))
        queue = Queue(server.url, engine, periodic_tasks(signer, published_file(), fence), clock.now)
        (queue.work_once if once else queue.work)()
        engine.dispose()
    finally:
        server.close()


def periodic_tasks(signer: Signer | None, published: Path, fence: Fence) -> list[Task]:
    """All that this installation does by itself: every part's tasks are listed here."""
    tasks = [Task("report_what_is_stuck", "*/5 * * * *", report_what_is_stuck)]
    if signer is not None:
        tasks.append(Task("seal_ledger", "* * * * *", partial(_seal, signer=signer, published=published, fence=fence)))
    return tasks


def _seal(engine: Engine, now: dt.datetime, *, signer: Signer, published: Path, fence: Fence) -> None:
    """Seal and sign; where the database contradicts what was published of it, stop everything."""
    try:
        seal_and_publish(engine, signer, published, now)
        fence.remember(engine)
    except LedgerContradictsError:
        with engine.begin() as connection:
            trip(connection, Scope.ALL, "", "ledger", "the ledger contradicts what was published of it", now)
        raise
