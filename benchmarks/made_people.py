"""Made people for measuring: partitions that no relation leaves, one file per kind of subject and partition."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.facts.vocabulary import Vocabulary
from features.made.by_type import tables_by_type

PARTITION_PERSONS = 100_000
IDS_PER_PARTITION = 10_000_000
KINDS = ("person", "household", "enterprise")


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
    target = folder / f"{vocabulary.jurisdiction}-{persons}-{PARTITION_PERSONS}-{seed}"
    count = max(1, round(persons / PARTITION_PERSONS))
    sizes = [persons // count + (number < persons % count) for number in range(count)]
    partitions = [Partition({k: target / f"{k}-{n:04d}.parquet" for k in KINDS}) for n in range(count)]
    if not (target / "done").exists():
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for number, (size, partition) in enumerate(zip(sizes, partitions, strict=True)):
            for kind, frame in tables_by_type(
                vocabulary, size, (seed, number), first_id=number * IDS_PER_PARTITION
            ).items():
                frame.write_parquet(partition.files[kind], compression="lz4", statistics=False)
        (target / "done").touch()
    return partitions
