"""Two days of made people as whole Parquet tables, and a history that a sweep can ask about them."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.made_people import make_people
from benchmarks.population import rulebook
from features.facts.vocabulary import Vocabulary
from features.made.by_type import tables_by_type

SHARE_CHANGED = 0.01
FIRST = dt.datetime(2026, 3, 1, 1, tzinfo=dt.UTC)
SECOND = dt.datetime(2026, 3, 2, 1, tzinfo=dt.UTC)


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

    def answer_until(self, known_at: dt.datetime) -> None:
        """Everything is there before the first sweep."""

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
