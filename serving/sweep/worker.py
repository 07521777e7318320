"""A worker process: claims a chunk, answers it, writes it in one transaction, and again until none is left."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from serving.store import chunks, standings, sweeps
from serving.store.chunks import Chunk
from serving.store.database import LOST, Session, connect
from serving.sweep.chunk import Answering
from serving.sweep.errors import CountIdentityError
from serving.sweep.facts import FactHistory, FactSource
from serving.sweep.partitions import Partition, read_partition
from serving.sweep.planning import chains_of
from serving.sweep.rulebooks import Pinned

COUNTS_DIFFER = 3
"""Exit status: subjects went in and did not come out; the sweep must stop."""
_PAUSE_SECONDS = 0.2


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


def work(orders: Orders) -> None:
    """The life of a worker process."""
    session = connect(orders.url)
    sweep = sweeps.sweep_of(session, orders.sweep)
    if sweep is None or sweep.state != sweeps.RUNNING:
        return
    pinned = orders.pinned
    history = orders.source.open(pinned.rulebook.vocabulary)
    answering = Answering(sweep, pinned, sweeps.benefits_of_sweeps(session))
    chains = chains_of(pinned, sweep)
    names = {kind: pinned.benefits_of(kind) for kind in pinned.contents}
    subjects = pinned.rulebook.vocabulary.subjects
    while _has_parent():
        chunk: Chunk | None = None
        try:
            chunk = chunks.claim(session, orders.sweep)
            if chunk is None:
                if not chunks.progress(session, orders.sweep).open_chunks:
                    return
                time.sleep(_PAUSE_SECONDS)  # others are at work on the last ones, and may yet die over them
                continue
            path = sweep_folder(orders.home, orders.sweep) / chunk.file
            partition = read_partition(path, chunk.first_row, chunk.subjects, subjects, names, chains)
            _answer(session, history, answering, chunk, partition)
        except LOST:
            session = _reconnected(session, orders.url, chunk)
        except CountIdentityError as error:
            if chunk is not None:
                chunks.note_failure(session, chunk, str(error))
            sys.exit(COUNTS_DIFFER)
        except Exception as error:  # noqa: BLE001 the sweep's loop: noted, counted as a death, and tried again
            assert chunk is not None
            chunks.note_failure(session, chunk, _where(error))
            chunks.release(session, chunk)


def _answer(session: Session, history: FactHistory, answering: Answering, chunk: Chunk, partition: Partition) -> None:
    """Answer a chunk and write it: rows and the note that it is done in one transaction, or nothing."""
    found = answering.answer(session, history, partition)
    with session.transaction():
        if not chunks.is_mine(session, chunk):
            return  # the connection was lost for a while and another worker has taken over
        for rows in found.rows:
            standings.write(session, chunk.sweep, rows)
        chunks.finish(session, chunk, found.written, found.same, found.determinations, found.account.stored())
    chunks.release(session, chunk)


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
