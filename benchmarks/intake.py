"""Rows per second that one core takes in from Parquet and CSV, against what plain Polars needs to read the same files.

python -m benchmarks.intake [--rows 1000000]

The delivery is written by the contract of `human_resources_social_security.insurance` (nine columns: a month set, an
area, money, dates) and by that of `public_security.residents` (ten columns, GB18030 as CSV); 0.1 % of the rows have a
mistake. Taking in hashes, checks every cell, encodes it and lists the mistakes; the plain scan only reads.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # noqa: TID251 (per core, so on one)

import polars as pl

from benchmarks.report import Figure, Result
from features.documents import Findings
from features.facts.vocabulary import Vocabulary, load_vocabulary
from features.history.records import TRUE_FROM
from features.made.by_type import tables_by_type
from features.registers.contract_files import load_contracts
from features.registers.contracts import Table
from features.registers.intake import take_in
from features.registers.writing import as_written, write_delivery

ATTESTED = dt.date(2026, 3, 1)
LEARNED = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
BAD_EVERY = 1_000
TABLES = ("human_resources_social_security.insurance", "public_security.residents")


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args(arguments).rows
    findings = Findings()
    vocabulary = load_vocabulary("cn", findings)
    contracts = load_contracts(vocabulary, findings)
    result = Result("intake", {"rows": rows, "threads": pl.thread_pool_size()})
    with tempfile.TemporaryDirectory() as folder:
        for name in TABLES:
            table = contracts.tables[name]
            cells = _delivery(table, vocabulary, rows)
            for form in ("parquet", "csv"):
                path = Path(folder) / table.file_name(ATTESTED, form)
                write_delivery(table, cells, path)
                result.figures.extend(_measured(table, path, form, rows, vocabulary))
                path.unlink()
    result.show()
    result.save("intake")
    return 0


def _delivery(table: Table, vocabulary: Vocabulary, rows: int) -> pl.DataFrame:
    drawn = tables_by_type(vocabulary, rows, (1,))[table.kind]
    begin = (pl.lit(ATTESTED) - pl.duration(days=pl.int_range(pl.len()) % 3_000)).cast(pl.Date)
    cells = as_written(table, drawn.with_columns(begin.alias(TRUE_FROM)), ATTESTED)
    first = table.columns[0].header
    bad = pl.int_range(pl.len()) % BAD_EVERY == 0
    return cells.with_columns(pl.when(bad).then(pl.lit("?")).otherwise(pl.col(first)).alias(first))


def _measured(table: Table, path: Path, form: str, rows: int, vocabulary: Vocabulary) -> list[Figure]:
    taken = _seconds(lambda: take_in(table, path, LEARNED, vocabulary))
    plain = _seconds(lambda: _plain(table, path, form))
    what = f"{table.id}, {form}"
    return [
        Figure(f"{what}: taken in", rows / taken, "rows/s", "plain Polars scan (times its seconds)", taken / plain),
        Figure(f"{what}: plain scan", rows / plain, "rows/s"),
    ]


def _plain(table: Table, path: Path, form: str) -> int:
    """Only read: a CSV file in GB18030 has to be decoded for it."""
    if form == "parquet":
        return pl.read_parquet(path).height
    if table.encoding == "utf-8":
        return pl.read_csv(path, infer_schema=False).height
    return pl.read_csv(path.read_bytes().decode(table.encoding).encode(), infer_schema=False).height


def _seconds(work: Callable[[], object]) -> float:
    """Processor seconds of the better of two runs: other work on the machine does not count."""
    best = float("inf")
    for _ in range(2):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


if __name__ == "__main__":
    sys.exit(main())
