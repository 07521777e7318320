"""(f) What the history costs: deliveries taken in, and everything known of a million people read as of a day.

    python -m benchmarks.history --persons 1000000

One list of everybody for each register and kind of subject, of all facts of the dictionary; then the same lists a
month later with 1 % of rows changed; then every fact of everybody as of a day. Peer: a plain Polars scan
of the files that the history wrote.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.report import Figure, Result
from features.documents import Findings
from features.facts.encoding import ID
from features.facts.vocabulary import load_vocabulary
from features.history.history import History
from features.history.records import STATUS_TYPE, Batch, View
from features.made.by_type import tables_by_type

SHARE_CHANGED = 0.01
FIRST, SECOND, ON_DATE = dt.date(2026, 1, 1), dt.date(2026, 2, 1), dt.date(2026, 3, 1)
KNOWN_AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def measure(persons: int, folder: Path) -> Result:
    """Run the benchmark."""
    vocabulary = load_vocabulary("cn", Findings())
    tables = tables_by_type(vocabulary, persons, (1, 2))
    carried: dict[tuple[str, str], list[str]] = {}
    for fact in vocabulary.dictionary.facts.values():
        if fact.id in tables[fact.subject].columns:
            carried.setdefault((fact.register, fact.subject), []).append(fact.id)
    views = [View(f"{r}.{k}", r, k, tuple(facts), full=True) for (r, k), facts in carried.items()]
    history = History(folder, vocabulary, views)
    rows, first = _deliver(history, tables, FIRST)
    other = tables_by_type(vocabulary, persons, (3, 4))
    changed = np.random.default_rng(5)
    later = {kind: _changed(table, other[kind], changed) for kind, table in tables.items()}
    _, second = _deliver(history, later, SECOND)
    del tables, other, later
    whole = _seconds(lambda: history.as_of(ON_DATE, KNOWN_AT))
    few = _seconds(lambda: history.as_of(ON_DATE, KNOWN_AT, facts=["birth_date", "alive", "household_id"]))
    one = _seconds(lambda: history.holdings("person", "5", ON_DATE, KNOWN_AT))
    scan = _seconds(lambda: [pl.read_parquet(path) for path in sorted(folder.glob("*/*.rows.parquet"))])
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    return Result(
        "the history of facts",
        {"persons": persons, "views": len(views), "facts": sum(len(view.facts) for view in views)},
        [
            Figure("first lists taken in", rows / first, "rows/s"),
            Figure(f"lists with {SHARE_CHANGED:.0%} changed taken in", rows / second, "rows/s"),
            Figure("every fact of everybody as of a day", whole, "s", "plain scan of the files", whole / scan),
            Figure("three facts of everybody", few, "s"),
            Figure("every fact of one person", one, "s"),
            Figure("plain scan of the files", scan, "s"),
            Figure("files", size / 1e6, "MB"),
        ],
    )


def _deliver(history: History, tables: dict[str, pl.DataFrame], day: dt.date) -> tuple[int, float]:
    """One list for each view; how many rows, and how long that took."""
    rows, seconds = 0, 0.0
    for batch, frame in _lists(history, tables, day):
        seconds += _seconds(lambda batch=batch, frame=frame: history.append(batch, frame))
        rows += frame.height
    return rows, seconds


def _lists(history: History, tables: dict[str, pl.DataFrame], day: dt.date) -> Iterator[tuple[Batch, pl.DataFrame]]:
    moment = dt.datetime.combine(day, dt.time(8), tzinfo=dt.UTC)
    for view in history.views.values():
        yield (
            Batch(view.id, f"{view.id}-{day}", "made", moment, day),
            tables[view.kind]
            .select(ID, *view.facts)
            .with_columns(
                pl.lit(FIRST).alias("true_from"),
                pl.lit(None, dtype=pl.Date).alias("true_to"),
                pl.lit("stated", dtype=STATUS_TYPE).alias("status"),
                pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).alias("row"),
            ),
        )


def _changed(table: pl.DataFrame, other: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """The table with some rows as in another; ids and links stay."""
    kept = pl.Series(rng.random(table.height) >= SHARE_CHANGED)
    stays = [name for name in table.columns if name == ID or name.endswith("_id")]
    return table.select(
        table[name] if name in stays else table[name].zip_with(kept, other[name]) for name in table.columns
    )


def _seconds(work: object) -> float:
    assert callable(work)
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(arguments.persons, Path(folder))
    result.show()
    result.save("history")


if __name__ == "__main__":
    main()
