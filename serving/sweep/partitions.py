"""Chunks as files: whom each answers, and beside them whoever's facts those answers read.

`rules.partitions` cuts; a chunk's file holds everybody that its rules can reach. Links are kept in it, so that a chunk
that has to be taken apart can be, without asking the history again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from features.facts.encoding import ID
from features.facts.subjects import Subjects
from rules.evaluate.columns.positions import Index
from rules.paths import Chain, Links, in_doubt, needed
from serving.sweep.asking import Asked, Mask, reach, spelled_mask

_KIND, _ASKED, _DOUBTFUL, _BENEFITS = "kind", "asked", "doubtful", "benefits"


@dataclass(frozen=True, slots=True)
class Partition:
    """The subjects of a chunk.

    `asked` are to be answered, `needed` (themselves included) to be read, both by kind of subject. `doubtful` are rows
    of `links`: of them it is not known who belongs to them. `benefits` says by kind for which benefits each of `asked`
    is to be answered, in the order of stored answers; for all of them where a kind is not in it.
    """

    asked: dict[str, pl.Series]
    needed: dict[str, pl.Series]
    links: Links
    doubtful: dict[str, Index]
    benefits: dict[str, Mask] = field(default_factory=dict)

    def in_doubt(self, kind: str, paths: frozenset[Chain]) -> pl.Series | None:
        """The ids whose answers rest on persons who are not certainly all there; None: nobody's."""
        if not any(len(rows) for rows in self.doubtful.values()):
            return None
        rows = in_doubt(self.links, self.doubtful, kind, paths)
        return self.links.ids(kind).gather(rows) if len(rows) else None


def partition_of(
    links: Links, asked: dict[str, Index], chains: dict[str, frozenset[Chain]], doubtful: dict[str, Index]
) -> Partition:
    """The partition of some subjects, by row."""
    reach = needed(links, asked, chains)
    return Partition(
        {kind: links.ids(kind).gather(rows) for kind, rows in asked.items()},
        {kind: links.ids(kind).gather(rows) for kind, rows in reach.items()},
        links,
        doubtful,
    )


def write_partition(
    path: Path,
    links: Links,
    asked: dict[str, Asked],
    names: dict[str, list[str]],
    chains: dict[str, frozenset[Chain]],
    doubtful: dict[str, Index],
) -> int:
    """Write a chunk's file; returns how many subjects it answers.

    Args:
        path: of the file.
        links: of the whole population.
        asked: who is answered for which benefits, by kind.
        names: by kind of subject its benefits, in the order of stored answers.
        chains: by benefit, the relations that its rule follows.
        doubtful: rows of whom it is not known who belongs to them, by kind.
    """
    frames: list[pl.DataFrame] = []
    for kind, rows in reach(links, asked, names, chains).items():
        some = asked.get(kind, Asked.everything(np.zeros(0, dtype=np.int64), 0))
        is_asked = np.isin(rows, some.rows)
        benefits = pl.Series([None], dtype=pl.String).new_from_index(0, len(rows))
        benefits[np.flatnonzero(is_asked)] = some.spelled(names.get(kind, []))
        frames.append(
            links.tables.frames[kind][rows].select(
                pl.lit(kind).alias(_KIND),
                pl.Series(_ASKED, is_asked),
                benefits.alias(_BENEFITS),
                pl.Series(_DOUBTFUL, np.isin(rows, doubtful.get(kind, np.zeros(0, dtype=np.int64)))),
                pl.all().cast(pl.String),
            )
        )
    table = pl.concat(frames, how="diagonal").sort(_ASKED, descending=True, maintain_order=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    table.write_parquet(unfinished, compression="lz4", statistics=False)
    unfinished.replace(path)
    return sum(len(some.rows) for some in asked.values())


def read_partition(
    path: Path,
    first: int,
    count: int,
    subjects: Subjects,
    names: dict[str, list[str]],
    chains: dict[str, frozenset[Chain]],
) -> Partition:
    """The subjects `[first, first + count)` of those that a file answers, and whoever they need.

    Args:
        path: of the file.
        first: of those whom it answers,
        count: and how many.
        subjects: the kinds and relations.
        names: as for :func:`write_partition`.
        chains: by kind of subject, the relations that its benefits' rules follow.
    """
    table = pl.read_parquet(path)
    answered = table.get_column(_ASKED).sum()
    chosen = table.slice(first, count)
    by_kind = {str(kind): part for (kind,), part in chosen.partition_by(_KIND, as_dict=True).items()}
    asked = {kind: part.get_column(ID) for kind, part in by_kind.items()}
    benefits = {kind: spelled_mask(part.get_column(_BENEFITS), names.get(kind, [])) for kind, part in by_kind.items()}
    parts = {str(kind): part for (kind,), part in table.partition_by(_KIND, as_dict=True).items()}
    links = Links({kind: part.drop(_KIND, _ASKED, _DOUBTFUL, _BENEFITS) for kind, part in parts.items()}, subjects)
    doubtful = {kind: np.flatnonzero(part.get_column(_DOUBTFUL).to_numpy()) for kind, part in parts.items()}
    if count == answered:
        return Partition(asked, {kind: part.get_column(ID) for kind, part in parts.items()}, links, doubtful, benefits)
    rows = {kind: _rows(links, kind, ids) for kind, ids in asked.items()}
    return replace(partition_of(links, rows, chains, doubtful), benefits=benefits)


def subject_at(path: Path, row: int) -> tuple[str, str]:
    """The kind and id of one subject of a file."""
    kind, subject = pl.read_parquet(path, columns=[_KIND, ID]).row(row)
    return str(kind), str(subject)


def _rows(links: Links, kind: str, ids: pl.Series) -> Index:
    known = links.ids(kind).to_frame().with_row_index("row")
    return (
        ids.to_frame().join(known, on=ID, how="left", maintain_order="left").get_column("row").cast(pl.Int64).to_numpy()
    )
