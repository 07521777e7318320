"""For which benefits subjects are to be answered: not all of them, where little has changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from rules.evaluate.columns.positions import Index
from rules.paths import Chain, Links

Mask = npt.NDArray[np.bool_]
ALL = None
"""How a file says of a subject that it is asked for every benefit of its kind."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Subjects of one kind that are to be answered.

    Attributes:
        rows: which, ascending.
        benefits: shape (rows, benefits of the kind): for which of them.
    """

    rows: Index
    benefits: Mask

    @staticmethod
    def everything(rows: Index, benefits: int) -> Asked:
        """Subjects that are asked for every benefit."""
        return Asked(rows, np.broadcast_to(True, (len(rows), benefits)))

    def at(self, rows: Index) -> Asked:
        """Some of the subjects."""
        return Asked(rows, self.benefits[np.searchsorted(self.rows, rows)])

    def alike(self) -> Iterator[tuple[Mask, Index]]:
        """The different choices of benefits, and the places among `rows` of those who are asked for each."""
        if self.benefits.all():
            yield np.full(self.benefits.shape[1], True), np.arange(len(self.rows))
            return
        packed = pl.DataFrame(np.packbits(self.benefits, axis=1)).with_row_index("place")
        for places in packed.group_by(pl.exclude("place"), maintain_order=True).agg("place").get_column("place"):
            yield self.benefits[places[0]], places.to_numpy().astype(np.int64)

    def spelled(self, names: list[str]) -> pl.Series:
        """For each row the benefits by name, `ALL` where it is all of them."""
        words = pl.Series([ALL], dtype=pl.String).new_from_index(0, len(self.rows))
        for choice, places in self.alike():
            if not choice.all():
                words[places] = ";".join(name for name, is_asked in zip(names, choice, strict=True) if is_asked)
        return words


def spelled_mask(words: pl.Series, names: list[str]) -> Mask:
    """What :meth:`Asked.spelled` wrote, as a mask."""
    distinct = words.unique(maintain_order=True)
    choices = [[True] * len(names) if word is ALL else [name in word.split(";") for name in names] for word in distinct]
    table = pl.DataFrame({"word": distinct}).with_row_index("choice")
    found = words.alias("word").to_frame().join(table, on="word", how="left", nulls_equal=True, maintain_order="left")
    mask: Mask = np.array(choices, dtype=np.bool_).reshape(len(distinct), len(names))[found["choice"].to_numpy()]
    return mask


def reach(
    links: Links, asked: dict[str, Asked], names: dict[str, list[str]], chains: dict[str, frozenset[Chain]]
) -> dict[str, Index]:
    """Everybody whose facts the answers read, by kind, those who are asked for included.

    Args:
        links: of the whole population.
        asked: by kind of subject.
        names: by kind of subject its benefits, in the order of the masks.
        chains: by benefit, the relations that its rule follows.
    """
    found: dict[str, list[Index]] = {}
    for kind, some in asked.items():
        found.setdefault(kind, []).append(some.rows)
        followed: dict[Chain, list[int]] = {}
        for column, name in enumerate(names[kind]):
            for chain in chains[name] - {()}:
                followed.setdefault(chain, []).append(column)
        for chain, columns in followed.items():
            rows = some.rows[some.benefits[:, columns].any(axis=1)]
            for step in chain[:-1]:
                rows = links.follow(step, rows)
            found.setdefault(chain[-1].arrives_at, []).append(links.arrive(chain[-1], rows))
    return {kind: np.unique(np.concatenate(parts)) for kind, parts in found.items()}
