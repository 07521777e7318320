"""Real Spark for tests: executors that are processes of their own."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

needs_spark = pytest.mark.skipif(
    find_spec("pyspark") is None or shutil.which("java") is None, reason="Spark or Java is not installed (`make spark`)"
)


@pytest.fixture(scope="module")
def two_executors() -> Iterator[None]:
    """A session with two executors."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 an extra

    spec = find_spec("pyspark")
    assert spec is not None
    assert spec.origin is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_HOME", str(Path(spec.origin).parent))
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
        builder = SparkSession.builder.master("local-cluster[2,1,1024]").config("spark.ui.enabled", "false")
        session = builder.config("spark.executorEnv.POLARS_MAX_THREADS", "1").appName("tests").getOrCreate()
        yield
        session.stop()
