"""Made people, the shipped Chinese rules and a real PostgreSQL, for tests of sweeps.

The history here is the plainest there can be: whole tables, one edition after the other, each known from a moment on.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from features.facts.vocabulary import Vocabulary, facts_folder
from features.made.by_type import tables_by_type
from rules.benefits import IN_AREA
from rules.catalogue import Catalogue, load_catalogue
from rules.evaluate.output import batch_determinations
from rules.rulebook import Rulebook
from serving.catalogues import shipped_catalogues
from serving.evaluation import sound_rulebook
from serving.store.answers import plain_figure
from serving.store.database import Session, connect
from serving.store.server import EmbeddedServer
from serving.sweep.run import Outcome, Settings, Sweeper
from tests.databases import renew

ON_DATE = dt.date(2026, 3, 1)
FIRST = dt.datetime(2026, 3, 1, 1, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 3, 1, 2, tzinfo=dt.UTC)


def cn_catalogue(folder: Path | None = None) -> Catalogue:
    """The shipped Chinese catalogue, or a copy of it."""
    return load_catalogue(folder or shipped_catalogues() / "cn", facts_folder())


def cn_rulebook() -> Rulebook:
    """Its rulebook."""
    return sound_rulebook(cn_catalogue())


@dataclass(frozen=True, slots=True)
class Editions:
    """Where editions of the tables are, and who kills whoever reads him (never in this process)."""

    folder: Path
    poison: str | None = None
    raises: str | None = None
    pause_seconds: float = 0
    doubtful: tuple[str, str] | None = None

    def open(self, vocabulary: Vocabulary) -> EditionHistory:
        """For the sweep."""
        return EditionHistory(self, os.getpid())

    def add(self, learned_at: dt.datetime, tables: dict[str, pl.DataFrame]) -> None:
        """A new edition, complete."""
        target = self.folder / f"{len(self.moments()):04d}"
        unfinished = self.folder / ".unfinished"
        unfinished.mkdir(parents=True)
        for kind, table in tables.items():
            table.write_parquet(unfinished / f"{kind}.parquet")
        (unfinished / "learned_at.json").write_text(json.dumps(learned_at.isoformat()))
        unfinished.rename(target)

    def moments(self) -> list[dt.datetime]:
        """When each edition was learned."""
        if not self.folder.is_dir():
            return []
        return [
            dt.datetime.fromisoformat(json.loads((path / "learned_at.json").read_text()))
            for path in sorted(self.folder.glob("[0-9]*"))
        ]

    def tables(self, known_at: dt.datetime) -> dict[str, pl.DataFrame]:
        """The edition of a moment."""
        number = sum(moment <= known_at for moment in self.moments()) - 1
        return {path.stem: pl.read_parquet(path) for path in (self.folder / f"{number:04d}").glob("*.parquet")}


class EditionHistory:
    """Answers what a sweep asks of a history."""

    def __init__(self, editions: Editions, opener: int) -> None:
        self.editions, self.opener = editions, opener

    def as_of(
        self,
        on_date: dt.date,
        known_at: dt.datetime,
        *,
        kinds: Collection[str] | None = None,
        facts: Collection[str] | None = None,
        ids: Mapping[str, Collection[str]] | None = None,
    ) -> dict[str, pl.DataFrame]:
        tables = self.editions.tables(known_at)
        if ids is not None:
            time.sleep(self.editions.pause_seconds)
            everybody = {subject for some in ids.values() for subject in some}
            if self.editions.poison in everybody:
                os.kill(os.getpid(), signal.SIGKILL)
            if self.editions.raises in everybody:
                raise ValueError(f"cannot read {self.editions.raises}")
            tables = {kind: tables[kind].filter(pl.col("id").is_in(list(some))) for kind, some in ids.items()}
        if kinds is not None:
            tables = {kind: table for kind, table in tables.items() if kind in kinds}
        if facts is not None:
            tables = {kind: t.select("id", *(c for c in t.columns if c in facts)) for kind, t in tables.items()}
        return tables

    def answer_until(self, known_at: dt.datetime) -> None:
        """Editions are complete: none comes late."""

    def changed(self, after: dt.datetime, until: dt.datetime) -> pl.DataFrame:
        old, new = self.editions.tables(after), self.editions.tables(until)
        found = [pl.DataFrame(schema={"kind": pl.String, "id": pl.String})]
        for kind, table in new.items():
            known = old[kind].with_columns(known=True)
            before = table.select("id").join(known, on="id", how="left", maintain_order="left")
            differs = before["known"].is_null()
            for name in table.columns[1:]:
                differs |= table[name].ne_missing(before[name])
            found.append(table.filter(differs).select(pl.lit(kind).alias("kind"), "id"))
        return pl.concat(found)

    def turned(self, after: dt.date, until: dt.date, known_at: dt.datetime) -> pl.DataFrame:
        return pl.DataFrame(schema={"kind": pl.String, "id": pl.String})

    def doubtful(self, on_date: dt.date, known_at: dt.datetime) -> pl.DataFrame:
        if self.editions.doubtful is None:
            return pl.DataFrame(schema={"kind": pl.String, "id": pl.String})
        return pl.DataFrame({"kind": [self.editions.doubtful[0]], "id": [self.editions.doubtful[1]]})


def made_tables(persons: int, seed: int = 1) -> dict[str, pl.DataFrame]:
    """People of every kind, for every rule; three in ten leave Beijing or whatever area they were made in."""
    return tables_by_type(cn_rulebook().vocabulary, persons, (seed, 0))


def changed_tables(tables: dict[str, pl.DataFrame], share: float, seed: int) -> dict[str, pl.DataFrame]:
    """New facts for a share of all subjects, new households and mothers for a few, and some new persons."""
    rng = np.random.default_rng([5, seed])
    vocabulary = cn_rulebook().vocabulary
    result: dict[str, pl.DataFrame] = {}
    fresh = tables_by_type(vocabulary, tables["person"].height, (1000 + seed, 0))
    for kind, table in tables.items():
        mask = pl.Series(rng.random(table.height) < share)
        columns = []
        for column in table.get_columns():
            if column.name == "id":
                columns.append(column)
            elif column.name in vocabulary.subjects.links:
                moves = mask & pl.Series(rng.random(table.height) < 0.3)
                shuffled = column.gather(rng.permutation(table.height))
                columns.append(column.zip_with(~moves, shuffled))
            else:
                other = fresh[kind].get_column(column.name)
                other = other.head(table.height).extend_constant(None, max(0, table.height - len(other)))
                columns.append(column.zip_with(~mask, other))
        result[kind] = pl.DataFrame(columns)
    newborn = result["person"].head(2).with_columns(id=pl.format("new{}-{}", pl.lit(seed), pl.int_range(pl.len())))
    result["person"] = pl.concat([result["person"], newborn])
    return result


def sweeper(server: EmbeddedServer, home: Path, source: Editions, workers: int = 1, chunk: int = 300) -> Sweeper:
    """A sweeper with small chunks."""
    return Sweeper(server, home, source, Settings(workers, chunk), lambda: max(source.moments()))


def swept(server: EmbeddedServer, home: Path, source: Editions, on_date: dt.date = ON_DATE, **how: object) -> Outcome:
    """Run one sweep from the beginning to its end."""
    runner = sweeper(server, home, source)
    try:
        return runner.run(cn_catalogue(), on_date, **how)  # type: ignore[arg-type]
    finally:
        runner.close()


def current(session: Session) -> pl.DataFrame:
    """How everybody stands, in one order."""
    rows = session.execute(
        "SELECT subject, id, benefit, outcome, amount::text, amount_low::text, amount_high::text, version, unmet, "
        "missing, next_change FROM current_determination"
    ).fetchall()
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "subject": pl.String, "id": pl.String, "benefit": pl.String, "outcome": pl.String, "amount": pl.String,
        "amount_low": pl.String, "amount_high": pl.String, "version": pl.String, "unmet": pl.List(pl.String),
        "missing": pl.List(pl.String), "next_change": pl.Date,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row").sort("subject", "id", "benefit")


def expected(tables: dict[str, pl.DataFrame], on_date: dt.date = ON_DATE, book: Rulebook | None = None) -> pl.DataFrame:
    """What the rules say of everybody at once, without any sweep; as :func:`current` tells it."""
    asked = {kind: table.height for kind, table in tables.items()}
    rows = pl.concat(list(batch_determinations(book or cn_rulebook(), on_date, tables, asked)))
    applies = (pl.col("outcome") != "ineligible") | ~pl.col("unmet").list.contains(IN_AREA)
    amounts = ["amount", "amount_low", "amount_high"]
    columns = ["subject", "id", "benefit", "outcome", *amounts, "version", "unmet", "missing"]
    figures = (pl.col(name).map_elements(plain_figure, return_dtype=pl.String) for name in amounts)
    found = rows.filter(applies).with_columns(figures).select(*columns, "next_change")
    return found.sort("subject", "id", "benefit")


def emptied(server: EmbeddedServer, home: Path) -> Session:
    """The database as if nothing had ever been swept."""
    session = connect(server.url)
    renew(session)
    shutil.rmtree(home / "sweeps", ignore_errors=True)
    return session
