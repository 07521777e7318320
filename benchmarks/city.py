"""The sample city: persons a second, rows a second, and the memory it takes, which must not grow with the city.

    python -m benchmarks.city --persons 1000000

Each size is made in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import datetime as dt
import multiprocessing
import resource
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import Figure, Result
from features.city.making import Plan, make_city
from features.city.margins import load_fault_rates, load_margins
from features.documents import Findings
from features.facts.vocabulary import load_vocabulary
from features.registers.contract_files import load_contracts

ON_DATE = dt.date(2026, 3, 1)
SEED = 1
MEBI = 1 << 20


@dataclass(frozen=True, slots=True)
class Made:
    """What making one city took."""

    seconds: float
    rows: int
    faults: int
    peak_bytes: int
    disk_bytes: int


def make(persons: int, folder: Path) -> Made:
    """Make a city; runs in a process of its own."""
    findings = Findings()
    vocabulary = load_vocabulary("cn", findings)
    contracts = load_contracts(vocabulary, findings)
    start = time.perf_counter()
    account = make_city(Plan(persons, SEED, ON_DATE), folder, vocabulary, contracts, load_margins(), load_fault_rates())
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Made(seconds, account.rows, account.faults.total(), peak, disk)


def measure(persons: int, folder: Path) -> Result:
    """Run the benchmark; the city is removed afterwards."""
    target = folder / f"city-{persons}"
    try:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            made = pool.submit(make, persons, target).result()
    finally:
        shutil.rmtree(target, ignore_errors=True)
    return Result(
        "the sample city: people, ten years, deliveries of all registers, faults, truth",
        {"persons": persons, "processes": 1},
        [
            Figure("wall time", made.seconds, "s"),
            Figure("persons", persons / made.seconds, "per s"),
            Figure("rows delivered", made.rows, "rows"),
            Figure("rows delivered", made.rows / made.seconds, "per s"),
            Figure("planted faults", made.faults, "places"),
            Figure("peak memory", made.peak_bytes / MEBI, "MiB"),
            Figure("on disk", made.disk_bytes / MEBI, "MiB"),
        ],
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=Path("var/benchmarks"), help="where the city is made")
    arguments = parser.parse_args()
    result = measure(arguments.persons, arguments.folder)
    result.show()
    result.save(f"city_{arguments.persons}")


if __name__ == "__main__":
    main()
