"""(a) A whole population against a whole catalogue: persons a second, and the memory it takes.

    python -m benchmarks.population --persons 10000000

Every benefit of the catalogue is answered for every made person, household and enterprise: outcome, amount, unmet
criteria, missing facts and next change, and written as packed Parquet. Peers in the same run: only reading the same
files, and the reference evaluator on a sample.
"""

from __future__ import annotations

import argparse
import datetime as dt
import multiprocessing
import os
import resource
import shutil
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import polars as pl
from rich.progress import track

from benchmarks.made_people import Partition, make_people
from benchmarks.report import Figure, Result
from benchmarks.rule_depth import rule_depth
from features.facts.encoding import population_of
from rules.catalogue import load_catalogue
from rules.evaluate.batch import BatchEvaluator
from rules.evaluate.reference import ReferenceEvaluator
from rules.rulebook import Rulebook

ON_DATE = dt.date(2026, 3, 1)
REFERENCE_PERSONS = 1_000
MEBI = 1 << 20


@dataclass(frozen=True, slots=True)
class Work:
    """One partition to evaluate."""

    partition: Partition
    target: Path | None


@dataclass(frozen=True, slots=True)
class Done:
    """What a worker found of one partition."""

    worker: int
    determinations: int
    undetermined: int
    cpu_seconds: float
    peak_bytes: int


def rulebook() -> Rulebook:
    """The shipped Chinese catalogue."""
    book = load_catalogue(Path(str(resources.files("rules") / "catalogue" / "cn"))).rulebook
    assert book is not None
    return book


_EVALUATORS: dict[str, BatchEvaluator] = {}


def evaluate_partition(work: Work) -> Done:
    """Answer everything for one partition; runs in a worker process."""
    if "cn" not in _EVALUATORS:
        _EVALUATORS["cn"] = BatchEvaluator(rulebook(), ON_DATE)
    evaluator = _EVALUATORS["cn"]
    before = time.process_time()
    answers = evaluator.evaluate(work.partition.read())
    if work.target is not None:
        _write(answers, work.target)
    determinations = sum(frame.height for frame in answers.values())
    undetermined = sum(int((frame.get_column("outcome") == 1).sum()) for frame in answers.values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Done(os.getpid(), determinations, undetermined, time.process_time() - before, peak)


def _write(answers: dict[str, pl.DataFrame], target: Path) -> None:
    by_height: dict[int, list[pl.DataFrame]] = {}
    for benefit, frame in answers.items():
        by_height.setdefault(frame.height, []).append(frame.select(pl.all().name.prefix(f"{benefit}.")))
    for height, frames in by_height.items():
        path = target.with_name(f"{target.name}-{height}.parquet")
        pl.concat(frames, how="horizontal").write_parquet(path, compression="lz4", statistics=False)


def read_partition(partition: Partition) -> int:
    """Only read one partition; runs in a worker process."""
    return sum(int(frame.estimated_size()) for frame in partition.read().values())


def measure(persons: int, workers: int, folder: Path) -> Result:
    """Run the benchmark."""
    book = rulebook()
    partitions = make_people(folder, persons, book.vocabulary)
    out = Path(tempfile.mkdtemp(dir=folder))
    # Workers start afresh, with one Polars thread each: the partitions are the parallelism.
    os.environ["POLARS_MAX_THREADS"] = "1"  # noqa: TID251 - we read nothing: it is how workers are told
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(workers, context) as pool:
            list(pool.map(read_partition, partitions[:workers]))
            start = time.perf_counter()
            for _ in track(pool.map(read_partition, partitions), "reading only", len(partitions)):
                pass
            scan = time.perf_counter() - start
        with ProcessPoolExecutor(workers, context) as pool:
            list(pool.map(evaluate_partition, [Work(p, None) for p in partitions[:workers]]))
            start = time.perf_counter()
            work = [Work(p, out / f"{n:04d}") for n, p in enumerate(partitions)]
            done = list(track(pool.map(evaluate_partition, work), "evaluating", len(work)))
            wall = time.perf_counter() - start
        size = sum(path.stat().st_size for path in out.iterdir())
    finally:
        shutil.rmtree(out, ignore_errors=True)
    peak = sum(max(d.peak_bytes for d in done if d.worker == worker) for worker in {d.worker for d in done})
    reference = _reference_rate(book, partitions[0])
    rate = persons / wall
    cpu = sum(d.cpu_seconds for d in done)
    return Result(
        "whole population, whole Chinese catalogue",
        {"persons": persons, "processes": workers, **rule_depth(book, ON_DATE)},
        [
            Figure("wall time", wall, "s", "reading only", wall / scan),
            Figure("CPU time", cpu, "s"),
            Figure("persons", rate, "per s", "reference evaluator, one process", rate / reference),
            Figure("determinations", sum(d.determinations for d in done) / wall, "per s"),
            Figure("undetermined, with missing facts", sum(d.undetermined for d in done), "rows"),
            Figure("peak memory, all processes", peak / MEBI, "MiB"),
            Figure("answers on disk", size / MEBI, "MiB"),
        ],
    )


def _reference_rate(book: Rulebook, partition: Partition) -> float:
    """Persons a second of the reference evaluator, on the first persons of a partition."""
    tables = partition.read()
    tables["person"] = tables["person"].head(REFERENCE_PERSONS)
    households = tables["person"].get_column("household_id").unique()
    tables["household"] = tables["household"].filter(pl.col("id").is_in(households.implode()))
    tables["enterprise"] = tables["enterprise"].head(REFERENCE_PERSONS // 20)
    population = population_of(tables, book.vocabulary)
    evaluator = ReferenceEvaluator(book, population, ON_DATE)
    start = time.perf_counter()
    for benefit_id, benefit in evaluator.plans.items():
        for subject in population.listed[benefit.benefit.subject].values():
            evaluator.answer(benefit_id, subject)
    return REFERENCE_PERSONS / (time.perf_counter() - start)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("var/benchmarks"), help="where made people are kept")
    arguments = parser.parse_args()
    result = measure(arguments.persons, arguments.processes, arguments.folder)
    result.show()
    result.save(f"population_{arguments.persons}")


if __name__ == "__main__":
    main()
