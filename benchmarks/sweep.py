"""(h) A whole population into PostgreSQL, with receipts; and the day after, when 1 % of the facts have changed.

    python -m benchmarks.sweep --persons 1000000

The full sweep reads made people from Parquet, answers every benefit for everybody and stores each determination in
PostgreSQL; the incremental one finds whose facts changed, whom a relation carries that to and whose day has come.
Peers in the same run: only reading and evaluating; a row per determination instead of one per subject.
"""

from __future__ import annotations

import argparse
import datetime as dt
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import psutil

from benchmarks.made_people import make_people
from benchmarks.population import ON_DATE, rulebook
from benchmarks.report import Figure, Result
from benchmarks.rule_depth import rule_depth
from features.facts.vocabulary import Vocabulary
from features.made.by_type import tables_by_type
from rules.catalogue import load_catalogue
from serving.catalogues import shipped_catalogues
from serving.store.database import Session, connect
from serving.store.server import EmbeddedServer
from serving.sweep.run import Outcome, Settings, Sweeper

MEBI = 1 << 20
SHARE_CHANGED = 0.01
FIRST = dt.datetime(2026, 3, 1, 1, tzinfo=dt.UTC)
SECOND = dt.datetime(2026, 3, 2, 1, tzinfo=dt.UTC)
ROWS_OF_A_PLAIN_TABLE = 1_000_000


@dataclass(frozen=True, slots=True)
class Files:
    """Whole tables as Parquet files: those of the first day, and of the second for whoever changed."""

    folder: Path

    def open(self, vocabulary: Vocabulary) -> FilesHistory:
        """For the sweep."""
        return FilesHistory(self.folder)


class FilesHistory:
    """What a sweep asks of a history, answered from two files per kind of subject."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def as_of(
        self,
        on_date: dt.date,
        known_at: dt.datetime,
        *,
        kinds: Collection[str] | None = None,
        facts: Collection[str] | None = None,
        ids: Mapping[str, Collection[str]] | None = None,
    ) -> dict[str, pl.DataFrame]:
        tables: dict[str, pl.DataFrame] = {}
        for kind in kinds or ("person", "household", "enterprise"):
            day = "first" if known_at < SECOND else "second"
            scan = pl.scan_parquet(self.folder / f"{kind}-{day}.parquet")
            if facts is not None:
                scan = scan.select("id", *(name for name in scan.collect_schema().names() if name in facts))
            tables[kind] = scan.collect() if ids is None else _only(scan, pl.Series("id", ids[kind], dtype=pl.String))
        return tables

    def changed(self, after: dt.datetime, until: dt.datetime) -> pl.DataFrame:
        return pl.read_parquet(self.folder / "changed.parquet")

    def turned(self, after: dt.date, until: dt.date, known_at: dt.datetime) -> pl.DataFrame:
        return pl.DataFrame(schema={"kind": pl.String, "id": pl.String})

    def doubtful(self, on_date: dt.date, known_at: dt.datetime) -> pl.DataFrame:
        return pl.DataFrame(schema={"kind": pl.String, "id": pl.String})


def _only(scan: pl.LazyFrame, ids: pl.Series) -> pl.DataFrame:
    """The rows of some subjects; row groups that hold none of them are not read."""
    rows = scan.select("id").collect().with_row_index("row").filter(pl.col("id").is_in(ids.implode())).get_column("row")
    if rows.is_empty():
        return scan.head(0).collect()
    first, last = int(rows[0]), int(rows[-1])
    near = scan.slice(first, last - first + 1)
    if len(rows) > last - first:
        return near.collect()
    return near.filter(pl.col("id").is_in(ids.implode())).collect()


def make_files(folder: Path, persons: int) -> None:
    """Write two days of made people."""
    vocabulary = rulebook().vocabulary
    people = make_people(folder, persons, vocabulary)
    target = folder / "days"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    days: dict[tuple[str, str], list[pl.DataFrame]] = {}
    changed: list[pl.DataFrame] = []
    rng = np.random.default_rng(9)
    for number, partition in enumerate(people):
        tables = partition.read()
        fresh = tables_by_type(vocabulary, tables["person"].height, (77, number))
        for kind, table in tables.items():
            mask = pl.Series(rng.random(table.height) < SHARE_CHANGED)
            kept = {"id", *vocabulary.subjects.links}
            columns = [
                c if c.name in kept else c.zip_with(~mask, fresh[kind].get_column(c.name).head(len(c)))
                for c in table.get_columns()
            ]
            days.setdefault((kind, "first"), []).append(table)
            days.setdefault((kind, "second"), []).append(pl.DataFrame(columns))
            changed.append(table.filter(mask).select(pl.lit(kind).alias("kind"), "id"))
    for (kind, day), parts in days.items():
        pl.concat(parts).write_parquet(target / f"{kind}-{day}.parquet", compression="lz4", row_group_size=50_000)
    pl.concat(changed).write_parquet(target / "changed.parquet")


class Memory(threading.Thread):
    """The most that this process, its workers and PostgreSQL hold at once; shared pages are counted once."""

    def __init__(self, server: EmbeddedServer) -> None:
        super().__init__(daemon=True)
        self.ours = self.all = 0
        self._server, self._ends = server, threading.Event()

    def run(self) -> None:
        while not self._ends.wait(0.25):
            ours = self._held(psutil.Process())
            self.ours = max(self.ours, ours)
            self.all = max(self.all, ours + self._held(psutil.Process(self._server.pid)))

    def end(self) -> None:
        """Stop watching."""
        self._ends.set()
        self.join()

    def _held(self, root: psutil.Process) -> int:
        total = 0
        try:
            for process in [root, *root.children(recursive=True)]:
                total += process.memory_full_info().pss
        except psutil.Error:
            pass
        return total


def timed(action: Callable[[], Outcome], server: EmbeddedServer) -> tuple[Outcome, float, Memory]:
    """Run one sweep."""
    memory = Memory(server)
    memory.start()
    start = time.perf_counter()
    outcome = action()
    seconds = time.perf_counter() - start
    memory.end()
    return outcome, seconds, memory


def measure(persons: int, workers: int, folder: Path) -> Result:
    """Run the benchmark."""
    make_files(folder, persons)
    catalogue = load_catalogue(shipped_catalogues() / "cn")
    home = Path(tempfile.mkdtemp(prefix="applyfree-"))
    moments = [FIRST]
    try:
        with EmbeddedServer(home / "postgres") as server:
            sweeper = Sweeper(server, home, Files(folder / "days"), Settings(workers), lambda: moments[-1])
            full, full_seconds, memory = timed(lambda: sweeper.run(catalogue, ON_DATE), server)
            with connect(server.url) as session:
                size = _bytes(session, "standing", "answer")
                plain = _plain_rows_per_second(session)
            moments.append(SECOND)
            day = ON_DATE + dt.timedelta(days=1)
            part, part_seconds, _ = timed(lambda: sweeper.run(catalogue, day), server)
            moments.append(SECOND + dt.timedelta(hours=1))
            _, again_seconds, _ = timed(lambda: sweeper.run(catalogue, day, full=True), server)
            sweeper.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    assert full.dead == part.dead == ()
    return Result(
        "sweep into PostgreSQL",
        {"persons": persons, "processes": workers, **rule_depth(rulebook(), ON_DATE)},
        [
            Figure("first full sweep", full_seconds, "s"),
            Figure("persons", persons / full_seconds, "per s"),
            Figure("determinations stored", full.determinations, "rows"),
            Figure("determinations", full.determinations / full_seconds, "per s", "a row each, COPY only",
                   full.determinations / full_seconds / plain),
            Figure("memory of the sweep, all processes", memory.ours / MEBI, "MiB"),
            Figure("with PostgreSQL", memory.all / MEBI, "MiB"),
            Figure("in PostgreSQL, with indexes", size / MEBI, "MiB"),
            Figure("for each determination", size / full.determinations, "bytes"),
            Figure("full sweep over an earlier one", again_seconds, "s"),
            Figure("incremental sweep, 1 % changed", part_seconds, "s", "full sweep", part_seconds / again_seconds),
            Figure("subjects looked at", part.looked_at, "subjects", "all", part.looked_at / full.looked_at),
            Figure("subjects with new answers", part.written, "subjects"),
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
    arguments = parser.parse_args()
    result = measure(arguments.persons, arguments.processes, arguments.folder)
    result.show()
    result.save(f"sweep_{arguments.persons}")


if __name__ == "__main__":
    main()
