"""Who answers the chunks of a sweep: workers that come and go, while the sweeper watches over them.

A worker may die at any moment. What it claimed falls back to the others (`serving.store.chunks`), so a crew promises
nothing but to keep somebody at work.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import SpawnProcess
from typing import Protocol

from serving import settings
from serving.store.chunks import Progress
from serving.sweep.worker import COUNTS_DIFFER, Orders, work


class Crew(Protocol):
    """Workers of a sweep."""

    def tend(self, orders: Orders, at: Progress) -> None:
        """See to it that somebody is at work on the open chunks; returns at once and is called again and again.

        Raises:
            ServingError, RulesError: nobody can be set to work.
        """
        ...

    def counts_differ(self) -> bool:
        """Did a worker stop because subjects went in and did not come out?"""
        ...

    def stop(self) -> None:
        """End whoever is still at work."""
        ...


class Processes:
    """Processes of this machine.

    Args:
        most: so many side by side.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._workers: list[SpawnProcess] = []

    def tend(self, orders: Orders, at: Progress) -> None:
        settings.one_thread_for_children()
        context = multiprocessing.get_context("spawn")
        self._workers = [worker for worker in self._workers if worker.exitcode is None]
        while len(self._workers) < min(self._most, at.open_chunks):
            worker = context.Process(target=work, args=(orders,), daemon=True)
            worker.start()
            self._workers.append(worker)

    def counts_differ(self) -> bool:
        return any(worker.exitcode == COUNTS_DIFFER for worker in self._workers)

    def stop(self) -> None:
        for worker in self._workers:
            worker.join(1 if worker.exitcode is None else 0)
            if worker.exitcode is None:
                worker.terminate()
                worker.join()
        self._workers = []
