"""(h) A whole population into PostgreSQL, with receipts; and the day after, when 1 % of the facts have changed.

    python -m benchmarks.sweep --persons 1000000
    python -m benchmarks.sweep --persons 200000 --city

The full sweep reads made people from Parquet, answers every benefit for everybody and stores each determination in
PostgreSQL; the incremental one finds whose facts changed, whom a relation carries that to and whose day has come.
Afterwards the day is swept in full, and the two are compared answer by answer. Peers in the same run: a plain scan of
the same files; a row per determination instead of one per subject.
"""

from __future__ import annotations

import argparse
import datetime as dt
import shutil
import tempfile
import time
from pathlib import Path

import polars as pl

from benchmarks.city_days import measure_city
from benchmarks.population import ON_DATE, rulebook
from benchmarks.report import Figure, Result
from benchmarks.rule_depth import rule_depth
from benchmarks.sweep_costs import MEBI, differing, timed
from benchmarks.two_days import FIRST, SECOND, Files, make_files
from rules.catalogue import load_catalogue
from serving.catalogues import shipped_catalogues
from serving.store.database import Session, connect
from serving.store.server import EmbeddedServer
from serving.sweep.run import Settings, Sweeper

ROWS_OF_A_PLAIN_TABLE = 1_000_000


def scan_seconds(folder: Path) -> float:
    """CPU time of only reading the files of the first day."""
    start = time.process_time()
    for path in sorted(folder.glob("*-first.parquet")):
        pl.read_parquet(path)
    return time.process_time() - start


def measure(persons: int, workers: int, folder: Path) -> Result:
    """Run the benchmark."""
    make_files(folder, persons)
    scan = scan_seconds(folder / "days")
    catalogue = load_catalogue(shipped_catalogues() / "cn")
    home = Path(tempfile.mkdtemp(prefix="applyfree-"))
    moments = [FIRST]
    try:
        with EmbeddedServer(home / "postgres") as server:
            sweeper = Sweeper(server, home, Files(folder / "days"), Settings(workers), lambda: moments[-1])
            full = timed(lambda: sweeper.run(catalogue, ON_DATE), server)
            with connect(server.url) as session:
                size = _bytes(session, "standing", "answer")
                plain = _plain_rows_per_second(session)
            moments.append(SECOND)
            day = ON_DATE + dt.timedelta(days=1)
            part = timed(lambda: sweeper.run(catalogue, day), server)
            moments.append(SECOND + dt.timedelta(hours=1))
            again = timed(lambda: sweeper.run(catalogue, day, full=True), server)
            sweeper.close()
            with connect(server.url) as session:
                differs = differing(session, again.outcome.sweep.id)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    made = full.outcome.determinations
    rate = made / full.seconds
    return Result(
        "sweep into PostgreSQL",
        {"persons": persons, "processes": workers, **rule_depth(rulebook(), ON_DATE)},
        [
            Figure("plain scan of the files", scan, "CPU s"),
            Figure("first full sweep", full.cpu.total, "CPU s", "plain scan", full.cpu.total / scan),
            Figure("first full sweep", full.seconds, "s"),
            Figure("persons", persons / full.seconds, "per s"),
            Figure("determinations stored", made, "rows"),
            Figure("determinations", rate, "per s", "a row each, COPY only", rate / plain),
            Figure("memory of the sweep, all processes", full.memory.ours / MEBI, "MiB"),
            Figure("with PostgreSQL", full.memory.all / MEBI, "MiB"),
            Figure("in PostgreSQL, with indexes", size / MEBI, "MiB"),
            Figure("for each determination", size / made, "bytes"),
            Figure("full sweep over an earlier one", again.cpu.total, "CPU s"),
            Figure("full sweep over an earlier one", again.seconds, "s"),
            Figure("incremental sweep, 1 % changed", part.cpu.total, "CPU s", "full sweep",
                   part.cpu.total / again.cpu.total),
            Figure("incremental sweep, 1 % changed", part.seconds, "s", "full sweep", part.seconds / again.seconds),
            Figure("memory of the incremental sweep", part.memory.ours / MEBI, "MiB"),
            Figure("subjects looked at", part.outcome.looked_at, "subjects", "all",
                   part.outcome.looked_at / full.outcome.looked_at),
            Figure("subjects with new answers", part.outcome.written, "subjects"),
            *differs.figures(),
        ],
    )  # fmt: skip


def _bytes(session: Session, *tables: str) -> int:
    row = session.execute(
        "SELECT sum(pg_total_relation_size(t::regclass))::bigint FROM unnest(%s::text[]) t", (list(tables),)
    )
    found = row.fetchone()
    assert found is not None
    assert isinstance(found[0], int)
    return found[0]


def _plain_rows_per_second(session: Session) -> float:
    """The alternative: one row for each determination, by COPY, with the index that it would need."""
    session.execute(
        "CREATE TABLE plain (kind text, id text, benefit text, sweep integer, answer integer, next_change date, "
        "PRIMARY KEY (kind, id, benefit, sweep))"
    )
    text = "".join(f"person\t{n // 30:012}\tbenefit_with_a_name_{n % 30:02}\t1\t{n % 9999}\t2027-01-01\n"
                   for n in range(ROWS_OF_A_PLAIN_TABLE))  # fmt: skip
    start = time.perf_counter()
    with session.cursor().copy("COPY plain FROM STDIN") as copy:
        copy.write(text)
    seconds = time.perf_counter() - start
    session.execute("DROP TABLE plain")
    return ROWS_OF_A_PLAIN_TABLE / seconds


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("var/benchmarks"), help="where made people are kept")
    parser.add_argument("--city", action="store_true", help="the sample city and its history, not made tables")
    arguments = parser.parse_args()
    if arguments.city:
        result = measure_city(arguments.persons, arguments.processes, arguments.folder)
        result.show()
        result.save(f"sweep_city_{arguments.persons}")
        return
    result = measure(arguments.persons, arguments.processes, arguments.folder)
    result.show()
    result.save(f"sweep_{arguments.persons}")


if __name__ == "__main__":
    main()
