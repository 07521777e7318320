"""What Spark costs beside one machine: the same people, the same kernel, the same determinations.

    python -m benchmarks.spark --persons 200000

Spark runs on this machine, with as many executor threads as the peer has processes: what it adds is starting, cutting
the population, and carrying the determinations through the Java machine. Peer in the same run: `--engine batch`, which
uses one thread of Polars for the kernel. Then a full sweep into PostgreSQL, by executors and by as many processes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

from benchmarks.made_people import make_people
from benchmarks.population import ON_DATE
from benchmarks.report import Figure, Result
from benchmarks.rule_depth import rule_depth
from benchmarks.two_days import FIRST, Files, make_files
from rules.catalogue import Catalogue, load_catalogue
from rules.evaluate.cluster import ATTEMPTS
from rules.evaluate.output import batch_determinations
from rules.evaluate.spark import spark_determinations
from serving.catalogues import shipped_catalogues
from serving.store.server import EmbeddedServer
from serving.sweep.crew import Crew, Processes
from serving.sweep.run import Outcome, Settings, Sweeper
from serving.sweep.spark import SparkCrew

CHUNKS_PER_CORE = 4
"""Of a sweep: enough that both sides can share the work out."""


def swept(catalogue: Catalogue, crew: Callable[[], Crew], days: Path, size: int) -> tuple[Outcome, float]:
    """One full sweep into a new database."""
    with tempfile.TemporaryDirectory(prefix="applyfree-") as folder:
        home = Path(folder)
        with EmbeddedServer(home / "postgres") as server:
            how, files = Settings(chunk_subjects=size), Files(days.resolve())
            sweeper = Sweeper(server, home, files, how, lambda: FIRST, crew=crew())
            begun = time.perf_counter()
            outcome = sweeper.run(catalogue, ON_DATE)
            seconds = time.perf_counter() - begun
            sweeper.close()
    return outcome, seconds


def measure(persons: int, cores: int, folder: Path) -> Result:
    """Run the benchmark."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 an extra

    catalogue = load_catalogue(shipped_catalogues() / "cn")
    assert catalogue.rulebook is not None
    partitions = [part.read() for part in make_people(folder, persons, catalogue.rulebook.vocabulary)]
    tables = {kind: pl.concat([part[kind] for part in partitions]) for kind in partitions[0]}
    asked = {kind: table.height for kind, table in tables.items()}
    begun = time.perf_counter()
    rows = sum(f.height for f in batch_determinations(catalogue.rulebook, ON_DATE, tables, asked))
    batch = time.perf_counter() - begun
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # noqa: TID251 - it is how pyspark is told
    begun = time.perf_counter()
    session = (
        SparkSession.builder.master(f"local[{cores},{ATTEMPTS}]")
        .config("spark.ui.enabled", "false")
        .config("spark.executorEnv.POLARS_MAX_THREADS", "1")
        .getOrCreate()
    )
    start = time.perf_counter() - begun
    begun = time.perf_counter()
    found = sum(f.height for f in spark_determinations(catalogue, ON_DATE, tables, asked))
    spark = time.perf_counter() - begun
    make_files(folder, persons)
    size = persons // (CHUNKS_PER_CORE * cores)
    there, there_seconds = swept(catalogue, lambda: SparkCrew(session), folder / "days", size)
    session.stop()
    here, here_seconds = swept(catalogue, lambda: Processes(cores), folder / "days", size)
    assert found == rows
    assert (there.written, there.determinations) == (here.written, here.determinations)
    return Result(
        "Spark on one machine",
        {"persons": persons, "cores": cores, **rule_depth(catalogue.rulebook, ON_DATE)},
        [
            Figure("batch, one process", batch, "s"),
            Figure("starting Spark", start, "s"),
            Figure("Spark", spark, "s", "batch, one process", spark / batch),
            Figure("determinations", rows, "rows"),
            Figure("core-seconds per million persons", spark * cores / persons * 1e6, "s"),
            Figure("full sweep, processes", here_seconds, "s"),
            Figure("full sweep, Spark", there_seconds, "s", "processes", there_seconds / here_seconds),
            Figure("determinations stored", there.determinations, "rows"),
        ],
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=200_000)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("var/benchmarks"), help="where made people are kept")
    arguments = parser.parse_args()
    result = measure(arguments.persons, arguments.cores, arguments.folder)
    result.show()
    result.save("spark")


if __name__ == "__main__":
    main()
