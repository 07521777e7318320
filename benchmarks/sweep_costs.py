"""What a sweep costs: CPU time of all processes, by whose they are, and memory; and whether two sweeps say the same."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psutil

from benchmarks.report import Figure
from serving.store.database import Session
from serving.store.server import EmbeddedServer
from serving.sweep.run import Outcome

MEBI = 1 << 20
LOOK_SECONDS = 1.0
"""To look at the memory of all processes takes 30 milliseconds of CPU time."""


class Memory(threading.Thread):
    """The most that this process, its workers and PostgreSQL hold at once; shared pages are counted once."""

    def __init__(self, server: EmbeddedServer) -> None:
        super().__init__(daemon=True)
        self.ours = self.all = 0
        self._server, self._ends = server, threading.Event()

    def run(self) -> None:
        while not self._ends.wait(LOOK_SECONDS):
            ours = self._held(psutil.Process())
            self.ours = max(self.ours, ours)
            self.all = max(self.all, ours + self._held(psutil.Process(self._server.pid)))

    def end(self) -> None:
        """Stop watching."""
        self._ends.set()
        self.join()

    def _held(self, root: psutil.Process) -> int:
        total = 0
        try:
            for process in [root, *root.children(recursive=True)]:
                total += process.memory_full_info().pss
        except psutil.Error:
            pass
        return total


@dataclass(frozen=True, slots=True)
class CpuTime:
    """CPU seconds of the sweeper's own process, of its workers that have ended, and of PostgreSQL with its backends."""

    sweeper: float
    workers: float
    postgres: float

    @property
    def total(self) -> float:
        """All of them."""
        return self.sweeper + self.workers + self.postgres

    def since(self, before: CpuTime) -> CpuTime:
        """What was spent between two moments."""
        return CpuTime(self.sweeper - before.sweeper, self.workers - before.workers, self.postgres - before.postgres)


@dataclass(frozen=True, slots=True)
class Swept:
    """One sweep and what it took."""

    outcome: Outcome
    seconds: float
    cpu: CpuTime
    memory: Memory


def timed(action: Callable[[], Outcome], server: EmbeddedServer) -> Swept:
    """Run one sweep."""
    memory = Memory(server)
    memory.start()
    start, cpu = time.perf_counter(), cpu_time(server)
    outcome = action()
    seconds, spent = time.perf_counter() - start, cpu_time(server).since(cpu)
    memory.end()
    assert outcome.dead == ()
    return Swept(outcome, seconds, spent, memory)


def cpu_time(server: EmbeddedServer) -> CpuTime:
    """CPU time so far."""
    own = os.times()
    postgres = 0.0
    root = psutil.Process(server.pid)
    for process in [root, *root.children(recursive=True)]:
        with suppress(psutil.Error):  # a backend that ends meanwhile is counted with its parent
            spent = process.cpu_times()
            postgres += spent.user + spent.system + spent.children_user + spent.children_system
    return CpuTime(own.user + own.system, own.children_user + own.children_system, postgres)


@dataclass(frozen=True, slots=True)
class Differing:
    """Answers of a full sweep that differ from how things stood before: in what."""

    amounts: int
    reasons: int
    next_changes: int

    def figures(self) -> tuple[Figure, ...]:
        """As a benchmark's result tells them."""
        return (
            Figure("outcomes or amounts in which the full sweep differs", self.amounts, "answers"),
            Figure("answers that differ in their reasons alone", self.reasons, "answers"),
            Figure("answers that differ in next_change alone", self.next_changes, "answers"),
        )


def differing(session: Session, full: int) -> Differing:
    """In how many answers a full sweep differs from how things stood before: in outcome or amount; in all else."""
    row = session.execute(
        """
        SELECT count(*) FILTER (WHERE (n.outcome, n.amount_low, n.amount_high) IS DISTINCT FROM
                                      (o.outcome, o.amount_low, o.amount_high)),
               count(*) FILTER (WHERE u.new <> u.old AND (n.outcome, n.amount_low, n.amount_high) IS NOT DISTINCT FROM
                                      (o.outcome, o.amount_low, o.amount_high)),
               count(*) FILTER (WHERE u.new = u.old AND u.new <> 0 AND u.new_day <> u.old_day)
        FROM standing f
        CROSS JOIN LATERAL (SELECT answers, next_change FROM standing
                            WHERE kind = f.kind AND id = f.id AND sweep < f.sweep ORDER BY sweep DESC LIMIT 1) b
        CROSS JOIN LATERAL unnest(f.answers, b.answers, f.next_change, b.next_change) AS u(new, old, new_day, old_day)
        LEFT JOIN answer n ON n.id = u.new LEFT JOIN answer o ON o.id = u.old
        WHERE f.sweep = %s AND (f.answers <> b.answers OR f.next_change <> b.next_change)
          AND (u.new <> u.old OR u.new_day <> u.old_day)
        """,
        (full,),
    ).fetchone()
    assert row is not None
    return Differing(*(count for count in row if isinstance(count, int)))
