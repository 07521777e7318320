"""The workers of a sweep on a Spark cluster: one task under `mapInArrow` claims and answers one chunk.

Executors write to PostgreSQL themselves, each chunk in one transaction, with the same worker as on one machine
(`serving.sweep.worker`). The other way, answers travelling to a driver that writes them, would need a second answer to
every question that is answered there: who compares with how a subject stood, who numbers the answers, what is written
twice when Spark repeats a task, what is lost when the driver dies. Here Spark only lends processes. Which chunk is
whose is settled by the claims in the database, so a task that Spark repeats, or runs twice on suspicion, takes another
chunk or none, and the last claimant alone may write.

All executors must reach the database by its URL and $APPLYFREE_HOME (history, rulebooks, chunks) under the same path.
The URL travels to them inside the task, never as a setting of Spark, which its pages would show.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from rules.evaluate.cluster import SparkError, spark_session
from serving.store.chunks import Progress
from serving.store.database import connect
from serving.sweep.errors import SweepError
from serving.sweep.worker import PAUSE_SECONDS, Orders, Turn, Worker, worker_for

_STOP_SECONDS = 30.0
_TURN = "turn"


@contextmanager
def spark_crew(server_is_named: bool) -> Iterator[SparkCrew]:
    """A crew on the Spark that is set up here.

    Args:
        server_is_named: is the database one of a URL? Our own is reached on this machine only.

    Raises:
        SparkError: pyspark or Java is not installed.
        SweepError: executors on other machines would not reach the database.
    """
    with spark_session() as session:
        master = session.sparkContext.master
        if not server_is_named and not master.startswith("local"):
            raise SweepError(
                f"Spark runs on `{master.split(':', 1)[0]}`, whose machines cannot reach the database below "
                "$APPLYFREE_HOME. Name a server that they reach: APPLYFREE_DATABASE_URL=postgresql://…"
            )
        yield SparkCrew(session)


class SparkCrew:
    """Runs Spark jobs, one after the other, of as many tasks as there are open chunks.

    Args:
        session: of Spark.
    """

    def __init__(self, session: Any) -> None:  # noqa: ANN401 pyspark is an extra, and has no types for us
        self._session = session
        self._own_name = uuid.uuid4().hex
        self._group = ""
        self._job: threading.Thread | None = None
        self._claims_before = 0
        self._failure: Exception | None = None
        self._turns: set[str] = set()

    def tend(self, orders: Orders, at: Progress) -> None:
        """Start a job where none runs.

        Raises:
            SparkError: the last one failed before any chunk was claimed.
        """
        if self._job is not None and self._job.is_alive():
            return
        if self._failure is not None and at.claims == self._claims_before:
            raise SparkError(
                f"No executor could begin ({type(self._failure).__name__}); Spark's own message stands above. All of "
                "them need this version of the package, $APPLYFREE_HOME under the same path, and the database."
            ) from self._failure
        self._failure, self._claims_before = None, at.claims
        self._group = f"{self._own_name}-{orders.sweep}"
        self._job = threading.Thread(target=self._run, args=(orders, at.open_chunks), daemon=True)
        self._job.start()

    def stopped_over(self, cause: Turn) -> bool:
        """Known when a job is over: chunks that others have begun are finished first."""
        return cause.value in self._turns

    def stop(self) -> None:
        if self._job is not None and self._job.is_alive():
            self._session.sparkContext.cancelJobGroup(self._group)
            self._job.join(_STOP_SECONDS)
        self._failure = None

    def _run(self, orders: Orders, tasks: int) -> None:
        """One job, in a thread of its own: Spark's calls return when all is done."""
        try:
            self._session.sparkContext.setJobGroup(self._group, f"applyfree sweep {orders.sweep}")
            numbers = self._session.range(0, tasks, 1, tasks)
            found = numbers.mapInArrow(_answering(orders, self._group), f"{_TURN} string")
            self._turns |= {row[_TURN] for row in found.collect()}
        except Exception as error:  # noqa: BLE001 whatever ended the job: the sweep's loop decides what to do
            self._failure = error


# -- on an executor ---------------------------------------------------------------------------------------------------


def _answering(orders: Orders, run: str) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def answer(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for _ in range(batch.num_rows):
                yield pa.RecordBatch.from_pydict({_TURN: [answer_one(orders, run).value]})

    return answer


def answer_one(orders: Orders, run: str) -> Turn:
    """Answer one chunk, whichever is open; one that cannot be answered is noted and left, as on one machine.

    Args:
        orders: which sweep.
        run: the driver's name for its work on this sweep; what a worker has compiled and read is kept that long.
    """
    worker = _hired(orders, run)
    if worker is None:
        return Turn.NOTHING_LEFT
    try:
        turn = worker.turn()
        while turn is Turn.FAILED:
            turn = worker.turn()
    finally:
        worker.session.close()  # between tasks an executor holds no connection: it may live for days
    if turn is Turn.WAIT:
        time.sleep(PAUSE_SECONDS)
    return turn


_AT_WORK: dict[str, Worker] = {}
"""The worker of this process, by the run that it works for."""


def _hired(orders: Orders, run: str) -> Worker | None:
    worker = _AT_WORK.get(run)
    if worker is not None:
        worker.session = connect(orders.url)
        return worker
    worker = worker_for(orders)
    if worker is not None:
        _AT_WORK.clear()
        _AT_WORK[run] = worker
    return worker
