"""Procrastinate over our tasks: a queue in PostgreSQL, so that what waits survives whatever is killed."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import procrastinate
from procrastinate.jobs import Job, Status
from procrastinate.periodic import PeriodicDeferrer
from sqlalchemy import Engine

from serving import log
from serving.background.errors import TaskFailedError
from serving.background.tasks import Task
from serving.store.engine import Role

MOST_ATTEMPTS = 3
"""What fails, or kills its worker, so many times is left until its next hour has come."""
_MISSED_SECONDS = 26 * 3_600.0
"""What should have begun while no worker ran is made up for, once, up to a day later."""
_REVIVE = "revive_stalled"
_EVERY_MINUTE = "* * * * *"
_LOCK = "applyfree:"


@dataclass(frozen=True, slots=True)
class Patience:
    """How soon a worker that says nothing is taken for dead.

    Args:
        heartbeat_seconds: how often it says that it lives.
        stalled_seconds: how long it may say nothing.
        poll_seconds: how often it looks for work of which it was not told.
    """

    heartbeat_seconds: float = 10.0
    stalled_seconds: float = 30.0
    poll_seconds: float = 5.0


class Queue:
    """The tasks of this installation, to be worked off.

    Args:
        url: of the database.
        engine: what tasks work with.
        tasks: all of them, each with a name of its own.
        now: tells the moment.
        patience: with workers.
    """

    def __init__(
        self,
        url: str,
        engine: Engine,
        tasks: Sequence[Task],
        now: Callable[[], dt.datetime],
        patience: Patience = Patience(),
    ) -> None:
        self._engine, self._now, self._patience = engine, now, patience
        connector = procrastinate.PsycopgConnector(
            conninfo=url,
            kwargs={"options": f"-c role={Role.APP}", "connect_timeout": 5, "application_name": "applyfree work"},
        )
        self._app = procrastinate.App(connector=connector, periodic_defaults={"max_delay": _MISSED_SECONDS})
        for task in tasks:
            self._register(task)
        self._app.periodic(cron=_EVERY_MINUTE)(
            self._app.task(name=_REVIVE, queueing_lock=_LOCK + _REVIVE)(self._revive_now)
        )

    def work_once(self) -> None:
        """Do what is due, that of dead workers too, and come back."""
        asyncio.run(self._work(wait=False))

    def work(self) -> None:
        """Work until a signal says to end; what has begun is finished first."""
        asyncio.run(self._work(wait=True))

    async def _work(self, *, wait: bool) -> None:
        async with self._app.open_async():
            await self._app.job_manager.prune_stalled_workers(self._patience.stalled_seconds)
            await self._revive()
            deferrer = PeriodicDeferrer(self._app.periodic_registry, max_delay=_MISSED_SECONDS)
            # The worker does this too, but in no order to its looking for work: with `wait=False` it might end before.
            await deferrer.defer_jobs(deferrer.get_previous_tasks(at=self._now().timestamp()))
            await self._app.run_worker_async(
                wait=wait,
                concurrency=2,
                listen_notify=wait,
                install_signal_handlers=wait,
                delete_jobs="successful",
                fetch_job_polling_interval=self._patience.poll_seconds,
                update_heartbeat_interval=self._patience.heartbeat_seconds,
                stalled_worker_timeout=self._patience.stalled_seconds,
            )

    def _register(self, task: Task) -> None:
        def run(timestamp: int) -> None:
            """Procrastinate names the second for which it was planned; the work asks what time it is."""
            try:
                task.work(self._engine, self._now())
            except Exception as error:  # noqa: BLE001 an edge: the words of an error may hold somebody's data
                log.error("task_failed", table=task.name, outcome=type(error).__name__)
                raise TaskFailedError(task.name, type(error).__name__) from None

        decorated = self._app.task(
            name=task.name,
            lock=_LOCK + task.name,  # one at a time
            queueing_lock=_LOCK + task.name,  # and one waiting
            retry=procrastinate.RetryStrategy(max_attempts=MOST_ATTEMPTS, exponential_wait=2),
        )(run)
        self._app.periodic(cron=task.cron)(decorated)

    async def _revive_now(self, timestamp: int) -> None:
        await self._revive()

    async def _revive(self) -> None:
        """Give what killed workers had begun to others."""
        manager = self._app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=self._patience.stalled_seconds):
            if job.attempts < MOST_ATTEMPTS:
                await manager.retry_job(job, retry_at=self._now())
            else:
                await self._give_up(job)

    async def _give_up(self, job: Job) -> None:
        """It killed its worker each time, or is never done: somebody has to look."""
        log.error("task_kills_its_worker", table=job.task_name)
        await self._app.job_manager.finish_job(job, Status.FAILED, delete_job=False)
