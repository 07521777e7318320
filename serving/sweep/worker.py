"""A worker: claims a chunk, answers it, writes it in one transaction, and again until none is left."""

from __future__ import annotations

import enum
import multiprocessing
import os
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from psycopg.errors import DiskFull

from serving import log
from serving.store import chunks, standings, sweeps
from serving.store.chunks import Chunk
from serving.store.database import LOST, Session, connect
from serving.store.sweeps import Sweep
from serving.sweep.chunk import Answering
from serving.sweep.errors import CountIdentityError
from serving.sweep.facts import FactHistory, FactSource
from serving.sweep.partitions import Partition, read_partition
from serving.sweep.planning import chains_of
from serving.sweep.rulebooks import Pinned

PAUSE_SECONDS = 0.2
"""Before a worker that found nothing to do looks again."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker is told; everything else it reads from the database and the history."""

    url: str
    home: Path
    sweep: int
    source: FactSource
    pinned: Pinned
    """The sweep's rulebook, compiled once: to compile it again would take longer than a small chunk."""


def sweep_folder(home: Path, sweep: int) -> Path:
    """Where the chunks' files of a sweep are."""
    return home / "sweeps" / str(sweep)


class Turn(enum.Enum):
    """What came of looking for a chunk."""

    ANSWERED = "answered"
    FAILED = "failed"
    """It could not be answered; why is noted, without anybody's values."""
    COUNTS_DIFFER = "counts differ"
    """Subjects went in and did not come out; the sweep must stop."""
    DISK_FULL = "disk full"
    """The database has no room; the sweep must stop until somebody has made some."""
    WAIT = "wait"
    """Others are at work on the last ones, and may yet die over them."""
    NOTHING_LEFT = "nothing left"


EXITS = {Turn.COUNTS_DIFFER: 3, Turn.DISK_FULL: 4}
"""Exit statuses of what the whole sweep must stop for."""


class Worker:
    """Answers chunks of one sweep; what it has read and compiled stays from one to the next.

    Args:
        orders: which sweep, and where everything is.
        sweep: in state `running`.
        session: of the database.
    """

    def __init__(self, orders: Orders, sweep: Sweep, session: Session) -> None:
        self.orders, self.session = orders, session
        pinned = orders.pinned
        self._history = orders.source.open(pinned.rulebook.vocabulary)
        self._answering = Answering(sweep, pinned, sweeps.benefits_of_sweeps(session))
        self._chains = chains_of(pinned, sweep)
        self._names = {kind: pinned.benefits_of(kind) for kind in pinned.contents}
        self._subjects = pinned.rulebook.vocabulary.subjects

    def turn(self) -> Turn:
        """Claim a chunk and answer it in one transaction."""
        chunk: Chunk | None = None
        try:
            chunk = chunks.claim(self.session, self.orders.sweep)
            if chunk is None:
                left = chunks.progress(self.session, self.orders.sweep).open_chunks
                return Turn.WAIT if left else Turn.NOTHING_LEFT
            path = sweep_folder(self.orders.home, self.orders.sweep) / chunk.file
            partition = read_partition(path, chunk.first_row, chunk.subjects, self._subjects, self._names, self._chains)
            _answer(self.session, self._history, self._answering, chunk, partition)
        except DiskFull:
            return Turn.DISK_FULL
        except LOST:
            self.session = _reconnected(self.session, self.orders.url, chunk)
            return Turn.WAIT
        except CountIdentityError as error:
            if chunk is not None:
                chunks.note_failure(self.session, chunk, str(error))
            return Turn.COUNTS_DIFFER
        except Exception as error:  # noqa: BLE001 the sweep's loop: noted, counted as a death, and tried again
            assert chunk is not None
            log.error("sweep_chunk_failed", sweep=chunk.sweep, chunk=chunk.id, where=_where(error))
            chunks.note_failure(self.session, chunk, _where(error))
            chunks.release(self.session, chunk)
            return Turn.FAILED
        return Turn.ANSWERED


def worker_for(orders: Orders) -> Worker | None:
    """A worker with a connection of its own; None where the sweep is over."""
    session = connect(orders.url)
    sweep = sweeps.sweep_of(session, orders.sweep)
    if sweep is None or sweep.state != sweeps.RUNNING:
        session.close()
        return None
    return Worker(orders, sweep, session)


def work(orders: Orders) -> None:
    """The life of a worker process."""
    log.configure()
    worker = worker_for(orders)
    while worker is not None and _has_parent():
        match worker.turn():
            case Turn.NOTHING_LEFT:
                return
            case Turn.COUNTS_DIFFER | Turn.DISK_FULL as stop:
                sys.exit(EXITS[stop])
            case Turn.WAIT:
                time.sleep(PAUSE_SECONDS)
            case Turn.ANSWERED | Turn.FAILED:
                pass


def _answer(session: Session, history: FactHistory, answering: Answering, chunk: Chunk, partition: Partition) -> None:
    """Answer a chunk and write it: rows and the note that it is done in one transaction, or nothing."""
    started = time.perf_counter()
    found = answering.answer(session, history, partition)
    with session.transaction():
        if not chunks.is_mine(session, chunk):
            return  # the connection was lost for a while and another worker has taken over
        for rows in found.rows:
            standings.write(session, chunk.sweep, rows)
        chunks.finish(session, chunk, found.written, found.same, found.determinations, found.account.stored())
    chunks.release(session, chunk)
    log.info(
        "sweep_chunk_done", sweep=chunk.sweep, chunk=chunk.id, subjects=chunk.subjects, written=found.written,
        same=found.same, determinations=found.determinations, seconds=time.perf_counter() - started,
    )  # fmt: skip


def _reconnected(session: Session, url: str, chunk: Chunk | None) -> Session:
    """A new connection after the server was lost; its death is not the chunk's fault."""
    while True:
        session.close()
        session = connect(url)
        try:
            if chunk is not None:
                chunks.give_back(session, chunk)
        except LOST:
            continue
        return session


def _has_parent() -> bool:
    """Does whoever started this process still live? Without it nobody would restart the server or look at deaths."""
    parent = multiprocessing.parent_process()
    return parent is None or parent.is_alive()


def _where(error: Exception) -> str:
    """What went wrong and where, without the message: it may hold a value of somebody."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "?"
    return f"{type(error).__name__} at {place}"
