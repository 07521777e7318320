"""A Spark session: the one that runs already, or one of our own with Spark's own settings.

pyspark is an extra of this package and is imported when Spark is asked for, not before: it starts a Java machine.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rules.errors import RulesError

ATTEMPTS = 4
"""So often a task is tried, as Spark does everywhere but on a single machine, where it would try once."""
_PLAIN_LOCAL = re.compile(r"local(\[[\d*]+\])?")


class SparkError(RulesError):
    """Spark is not there, or an executor does not answer as the driver would."""


@contextmanager
def spark_session() -> Iterator[Any]:
    """A session; one that runs already (`spark-submit`, a notebook) is used and left running.

    Raises:
        SparkError: pyspark or Java is not installed.
    """
    try:
        from pyspark.errors import PySparkException  # noqa: PLC0415 see above
        from pyspark.sql import SparkSession  # noqa: PLC0415 see above
    except ImportError as error:
        raise SparkError(
            "The engine `spark` needs the extra `spark` of this package. Run `make spark`, or install pyspark 4."
        ) from error
    # Executors take the Python that the driver runs on.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # noqa: TID251 - it is how pyspark is told
    running = SparkSession.getActiveSession()
    if running is not None:
        yield running
        return
    # Executors are the parallelism: one thread of Polars each. Progress is shown by whoever asked.
    builder = SparkSession.builder.appName("applyfree").config("spark.executorEnv.POLARS_MAX_THREADS", "1")
    builder = builder.config("spark.ui.showConsoleProgress", "false")
    try:
        session = builder.getOrCreate()
        context = session.sparkContext
        if _PLAIN_LOCAL.fullmatch(context.master):
            cores = context.defaultParallelism
            session.stop()
            session = builder.master(f"local[{cores},{ATTEMPTS}]").getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
    except (PySparkException, RuntimeError, OSError) as error:
        raise SparkError(
            f"Spark did not start ({type(error).__name__}); its own message stands above. "
            "It needs Java 17 or later: install it, or set JAVA_HOME to where it is."
        ) from error
    try:
        yield session
    finally:
        session.stop()
