"""The background work beside the processes that answer requests: a process of its own, started again where it dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import SpawnProcess
from time import perf_counter
from typing import Final

from serving import log, screen
from serving.commands.work import work
from serving.errors import ServingError

_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 60.0
"""A worker that dies again and again is started once a minute; one that lived longer, at once."""
_FINISH_SECONDS: Final = 60.0
"""So long what was begun may take at the end; what is killed then, the next worker does again."""
_GIVES_WAY: Final = 19
"""So much nicer than those that answer requests: where cores are short, people do not wait for it."""
_LOOK_SECONDS: Final = 0.25


@contextmanager
def working_beside() -> Iterator[None]:
    """Have `applyfree work` run in a process of its own while the block runs.

    It ends with the block, and with this process, however that ends.
    """
    ended = threading.Event()
    keeper = threading.Thread(target=_keep, args=(ended,), name="keeps-the-worker", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()


def _keep(ended: threading.Event) -> None:
    """Have one worker until the end."""
    pause = _FIRST_PAUSE_SECONDS
    while not ended.is_set():
        began = perf_counter()
        _one_worker(ended)
        if ended.is_set():
            return
        pause = _FIRST_PAUSE_SECONDS if perf_counter() - began > _LONGEST_PAUSE_SECONDS else pause
        ended.wait(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _one_worker(ended: threading.Event) -> None:
    """Have a worker until it dies, or the end has come."""
    worker = multiprocessing.get_context("spawn").Process(target=_work, name="applyfree work")
    try:
        worker.start()
    except OSError as error:  # no memory, or no process, to be had now
        log.error("worker_not_started", outcome=type(error).__name__)
        return
    while worker.is_alive() and not ended.wait(_LOOK_SECONDS):
        pass
    if ended.is_set():
        _end(worker)
        return
    worker.join()
    log.error("worker_died", outcome=worker.exitcode)
    screen.note("The background work ended by itself and is started again.")


def _end(worker: SpawnProcess) -> None:
    """What has begun is finished first; whoever takes too long is killed."""
    worker.terminate()
    worker.join(_FINISH_SECONDS)
    if worker.is_alive():
        worker.kill()
        worker.join()


def _work() -> None:
    """In the process of its own."""
    # Ctrl+C is for whoever was typed at: this process is told by it to finish, once.
    os.setsid()
    os.nice(_GIVES_WAY)
    log.configure()
    threading.Thread(target=_end_with_parent, name="ends-with-its-parent", daemon=True).start()
    try:
        work()
    except ServingError as error:
        screen.error(error)
        raise SystemExit(1) from None
    except Exception as error:  # noqa: BLE001 an edge: the words of an error may hold somebody's data
        log.error("worker_failed", outcome=type(error).__name__)
        raise SystemExit(1) from None


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
