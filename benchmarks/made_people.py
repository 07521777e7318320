"""Made people for measuring: any number, deterministic, in partitions that no relation leaves, one file per kind.

The marginals of what most rules read first (age, area, household, income) are plausible; every other fact is drawn by
its type, and a share of all cells is unknown. Speed is what this population is for; the sample city is for truth.
"""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from features.facts.dictionary import Fact
from features.facts.encoding import column_type
from features.facts.vocabulary import Vocabulary

PARTITION_PERSONS = 250_000
PERSONS_PER_HOUSEHOLD = 2.6
PERSONS_PER_ENTERPRISE = 20
SHARE_UNKNOWN = 0.03
SHARE_TRUE = 0.04
TODAY = dt.date(2026, 3, 1)
HOME_AREAS = ("440100", "440112", "440113", "440300", "110000", "310000", "440000")
HOME_SHARES = (0.55, 0.1, 0.1, 0.1, 0.1, 0.03, 0.02)
MONEY_MEAN_MINOR = 250_000


@dataclass(frozen=True, slots=True)
class Partition:
    """The files of one partition, by kind of subject."""

    files: dict[str, Path]

    def read(self) -> dict[str, pl.DataFrame]:
        """The encoded tables."""
        return {kind: pl.read_parquet(path) for kind, path in self.files.items()}


def make_people(folder: Path, persons: int, vocabulary: Vocabulary, seed: int = 1) -> list[Partition]:
    """Write (or find ready) so many persons with their households and enterprises.

    Returns:
        The partitions, in order.
    """
    target = folder / f"{vocabulary.jurisdiction}-{persons}-{seed}"
    count = max(1, round(persons / PARTITION_PERSONS))
    sizes = [persons // count + (number < persons % count) for number in range(count)]
    partitions = [Partition({k: target / f"{k}-{n:04d}.parquet" for k in KINDS}) for n in range(count)]
    if not (target / "done").exists():
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for number, (size, partition) in enumerate(zip(sizes, partitions, strict=True)):
            for kind, frame in _tables(number, size, vocabulary, seed).items():
                frame.write_parquet(partition.files[kind], compression="lz4", statistics=False)
        (target / "done").touch()
    return partitions


KINDS = ("person", "household", "enterprise")


def _tables(number: int, persons: int, vocabulary: Vocabulary, seed: int) -> dict[str, pl.DataFrame]:
    rng = np.random.default_rng([seed, number])
    households = max(1, int(persons / PERSONS_PER_HOUSEHOLD))
    enterprises = max(1, persons // PERSONS_PER_ENTERPRISE)
    household_of = np.sort(rng.integers(0, households, persons))
    enterprise_of = rng.integers(0, enterprises, persons)
    base = number * 10_000_000
    spouse = np.full(persons, -1)
    paired = np.flatnonzero((np.diff(household_of) == 0) & (rng.random(persons - 1) < 0.5))[::2]
    paired = paired[np.diff(paired, prepend=-2) > 1]
    spouse[paired], spouse[paired + 1] = paired + 1, paired
    mothers = np.where(rng.random(persons) < 0.4, rng.integers(0, persons, persons), -1)
    frames: dict[str, pl.DataFrame] = {}
    links = {
        "household_id": household_of + base,
        "enterprise_id": np.where(rng.random(persons) < 0.5, enterprise_of + base, -1),
        "spouse_id": np.where(spouse >= 0, spouse + base, -1),
        "mother_id": np.where(mothers >= 0, mothers + base, -1),
        "father_id": np.full(persons, -1),
        "guardian_id": np.full(persons, -1),
    }
    for kind, n in (("person", persons), ("household", households), ("enterprise", enterprises)):
        columns = {"id": pl.Series(np.arange(n) + base).cast(pl.String)}
        if kind == "person":
            for name, values in links.items():
                text = pl.Series(values).cast(pl.String)
                columns[name] = text.zip_with(pl.Series(values >= 0), pl.Series(["none"]).new_from_index(0, n))
        for fact in vocabulary.dictionary.of_subject(kind):
            if fact.type.kind != "id":
                columns[fact.id] = _values(fact, n, rng, vocabulary)
        frames[kind] = pl.DataFrame(columns)
    return frames


def _values(fact: Fact, n: int, rng: np.random.Generator, vocabulary: Vocabulary) -> pl.Series:
    kind, t = fact.type.kind, fact.type
    dtype = column_type(fact, vocabulary.areas)
    if fact.id == "birth_date":
        ages = rng.gamma(4.0, 10.0, n).clip(0, 104) * 365.25
        values = pl.Series((TODAY - dt.date(1970, 1, 1)).days - ages.astype(np.int32)).cast(pl.Int32).cast(pl.Date)
    elif kind == "boolean":
        values = pl.Series(rng.random(n) < SHARE_TRUE)
    elif kind == "date":
        days = (TODAY - dt.date(1970, 1, 1)).days + rng.integers(-3650, 730, n)
        values = pl.Series(days.astype(np.int32)).cast(pl.Date)
    elif kind == "area":
        known = [area for area in HOME_AREAS if area in vocabulary.areas]
        drawn = rng.choice(len(known), n, p=np.array(HOME_SHARES[: len(known)]) / sum(HOME_SHARES[: len(known)]))
        values = pl.Series(known).gather(pl.Series(drawn.astype(np.uint32))).cast(dtype)
    elif kind == "code":
        drawn = rng.integers(0, len(t.codes), n)
        values = pl.Series(list(t.codes)).gather(pl.Series(drawn.astype(np.uint32))).cast(dtype)
    elif kind == "months":
        first = 2026 * 12 - rng.integers(1, 60, n)
        lists = pl.DataFrame({"a": first, "b": first + rng.integers(1, 30, n)})
        values = lists.select(pl.int_ranges("a", "b").cast(pl.List(pl.Int32))).to_series()
    elif kind == "money":
        values = pl.Series(rng.exponential(MONEY_MEAN_MINOR, n).astype(np.int64) // 100 * 100)
    else:
        low = int((t.minimum or 0) * 10**t.decimals)
        high = int(t.maximum * 10**t.decimals) if t.maximum is not None else low + 12 * 10**t.decimals
        values = pl.Series(rng.integers(low, min(high, low + 60 * 10**t.decimals) + 1, n))
    unknown = pl.Series(rng.random(n) < SHARE_UNKNOWN)
    return values.zip_with(~unknown, pl.Series([None], dtype=values.dtype).new_from_index(0, n))
