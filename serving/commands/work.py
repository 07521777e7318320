"""`applyfree work`: the background work of an installation."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from serving import clock, screen, settings
from serving.background.queue import Queue
from serving.casework.clocks import shipped_clocks
from serving.commands.deliver import kept_month_secret
from serving.commands.ledger import (
    LEDGER_KEY,
    OriginOption,
    SigningKeyOption,
    make_signing_key,
    published_file,
    signing_key_file,
)
from serving.commands.options import CatalogueOption
from serving.commands.periodic import department_tasks, ledger_tasks, ordering_tasks, periodic_tasks
from serving.day.waits import wait_of
from serving.delivery.terms import load_programmes
from serving.errors import ServingError
from serving.evaluation import sound_rulebook
from serving.ledger.checkpoints import read_private_key
from serving.ledger.sealing import Signer
from serving.outbox.subscribers import Subscribers
from serving.security.addresses import AllowList
from serving.security.errors import UnsafeSecretsError
from serving.security.outbound import OutboundClient
from serving.security.secrets import DCI_SIGNING, open_secrets
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

    Every minute the ledger is sealed and signed, and what time brings about is done: reminders, silence, ends of public
    notices and deliveries after a yes. Every five minutes acts on many cases that can no longer be undone are carried
    out, cases that are late go up, and what is stuck is logged. Every ten minutes alarms about staff who read
    strangers. Every hour caseworkers' queues are put in the order of the promoted model, where there is one. Every
    night sessions and logins that are over are forgotten, and those secrets of blind samples published that help nobody
    any more.

    Every minute departments that subscribed are told where another catalogue is in force: those whose host and port
    stand in APPLYFREE_OUTBOUND (`host:port`, or `host:port=address` of one in our own network), and nobody else.

    To citizens nothing is sent: no payment system and no channel for notices can be configured yet. What is approved or
    offered waits in the outbox, and `outbox_ready` in the log says for how long.

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
        subscribers, secret_of = _subscribers(engine), partial(kept_month_secret, settings.secrets_folder())
        tasks = [
            *periodic_tasks(wait, clocks, secret_of), *ledger_tasks(signer, published_file(), fence),
            *ordering_tasks(settings.home(), server.url, catalogue),
            *([] if subscribers is None else department_tasks(subscribers)),
        ]  # fmt: skip
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


def _subscribers(engine: Engine) -> Subscribers | None:
    """Who carries messages to departments; with a database of our own our key is made where there is none."""
    try:
        found = open_secrets(
            settings.secrets_folder(), makes_missing=settings.database_url() is None, also=[DCI_SIGNING]
        )
    except UnsafeSecretsError as error:
        screen.error(f"Departments that subscribed are not told of another catalogue. {error}")
        return None
    key = Ed25519PrivateKey.from_private_bytes(found.key(DCI_SIGNING))
    try:
        allowed = AllowList(settings.outbound())
    except ValueError as error:
        raise ServingError(f"APPLYFREE_OUTBOUND: {error}") from None
    return Subscribers(engine, OutboundClient(allowed), settings.SENDER, key, clock.now)
