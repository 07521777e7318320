"""Subjects' numbers: every id that the history has met, counted from 0 for each kind, never forgotten.

Rows hold numbers, so that a million of them are grouped by writing into arrays, not by comparing text.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from features.facts.encoding import ID

Numbers = npt.NDArray[np.int64]
_NUMBER = "subject"


class Numbering:
    """The subjects of one kind."""

    def __init__(self) -> None:
        self._parts: list[pl.Series] = []
        self._table: pl.DataFrame | None = None
        self.count = 0

    def add(self, ids: pl.Series) -> None:
        """Number these ids next."""
        self._parts.append(ids.alias(ID))
        self.count += len(ids)
        self._table = None

    @property
    def ids(self) -> pl.Series:
        """Every id, in the order of their numbers."""
        return self._known().get_column(ID)

    def of(self, ids: pl.Series) -> Numbers:
        """The numbers of ids; -1 where an id was never met."""
        if self.count == 0:
            return np.full(len(ids), -1, dtype=np.int64)
        wanted = pl.DataFrame({ID: ids.cast(pl.String)})
        found = wanted.join(self._known(), on=ID, how="left", maintain_order="left")
        return found.get_column(_NUMBER).fill_null(-1).to_numpy(writable=True)

    def _known(self) -> pl.DataFrame:
        if self._table is None:
            empty = pl.Series(ID, [], dtype=pl.String)
            whole = pl.concat([empty, *self._parts], rechunk=True)
            self._parts = [whole]
            self._table = pl.DataFrame({ID: whole, _NUMBER: pl.Series(np.arange(len(whole), dtype=np.int64))})
        return self._table
