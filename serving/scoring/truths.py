"""The truth of a sample city, some partitions at a time: who is entitled to what, and whom a fault touches."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

import polars as pl

from features.city.making import ABOUT, FAULTS
from features.facts.encoding import ID, Tables
from features.facts.population import NONE
from features.facts.subjects import PERSON
from features.facts.vocabulary import Vocabulary
from rules.evaluate.output import batch_determinations
from rules.rulebook import Rulebook
from serving.errors import ServingError

PARTITIONS_AT_ONCE = 4
COMPARED = (ID, "benefit", "outcome", "amount")


class NoTruthError(ServingError):
    """A folder does not hold the truth of a sample city."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder} does not hold the truth of a sample city. Name the folder `truth` that `city` wrote."
        )


@dataclass(frozen=True, slots=True)
class Truth:
    """The folder `truth` of a sample city.

    Attributes:
        folder: where it is.
        on_date: the day on which the city is looked at.
        partitions: by kind of subject, the files of each partition.
    """

    folder: Path
    on_date: dt.date
    partitions: tuple[dict[str, Path], ...]


def open_truth(folder: Path, vocabulary: Vocabulary) -> Truth:
    """Open the truth of a city.

    Raises:
        NoTruthError: there is none in this folder.
    """
    about = folder / ABOUT
    if not about.exists() or not (folder / FAULTS).exists():
        raise NoTruthError(folder)
    numbers = sorted(path.stem.rpartition("-")[2] for path in folder.glob(f"{PERSON}-*.parquet"))
    kinds = vocabulary.subjects.kinds
    partitions = tuple({kind: folder / f"{kind}-{number}.parquet" for kind in kinds} for number in numbers)
    day = dt.date.fromisoformat(json.loads(about.read_text(encoding="utf-8"))["on_date"])
    return Truth(folder, day, partitions)


@dataclass(frozen=True, slots=True)
class Share:
    """Some partitions' true answers.

    Attributes:
        ids: of every subject in them.
        answers: `id`, `benefit`, `outcome`, `amount`.
        touched: `id`, `kind` (of fault), `own` (the fault is about the subject itself, not its household or employer).
    """

    ids: pl.Series
    answers: pl.DataFrame
    touched: pl.DataFrame


def shares(truth: Truth, rulebook: Rulebook, faults: pl.DataFrame) -> Iterator[Share]:
    """The true answers, some partitions at a time."""
    benefits = sorted(rulebook.in_force(truth.on_date))
    order = iter(truth.partitions)
    while taken := list(islice(order, PARTITIONS_AT_ONCE)):
        parts = [_of_partition(files, truth, rulebook, faults, benefits) for files in taken]
        yield Share(
            pl.concat([part.ids for part in parts]),
            pl.concat([part.answers for part in parts]),
            pl.concat([part.touched for part in parts]),
        )


def _of_partition(
    files: dict[str, Path], truth: Truth, rulebook: Rulebook, faults: pl.DataFrame, benefits: list[str]
) -> Share:
    tables = {kind: pl.read_parquet(path) for kind, path in files.items()}
    asked = {kind: table.height for kind, table in tables.items()}
    answers = [
        pl.concat([rows.select(COMPARED) for rows in group])
        for _, group in groupby(
            batch_determinations(rulebook, truth.on_date, tables, asked, benefits),
            key=lambda rows: rows.item(0, "benefit"),
        )
    ]
    return Share(pl.concat([table[ID] for table in tables.values()]), pl.concat(answers), touched_by(tables, faults))


def touched_by(tables: Tables, faults: pl.DataFrame) -> pl.DataFrame:
    """Whom faults touch: those they are about, and through household and employer those whose answers read them."""
    persons = tables[PERSON].select(ID, "household_id", "enterprise_id")
    ids = pl.concat([table.select(ID) for table in tables.values()])
    own = faults.select(pl.col("subject").alias(ID), "kind").drop_nulls().unique().join(ids, on=ID, how="semi")
    found = [own.with_columns(own=pl.lit(value=True))]
    for link in ("household_id", "enterprise_id"):
        member_of = persons.select(ID, pl.col(link).alias("group")).filter(pl.col("group") != NONE)
        groups = pl.concat(
            [
                own.join(member_of, on=ID).select(pl.col("group").alias(ID), "kind"),
                own.join(member_of.select(pl.col("group").alias(ID)).unique(), on=ID, how="semi"),
            ]
        ).unique()
        found.append(groups.with_columns(own=pl.lit(value=False)))
        if link == "household_id":
            members = groups.rename({ID: "group"}).join(member_of, on="group").select(ID, "kind")
            found.append(members.with_columns(own=pl.lit(value=False)))
    return pl.concat(found).group_by(ID, "kind").agg(pl.col("own").any()).sort(ID, "kind")
