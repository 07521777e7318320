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
from serving.sweep.worker import EXITS, Orders, Turn, work


class Crew(Protocol):
    """Workers of a sweep."""

    def tend(self, orders: Orders, at: Progress) -> None:
        """See to it that somebody is at work on the open chunks; returns at once and is called again and again.

        Raises:
            ServingError, RulesError: nobody can be set to work.
        """
        ...

    def stopped_over(self, cause: Turn) -> bool:
        """Did a worker stop for something that the whole sweep must stop for?"""
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

    def stopped_over(self, cause: Turn) -> bool:
        return any(worker.exitcode == EXITS[cause] for worker in self._workers)

    def stop(self) -> None:
        for worker in self._workers:
            worker.join(1 if worker.exitcode is None else 0)
            if worker.exitcode is None:
                worker.terminate()
                worker.join()
        self._workers = []
